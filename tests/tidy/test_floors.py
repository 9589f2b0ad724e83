"""The tools that guard the floors are strict: each refuses what is planted in a copy of it."""

import re
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

PURE = ("journal", "machine", "policy", "projections", "values", "wire")
"""The pure floors that are folders; `errors` and `ports` are single files."""

BIN = Path(sys.executable).parent


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the tools that are installed beside the interpreter."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=cwd,
        env={"PATH": str(BIN), "PYTHONPATH": str(cwd / "src"), "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the package with the settings of the tools."""
    for name in (".importlinter", "pyproject.toml", "ruff-pure.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*_cache")
    )
    return tmp_path


def plant(copy: Path, path: str, code: str) -> None:
    """Add one file to the copy of the package."""
    target = copy / "src" / "remit" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in target.relative_to(copy / "src" / "remit").parents:
        (copy / "src" / "remit" / folder / "__init__.py").touch()
    target.write_text(f'"""Planted by a test."""\n\n{code}\n', encoding="utf-8")


LINTS = ["lint-imports", "--no-logo", "--no-cache"]


def test_the_floors_of_a_clean_copy_hold(copy: Path) -> None:
    result = run(*LINTS, cwd=copy)
    assert result.returncode == 0, result.stdout + result.stderr


TYPE_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from remit.app import planted"

# What is planted (path and code), and the name of the contract that must break.
UPWARD: dict[str, tuple[dict[str, str], str]] = {
    "upward": ({"values/planted.py": "import remit.journal"}, "Floors"),
    "upward, for types only": ({"app/planted.py": "", "policy/planted.py": TYPE_ONLY}, "Floors"),
    "from one sibling to the other": ({"runtime/planted.py": "import remit.adapters"}, "Floors"),
    "between decisions and codecs": ({"machine/planted.py": "import remit.wire"}, "Floors"),
    "a package without a place": ({"novel/planted.py": ""}, "Floors"),
    "a codec that knows policy": ({"wire/planted.py": "import remit.policy"}, "Wire codecs"),
    "a cycle within a floor": (
        {
            "runtime/planted_a.py": "import remit.runtime.planted_b",
            "runtime/planted_b.py": "import remit.runtime.planted_a",
        },
        "No cycles",
    ),
    "one adapter in another": (
        {"adapters/planted_a/x.py": "import remit.adapters.planted_b", "adapters/planted_b.py": ""},
        "Adapters know nothing",
    ),
    "an adapter named at the door": (
        {"cli/planted.py": "import remit.adapters.planted", "adapters/planted.py": ""},
        "Only the assembly",
    ),
    "a clock": ({"machine/planted.py": "from time import monotonic"}, "Pure floors"),
    "dice": ({"policy/planted.py": "import random"}, "Pure floors"),
    "files": ({"values/planted.py": "import os.path"}, "Pure floors"),
    "a loop": ({"wire/planted/deep.py": "import asyncio.queues"}, "Pure floors"),
    "a database": ({"projections/planted.py": "import sqlite3"}, "Pure floors"),
    "a client": ({"wire/planted.py": "import aiohttp"}, "Pure floors"),
    "a log": ({"journal/planted.py": "from logging import getLogger"}, "Pure floors"),
}


@pytest.mark.parametrize("case", UPWARD)
def test_an_import_against_the_arrows_is_refused(case: str, copy: Path) -> None:
    files, contract = UPWARD[case]
    for path, code in files.items():
        plant(copy, path, code)
    result = run(*LINTS, cwd=copy)
    report = result.stdout + result.stderr
    assert result.returncode == 1, report
    if case == "a package without a place":
        assert re.search(r"novel", report), report
    else:
        assert re.search(rf"^{contract}.* BROKEN$", report, re.MULTILINE), report


