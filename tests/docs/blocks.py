"""Code blocks of the documentation: found, told apart by language and marker, and run.

CONTRIBUTING.md tells writers the rules; this module is what holds them to it.
"""

import contextlib
import doctest
import io
import json
import linecache
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest

SHOWN = frozenset({"text", "mermaid", "diff"})
"""Languages that nobody can run; `text` is checked where it is marked as output."""

COMMAND_TIMEOUT_S = 90
"""A documented command that needs longer is not one to wait for at a first look."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*)\s*$")
_MARKER = re.compile(r"^\s*<!-- block: (?P<words>.*?) -->\s*$")
_SHOWN_BY = re.compile(r"shown by (?P<file>tests/[\w/]+\.py)::(?P<test>\w+)")


class BlockError(Exception):
    """A block breaks a rule, or does not do what its page says."""


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is that of its first line of code, counted from 1."""

    page: str
    line: int
    language: str
    marker: str
    code: str

    def wrong(self, what: str) -> BlockError:
        return BlockError(f"{self.page}:{self.line}: {what}")


def blocks(root: Path, page: str) -> list[Block]:
    """Return the blocks of a page in order. Raises `BlockError` for a fence that stays open."""
    lines = (root / page).read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    start: re.Match[str] | None = None
    before = marker = ""
    opened = 0
    for number, line in enumerate(lines, start=1):
        if start is None:
            start = _FENCE.match(line)
            opened = number
            mark = _MARKER.match(before)
            marker = mark["words"] if mark else ""
            before = line if line.strip() else before
        elif line.strip() == start["fence"]:
            indent = len(start["indent"])
            code = "".join(f"{each[indent:]}\n" for each in lines[opened : number - 1])
            found.append(Block(page, opened + 1, start["language"], marker, code))
            start, before = None, ""
    if start is not None:
        message = f"{page}:{opened}: this block is never closed"
        raise BlockError(message)
    return found


def pages(root: Path) -> list[str]:
    """Return every page of documentation that has blocks."""
    found = [
        path for glob in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in root.glob(glob)
    ]
    return [
        path.relative_to(root).as_posix()
        for path in sorted(found)
        if "```" in path.read_text(encoding="utf-8")
    ]


