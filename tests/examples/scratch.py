"""Scratch repositories for tests, made with plain git, and the calls that a tool gets."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from remit import Call
from remit.adapters.sandbox.find import find_sandbox

GOOD = 'def add(a: int, b: int) -> int:\n    """The sum."""\n    return a + b\n'
BAD = "def run(text: str) -> object:\n    return eval(text)  # nosec  # noqa\n"
TEST = (
    "import unittest\n\nfrom calc import add\n\n\nclass AddTest(unittest.TestCase):\n"
    "    def test_add(self) -> None:\n        assert add(2, 2) == 4\n"
)


def git(repo: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=repo,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
    )
    return done.stdout.strip()


def make(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A repository with one commit on `main`."""
    folder.mkdir(parents=True)
    git(folder, "-c", "init.defaultBranch=main", "init", "--quiet")
    write(folder, files if files is not None else {"calc.py": GOOD, "test_calc.py": TEST})
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "begin")
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def commits(repo: Path) -> list[str]:
    return git(repo, "rev-list", "--all").split()


def call(key: str = "run_x:c1-1", approved_by: tuple[str, ...] = ("local:ann",)) -> Call:
    """What a tool is called with; programs are really confined."""
    return Call(
        tenant="local",
        user="ann",
        session="s",
        run="run_x",
        call="c1-1",
        attempt=1,
        idempotency_key=key,
        fence=1,
        until_ms=0,
        approved_by=approved_by,
        run_confined=find_sandbox().run,
    )
