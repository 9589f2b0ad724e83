"""Static analysis of what a tree changes: bandit and ruff's security rules, on copies of files."""

import asyncio
import importlib.util
import json
import os
import sys
import tempfile
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

from lomu.git import shown
from lomu.process import run_program
from lomu.repository import MAX_FILE_BYTES, Change, Repository, is_file
from remit import ToolError

_SCAN_S = 120.0
_REPORT_BYTES = 64 * 1024**2
_CACHED = 64  # reports of one process: a run makes a handful
_MAX_SHOWN = 50  # findings handed to a model at once
_SUFFIXES = (".py", ".pyi", ".pyw")
# bandit: medium severity and above, and what looks like a password.
_BANDIT_LOW = frozenset({"B105", "B106", "B107"})
# ruff's rules on the same matters, without those that name no danger by themselves: assert,
# silent except, random numbers, importing subprocess, starting a program without a shell.
_RUFF_IGNORED = "S101,S110,S112,S311,S404,S603,S607"
# No file is left out: names in the copy are our own, and no setting of the repository is read.
_BANDIT = ("-m", "bandit", "--quiet", "--ignore-nosec", "--exit-zero", "--format", "json")
_RUFF = (
    *("-m", "ruff", "check", "--isolated", "--ignore-noqa", "--no-cache", "--exit-zero"),
    *("--no-respect-gitignore", "--exclude", "nothing-is-excluded", "--target-version", "py314"),
    *("--select", "S", "--ignore", _RUFF_IGNORED, "--output-format", "json"),
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that must not be committed."""

    path: str
    line: int
    rule: str
    message: str
    code: str = ""
    """The line it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the scan of one tree against one earlier tree says.

    `passed` only if the change brings no finding that was not there before. `not_analysed` are
    changed files in other languages: a human has to look at them.
    """

    tree: str
    passed: bool
    findings: tuple[Finding, ...]
    more: int
    known: int
    analysed: tuple[str, ...]
    not_analysed: tuple[str, ...]
    tools: tuple[str, ...]


class Scanner:
    """Scans trees of one repository; a report depends on two trees alone, so it is kept."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._reports: OrderedDict[tuple[str, str], Report] = OrderedDict()
        self._busy = asyncio.Lock()  # two scans at once would do the same work twice

    async def scan(self, base: str, tree: str) -> Report:
        """Scan what `tree` changes against `base`. Raises `ToolError` when it cannot be done."""
        async with self._busy:
            known = self._reports.get((base, tree))
            if known is None:
                known = await self._scan(base, tree)
                self._reports[(base, tree)] = known
                while len(self._reports) > _CACHED:
                    self._reports.popitem(last=False)
            return known

    async def _scan(self, base: str, tree: str) -> Report:
        tools = _versions()
        changes = await self._repository.changes(base, tree)
        with tempfile.TemporaryDirectory(prefix="lomu-scan-") as folder:
            files = await self._lay_out(changes, Path(folder))
            found = await _analyse(Path(folder), files)
        before = Counter(_key(one) for name, one in found if name.startswith("old"))
        fresh = []
        for one in sorted(one for name, one in found if name.startswith("new")):
            if before[_key(one)] > 0:
                before[_key(one)] -= 1
            else:
                fresh.append(one)
        analysed = {path for name, path in files.items() if name.startswith("new")}
        left = sorted(shown(one.path) for one in changes if one.blob and one.path not in analysed)
        return Report(
            tree=tree,
            passed=not fresh,
            findings=tuple(fresh[:_MAX_SHOWN]),
            more=max(0, len(fresh) - _MAX_SHOWN),
            known=sum(name.startswith("new") for name, _ in found) - len(fresh),
            analysed=tuple(sorted(map(shown, analysed))),
            not_analysed=tuple(left),
            tools=tools,
        )

    async def _lay_out(self, changes: Sequence[Change], folder: Path) -> dict[str, str]:
        """Write the Python files of a change, old and new, under names of our own; name -> path."""
        wanted = [
            (f"{side}_{number:05}.py", change.path, blob)
            for number, change in enumerate(changes)
            for side, mode, blob in (
                ("old", change.old_mode, change.old_blob),
                ("new", change.mode, change.blob),
            )
            if blob and is_file(mode)
        ]
        sizes = await self._repository.sizes(blob for _, _, blob in wanted)
        for name, path, blob in wanted:
            if name.startswith("new") and sizes[blob] > MAX_FILE_BYTES:
                raise ToolError(f"{shown(path)!r} is too large to be scanned")
        wanted = [each for each in wanted if sizes[each[2]] <= MAX_FILE_BYTES]
        files: dict[str, str] = {}
        place = 0
        async for content in self._repository.blobs([(b, sizes[b]) for _, _, b in wanted]):
            name, path, _ = wanted[place]
            place += 1
            if is_python(path, content):
                (folder / name).write_bytes(content)
                files[name] = path
        return files


def is_python(path: str, content: bytes) -> bool:
    """Python by its name, or by its first line."""
    first = content[:200].partition(b"\n")[0]
    return path.lower().endswith(_SUFFIXES) or (first.startswith(b"#!") and b"python" in first)


def _key(one: Finding) -> tuple[str, str]:
    return one.rule, one.code


def _versions() -> tuple[str, ...]:
    missing = [name for name in ("bandit", "ruff") if importlib.util.find_spec(name) is None]
    if missing:
        raise ToolError(
            f"nothing can be scanned, so nothing can be committed: {' and '.join(missing)} is not "
            "installed; run `pip install 'remit[code]'`"
        )
    return tuple(f"{name} {version(name)}" for name in ("bandit", "ruff"))


# ---------------------------------------------------------------- the two programs


async def _analyse(folder: Path, files: Mapping[str, str]) -> list[tuple[str, Finding]]:
    """Findings by the name of the copy they are in."""
    if not files:
        return []
    names = sorted(files)
    bandit, ruff = await asyncio.gather(
        _run(folder, (*_BANDIT, *names)), _run(folder, (*_RUFF, *names))
    )
    raw = [*_from_bandit(bandit, names), *_from_ruff(ruff)]
    lines = {name: (folder / name).read_bytes().splitlines() for name in names}
    found = []
    for name, line, rule, message in raw:
        text = lines[name][line - 1] if 0 < line <= len(lines[name]) else b""
        code = text.decode(errors="replace").strip()[:200]
        found.append((name, Finding(shown(files[name]), line, rule, message, code)))
    return found


async def _run(folder: Path, words: Sequence[str]) -> object:
    """The JSON that a scanner prints."""
    done = await run_program(
        (sys.executable, "-I", *words),
        cwd=str(folder),
        env={"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        timeout_s=_SCAN_S,
        limit=_REPORT_BYTES,
    )
    try:
        if done.status == 0:
            return json.loads(done.stdout)
    except ValueError:
        pass  # told below, with what it said instead
    said = " ".join(done.stderr.decode(errors="replace").split())[:300]
    raise ToolError(f"{words[1]} failed ({done.status}), so nothing can be committed: {said}")


Raw = tuple[str, int, str, str]
"""Name of the copy, line, rule, message."""


def _from_bandit(report: object, names: Sequence[str]) -> list[Raw]:
    tree = cast("dict[str, list[dict[str, object]]]", report)
    found: list[Raw] = [
        (_name(one["filename"]), 1, "bandit", f"cannot be analysed: {one['reason']}")
        for one in tree["errors"]
    ]
    for one in tree["results"]:
        rule = str(one["test_id"])
        if one["issue_severity"] in ("MEDIUM", "HIGH") or rule in _BANDIT_LOW:
            line = int(str(one["line_number"]))
            found.append((_name(one["filename"]), line, rule, str(one["issue_text"])))
    seen = {_name(name) for name in tree["metrics"]} | {name for name, *_ in found}
    found += [(name, 1, "bandit", "was not analysed") for name in names if name not in seen]
    return found


def _from_ruff(report: object) -> list[Raw]:
    found: list[Raw] = []
    for one in cast("list[dict[str, object]]", report):
        location = cast("dict[str, int]", one["location"])
        rule = str(one["code"] or "syntax")
        found.append((_name(one["filename"]), location["row"], rule, str(one["message"])))
    return found


def _name(path: object) -> str:
    return Path(str(path)).name
