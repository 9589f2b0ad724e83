"""What a human accepted of an MCP server: descriptions and schemas, in a file to review."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from remit.errors import ConfigError

MAX_BYTES = 4 * 1024**2  # a hundred tools have a tenth of it
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a server says of a tool; not its annotations, for nobody relies on them."""

    name: str
    description: str
    schema: str
    """JSON text with sorted keys."""

    @property
    def digest(self) -> str:
        """SHA-256 over all that a model would be told."""
        whole = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def read_pins(path: Path, server: str) -> dict[str, Offer] | None:
    """The accepted tools by name, None where nothing was accepted yet.

    Raises `ConfigError` for a file that was damaged or changed by hand.
    """
    if not path.exists():
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; is it the right file?")
        tree = json.loads(path.read_text(encoding="utf-8"))
        if tree["format"] != FORMAT or tree["server"] != server:
            raise ConfigError(f"{path}: it is not about the server {server!r}; mend `pins`")
        found = {}
        for name, each in cast("Mapping[str, Mapping[str, str]]", tree["tools"]).items():
            offer = Offer(name=name, description=each["description"], schema=each["schema"])
            if offer.digest != each["digest"]:
                raise ConfigError(
                    f"{path}: {name} was changed by hand; say remit tools accept {server}"
                )
            found[name] = offer
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ConfigError(f"{path}: no file of accepted tools ({type(exc).__name__})") from exc
    return found


def write_pins(path: Path, server: str, offers: Mapping[str, Offer]) -> None:
    """Write what was accepted, whole or not at all."""
    tools = {
        name: {"description": each.description, "schema": each.schema, "digest": each.digest}
        for name, each in sorted(offers.items())
    }
    text = json.dumps({"format": FORMAT, "server": server, "tools": tools}, indent=2) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
