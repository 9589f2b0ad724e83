"""An OpenAPI document, 3.0 or 3.1: its operations, references resolved within it only.

Source: OpenAPI Specification 3.0.4 and 3.1.1. A reference to another file or address is refused:
nobody fetches what decides about tools.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from remit.errors import ArgumentError, ConfigError, SpecError
from remit.machine.lexemes import exact
from remit.machine.schema_check import resolved

MAX_BYTES = 32 * 1024**2  # GitHub's, the largest that is widely used, has 12 MB
METHODS = ("get", "head", "options", "post", "put", "patch", "delete", "trace")
Tree = Mapping[str, object]
_MAX_REFERENCES = 32  # of one to the next; more go in a circle


@dataclass(frozen=True, slots=True)
class Document:
    """A document whose numbers are exact."""

    root: Tree
    name: str
    """Where it came from, for errors."""

    @property
    def version(self) -> str:
        """The version of the API that it describes."""
        return str(tree_of(self.root.get("info")).get("version", "")) or "1"

    @property
    def is_old(self) -> bool:
        """Of OpenAPI 3.0, whose schemas are not quite those of JSON Schema."""
        return str(self.root.get("openapi", "")).startswith("3.0")

    @property
    def server(self) -> str:
        """The one address the document names, empty where it names none, several, or a pattern."""
        servers = self.root.get("servers")
        urls = [str(tree_of(each).get("url", "")) for each in _list(servers)]
        return urls[0] if len(urls) == 1 and "{" not in urls[0] else ""

    def follow(self, part: object) -> Tree:
        """A part of the document, references followed. Raises `SpecError`."""
        for _ in range(_MAX_REFERENCES):
            found = tree_of(part)
            if "$ref" not in found:
                return found
            part = resolved(self.root, str(found["$ref"]))
        raise SpecError(f"{self.name}: its references go in a circle")

    def operations(self) -> dict[str, tuple[str, str, Tree, Tree]]:
        """(method, path, path item, operation) by `METHOD /path`."""
        found: dict[str, tuple[str, str, Tree, Tree]] = {}
        for path, item in tree_of(self.root.get("paths")).items():
            whole = self.follow(item)
            for method in METHODS:
                if method in whole:
                    made = (method.upper(), path, whole, self.follow(whole[method]))
                    found[f"{method.upper()} {path}"] = made
        return found


def tree_of(value: object) -> Tree:
    """An object of the document; an empty one in place of anything else."""
    return cast("Tree", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def read_document(
    source: Tree | str | Path, read_yaml: Callable[[str], object] | None = None
) -> Document:
    """The document in a mapping or a file. `read_yaml` reads YAML as data, numbers guessed.

    Raises `ConfigError` for a file that cannot be read, `SpecError` for another kind of document.
    """
    if isinstance(source, Mapping):
        root, name = _from_text(json.dumps(source, allow_nan=False), "the document"), "the document"
    else:
        path = Path(source)
        root, name = _from_file(path, read_yaml), str(path)
    version = str(tree_of(root).get("openapi", ""))
    if not version.startswith(("3.0", "3.1")):
        raise SpecError(
            f"{name}: it is no OpenAPI document of version 3.0 or 3.1 (openapi: {version!r})"
        )
    return Document(tree_of(root), name)


def _from_file(path: Path, read_yaml: Callable[[str], object] | None) -> object:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; is it the right file?")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: the document cannot be read: {exc}") from exc
    if path.suffix.lower() not in (".yaml", ".yml"):
        return _from_text(text, str(path))
    if read_yaml is None:
        raise ConfigError(f"{path}: YAML cannot be read here; convert it to JSON")
    return _from_text(_plain(read_yaml(text), path), str(path))


def _plain(tree: object, path: Path) -> str:
    """JSON text of what YAML said; dates, which YAML guesses, as texts."""
    pieces: list[str] = []
    size = 0
    try:
        # Piece by piece: aliases make a small file as large as one likes.
        for piece in json.JSONEncoder(default=str).iterencode(tree):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise ConfigError(f"{path}: with its aliases it is larger than {MAX_BYTES} bytes")
    except (ValueError, RecursionError, TypeError) as exc:
        raise ConfigError(f"{path}: its aliases go in a circle, or too deep") from exc
    return "".join(pieces)


def _from_text(text: str, name: str) -> object:
    try:
        return exact(text)
    except ArgumentError as exc:
        raise ConfigError(f"{name}: {exc}") from exc
