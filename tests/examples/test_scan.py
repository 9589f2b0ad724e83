"""Insecure code that a change brings is found, whatever the repository says about scanning."""

import importlib.util
from pathlib import Path

import pytest

from lomu.repository import Repository
from lomu.scan import Report, Scanner, is_python
from remit import ToolError
from tests.examples.scratch import BAD, make, write

OLD = "import subprocess\n\n\ndef go(line: str) -> None:\n    subprocess.call(line, shell=True)\n"


async def _scan(repo: Path) -> Report:
    place = Repository(str(repo))
    return await Scanner(place).scan((await place.head()).tree, await place.tree())


def _rules(report: Report) -> set[str]:
    return {one.rule for one in report.findings}


@pytest.mark.requirement("GOV-2")
async def test_insecure_code_does_not_pass(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"calc.py": BAD})
    report = await _scan(repo)
    assert not report.passed
    assert _rules(report) == {"B307", "S307"}
    assert {(one.path, one.line) for one in report.findings} == {("calc.py", 2)}
    assert report.tools[0].startswith("bandit ")


async def test_clean_code_passes_and_the_tree_is_named(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"more.py": 'MORE = "harmless"\n', "page.html": "<script>"})
    report = await _scan(repo)
    assert report.passed
    assert report.tree == await Repository(str(repo)).tree()
    assert (report.analysed, report.not_analysed) == (("more.py",), ("page.html",))


HIDDEN = {
    "settings": {
        ".bandit": "[bandit]\nskips: B307\nexclude: /\n",
        "pyproject.toml": '[tool.ruff]\nexclude=["*"]\n[tool.bandit]\nskips=["B307"]\n',
        "ruff.toml": 'exclude = ["*"]\n',
        "calc.py": BAD,
    },
    "comments": {"calc.py": "# ruff: noqa\n# nosec\n" + BAD},
    "folder": {".tox/build/venv/node_modules/x.egg/calc.py": BAD},
    "script": {"tool": "#!/usr/bin/env python3\n" + BAD},
    "suffix": {"calc.PYW": BAD},
    "option": {"-x --exit-zero.py": BAD},
    "newline": {"a\nb.py": BAD},
    "encoding": {"calc.py": "# -*- coding: utf-8 -*-\n" + BAD},
    "broken": {"calc.py": "def (:\n" + BAD},
    "stub": {"calc.pyi": BAD},
}


@pytest.mark.requirement("GOV-2", "RED-2")
@pytest.mark.parametrize("files", HIDDEN.values(), ids=HIDDEN.keys())
async def test_nothing_in_the_repository_hides_code_from_the_scan(
    tmp_path: Path, files: dict[str, str]
) -> None:
    repo = make(tmp_path / "repo")
    write(repo, files)
    assert not (await _scan(repo)).passed


async def test_what_was_there_before_does_not_count_again(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"old.py": OLD, "gone.py": BAD})
    write(repo, {"old.py": "# a comment\n" + OLD, "moved.py": BAD})
    (repo / "gone.py").unlink()
    report = await _scan(repo)
    assert report.passed
    assert report.known > 0
    write(
        repo,
        {
            "old.py": OLD + "\n\ndef again(line: str) -> None:\n"
            "    subprocess.call(line, shell=True)\n"
        },
    )
    assert not (await _scan(repo)).passed, "the same line once more is one more"


async def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(BAD)
    repo = make(tmp_path / "repo")
    (repo / "link.py").symlink_to(outside)
    report = await _scan(repo)
    assert report.passed
    assert report.not_analysed == ("link.py",)


async def test_nothing_changed_is_nothing_found(tmp_path: Path) -> None:
    report = await _scan(make(tmp_path / "repo"))
    assert report.passed
    assert report.analysed == ()


async def test_a_report_is_made_once_per_pair_of_trees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"calc.py": BAD})
    place = Repository(str(repo))
    scanner = Scanner(place)
    base, tree = (await place.head()).tree, await place.tree()
    first = await scanner.scan(base, tree)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert await scanner.scan(base, tree) is first
    with pytest.raises(ToolError, match=r"bandit and ruff is not installed.*remit\[code\]"):
        await scanner.scan(tree, base)


def test_python_is_known_by_name_or_first_line() -> None:
    assert is_python("a.PY", b"")
    assert is_python("a", b"#!/usr/bin/python3 -I\n")
    assert not is_python("a", b"python\n")
    assert not is_python("a.txt", b"")