def test_each_pure_floor_bans_each_name(copy: Path) -> None:
    """Plant every banned name, and the builtin `open`, on every pure floor."""
    settings = tomllib.loads((copy / "ruff-pure.toml").read_text(encoding="utf-8"))
    banned = settings["lint"]["flake8-tidy-imports"]["banned-api"]
    assert len(banned) > 15
    uses = "\n".join(
        f"import {'.'.join(name.split('.')[: 1 if name[0] != 'u' or 'uuid' in name else 2])}\n"
        f"print({name})"
        for name in banned
    )
    for floor in PURE:
        plant(copy, f"{floor}/planted.py", uses + '\nopen("x")')
    plant(copy, "runtime/planted.py", uses)
    result = run("ruff", "check", "--no-cache", "--output-format", "concise", "src", cwd=copy)
    for floor in PURE:
        reports = [line for line in result.stdout.splitlines() if f"{floor}/planted.py" in line]
        refused = set(re.findall(r"TID251 `([\w.]+)` is banned: Pure floor", "\n".join(reports)))
        assert refused == banned.keys(), floor
        assert any("PTH123" in line for line in reports), floor
    shell = [line for line in result.stdout.splitlines() if "runtime/planted.py" in line]
    assert shell
    assert not any("TID251" in line for line in shell)


def test_ruff_is_strict(copy: Path) -> None:
    branches = "\n".join(f"    if x == {n}:\n        x += 1" for n in range(11))
    plant(
        copy,
        "runtime/planted.py",
        f"def twisted(x: int) -> int:\n{branches}\n    return x\n\n\n"
        "def late() -> None:\n    import json\n    json.dumps('" + "x " * 50 + "')\n    print(1)",
    )
    result = run("ruff", "check", "--no-cache", "--output-format", "concise", "src", cwd=copy)
    found = set(re.findall(r"planted\.py:\d+:\d+: ([A-Z]+\d+)", result.stdout))
    assert {"C901", "PLC0415", "E501", "T201", "D103"} <= found


def test_mypy_is_strict(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "planted.py").write_text(
        "from typing import Literal\n\n"
        "class Base:\n    def f(self) -> int:\n        return 1\n\n"
        "class Child(Base):\n    def f(self) -> int:\n        return 2\n\n"
        "def g(x: Literal[1, 2]) -> None:\n    match x:\n        case 1:\n            pass\n\n"
        "def h(x):  # type: ignore\n    return x\n",
        encoding="utf-8",
    )
    result = run("mypy", "--cache-dir", str(tmp_path / "cache"), "planted.py", cwd=tmp_path)
    found = set(re.findall(r"\[([a-z-]+)\]$", result.stdout, re.MULTILINE))
    assert found == {"explicit-override", "exhaustive-match", "ignore-without-code"}, result.stdout


def test_pytest_is_strict(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "test_planted.py"
    planted.write_text(
        "import warnings\nimport pytest\n\n"
        "def test_warns() -> None:\n    warnings.warn('x')\n\n"
        "@pytest.mark.xfail\ndef test_better_than_said() -> None:\n    pass\n",
        encoding="utf-8",
    )
    result = run("pytest", "-q", "-p", "no:cacheprovider", "test_planted.py", cwd=tmp_path)
    assert "2 failed" in result.stdout, result.stdout + result.stderr
    planted.write_text("import pytest\n\n@pytest.mark.requirment('X')\ndef test() -> None: ...\n")
    result = run("pytest", "-q", "-p", "no:cacheprovider", "test_planted.py", cwd=tmp_path)
    assert "requirment" in result.stdout
    assert result.returncode != 0


def test_all_tools_know_the_same_pure_floors() -> None:
    """The list stands in four places because four tools read it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    package = ROOT / "src" / "remit"
    left_out = {path for glob in project["coverage"]["run"]["omit"] for path in ROOT.glob(glob)}
    measured = {
        path.relative_to(package).parts[0].removesuffix(".py")
        for path in package.rglob("*.py")
        if not any(path.is_relative_to(each) for each in left_out)
    }
    assert project["coverage"]["run"]["source"] == ["src/remit"]
    assert measured == {*PURE, "errors"}
    assert project["coverage"]["report"]["fail_under"] == 100

    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    listed = contracts["importlinter:contract:pure"]["source_modules"].split()
    assert {name.removeprefix("remit.") for name in listed} == {*PURE, "errors", "ports"}

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    floors = re.search(r"^FLOORS := (.*)$", makefile, re.MULTILINE)
    assert floors
    assert set(floors[1].split()) == {*PURE, "errors"}

    linted = {path.parent.name for path in (ROOT / "src" / "remit").glob("*/ruff.toml")}
    assert linted == set(PURE)
