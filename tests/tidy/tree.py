"""A tree of files under check: the repository itself, or a small one that a test made wrong."""

import ast
import io
import os
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

CODE = ("src", "tests", "examples", "benchmarks")
"""Folders of Python code that the house rules hold for."""

OLDEST = (3, 11)
"""`requires-python` of the package."""


@dataclass(frozen=True)
class Source:
    """One parsed Python file; `path` is relative to the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path, feature_version=OLDEST)

    @property
    def error(self) -> str | None:
        """Say why the oldest Python that we support could not read this file."""
        try:
            _ = self.tree
        except SyntaxError as error:
            return f"{self.path}:{error.lineno}: {error.msg}"
        return None

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comments by line; a `#` within a string is none."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {each.start[0]: each.string for each in tokens if each.type == tokenize.COMMENT}

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler | ast.alias, what: str) -> str:
        """Return a finding at the line of `node`."""
        return f"{self.path}:{node.lineno}: {what}"

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class Tree:
    """The files below one root that are committed or about to be."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def paths(self) -> list[str]:
        """Files that git knows or would add; without git, every file."""
        if not (self.root / ".git").exists():
            found = (path for path in self.root.rglob("*") if path.is_file())
            return sorted(path.relative_to(self.root).as_posix() for path in found)
        git = shutil.which("git")
        if git is None:
            message = "git is not installed, so the tidy checks cannot tell which files count"
            raise RuntimeError(message)
        listed = subprocess.run(
            [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
            # A git hook that started the tests must not send this git to another repository.
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_DIR")},
        )
        known = {path for path in listed.stdout.split("\0") if path}
        return sorted(path for path in known if (self.root / path).is_file())

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    @cached_property
    def code(self) -> list[Source]:
        """Every Python file in the folders of code."""
        return [
            Source(path, self.read(path))
            for path in self.paths
            if path.endswith(".py") and path.partition("/")[0] in CODE
        ]

    @cached_property
    def python(self) -> list[Source]:
        """Those of them that can be read; the rule `syntax` names the others."""
        return [source for source in self.code if source.error is None]

    @property
    def package(self) -> Iterator[Source]:
        """Every Python file of the package itself."""
        return (each for each in self.python if each.path.startswith("src/"))

    @property
    def tests(self) -> Iterator[Source]:
        return (each for each in self.python if each.path.startswith("tests/"))


def plant(root: Path, files: dict[str, str]) -> Tree:
    """Write a small tree for a test that shows a check fail."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return Tree(root)