def run_page(root: Path, page: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Run the blocks of a page in order, in a folder of its own. Raises `BlockError`."""
    Page(root, page, folder, patch).run()


class Page:
    """One page while its blocks run: they share a folder, a namespace and the last output."""

    def __init__(self, root: Path, page: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.page = page
        self.folder = folder
        self.module = ModuleType("page_" + re.sub(r"\W", "_", page))
        self.printed: str | None = None
        self.unused: dict[str, Block] = {}
        patch.setitem(sys.modules, self.module.__name__, self.module)
        patch.syspath_prepend(folder)
        patch.chdir(folder)

    def run(self) -> None:
        """Run every block, then look whether every written file was used."""
        modules = set(sys.modules)
        examples = self.root / "examples"
        if examples.is_dir():
            (self.folder / "examples").symlink_to(examples)  # as in a checkout
        try:
            for block in blocks(self.root, self.page):
                self._block(block)
        finally:
            for name in set(sys.modules) - modules:
                file = getattr(sys.modules[name], "__file__", None)
                if file and Path(file).is_relative_to(self.folder):
                    del sys.modules[name]
        for name, block in self.unused.items():
            raise block.wrong(f"no later block on this page uses the file {name}")

    def _block(self, block: Block) -> None:
        kind, _, rest = block.marker.partition(" ")
        if kind == "shown":
            self._shown_by(block)
        elif kind == "file" and re.fullmatch(r"[\w-]+(?:/[\w-]+)*\.\w+", rest):
            self._parse(block)
            target = self.folder / rest
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code, encoding="utf-8")
            self.unused[rest] = block
        elif block.marker == "output" and block.language == "text":
            self._compare(block, block.code, self.printed)
        elif block.marker:
            raise block.wrong(f"unknown marker {block.marker!r}; see CONTRIBUTING.md")
        elif block.language == "python":
            self._used(block)
            self._python(block)
        elif block.language == "console":
            self._used(block)
            self._console(block)
        else:
            self._parse(block)

    def _used(self, block: Block) -> None:
        """Strike the written files that a block mentions, as a file or as a module."""
        for name in list(self.unused):
            stem = re.escape(name.removesuffix(".py"))
            if name in block.code or re.search(rf"\b(?:from|import) {stem}\b", block.code):
                del self.unused[name]

    def _parse(self, block: Block) -> None:
        """Check what can only be read."""
        try:
            match block.language:
                case "toml":
                    tomllib.loads(block.code)
                case "json":
                    json.loads(block.code)
                case "python":
                    compile(block.code, self.page, "exec", dont_inherit=True)
                case "":
                    raise block.wrong("name a language (`text` if it is none)")
                case language:
                    if language not in SHOWN:
                        what = f"language {language!r} is not known; commands are `console` with $"
                        raise block.wrong(what)
        except (ValueError, SyntaxError) as error:
            raise block.wrong(f"is no valid {block.language}: {error}") from error

    def _shown_by(self, block: Block) -> None:
        """Check that the test named by the marker exists and names this page."""
        match = _SHOWN_BY.fullmatch(block.marker)
        file = self.root / match["file"] if match else None
        if match is None or file is None or not file.is_file():
            raise block.wrong(f"{block.marker!r} must be: shown by tests/….py::test_name")
        text = file.read_text(encoding="utf-8")
        if not re.search(rf"^(?:async )?def {match['test']}\(", text, re.MULTILINE):
            raise block.wrong(f"there is no {match['test']} in {match['file']}")
        if f'"{self.page}"' not in text:
            raise block.wrong(f'{match["file"]} must read this page: it never names "{self.page}"')

    def _python(self, block: Block) -> None:
        """Run a block in the page's namespace; lines of a traceback are those of the page."""
        if "__main__" in block.code:
            raise block.wrong("the guard hides this code from the test; mark it as a file")
        path = str(self.root / self.page)
        linecache.checkcache(path)
        printed = io.StringIO()
        try:
            code = compile("\n" * (block.line - 1) + block.code, path, "exec", dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                exec(code, self.module.__dict__)  # noqa: S102 - running the page is the test
        except Exception as error:
            raise block.wrong(f"{type(error).__name__}: {error}") from error
        self.printed = printed.getvalue()

    def _console(self, block: Block) -> None:
        """Run each `$ command` and compare what it prints with the lines below it."""
        if not block.code.startswith("$ "):
            raise block.wrong("a console block starts with `$ command`")
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            **{key: os.environ[key] for key in os.environ if key.startswith("GIT_")},
        }
        line = block.line
        for step in re.split(r"^(?=\$ )", block.code, flags=re.MULTILINE)[1:]:
            command, expected = re.fullmatch(
                r"\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*)", step, re.DOTALL
            ).groups()  # type: ignore[union-attr]  # the split left a `$ ` at the start
            here = replace(block, line=line)
            try:
                done = subprocess.run(
                    ["/bin/bash", "-euo", "pipefail", "-c", command],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=COMMAND_TIMEOUT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise here.wrong(f"`{command}` took over {COMMAND_TIMEOUT_S} s") from error
            if done.returncode != 0:
                raise here.wrong(f"`{command}` ended with {done.returncode}: {done.stderr}")
            self.printed = done.stdout
            if expected.strip():
                self._compare(here, expected, done.stdout)
            line += step.count("\n")

    def _compare(self, block: Block, expected: str, printed: str | None) -> None:
        """Compare what was printed; `...` stands for anything."""
        if printed is None:
            raise block.wrong("nothing ran before this output")
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        if not doctest.OutputChecker().check_output(expected, printed, flags):
            raise block.wrong(f"the page says\n{expected}\nbut this was printed\n{printed}")
