"""Every house rule holds for this repository, and is seen to fail on a tree that breaks it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tidy import papers, promises, shape
from tests.tidy.tree import ROOT, Tree, plant

Check = Callable[[Tree], list[str]]

MODULE = "src/remit/values/thing.py"
DOC = '"""A thing."""\n'
CATALOGUE = '[[requirement]]\nid = "BUD-1"\n'
TREE = '''"""All errors.

RemitError
└── Odd
"""

class RemitError(Exception): ...
class Odd(RemitError): ...
'''
# Put together here, or the rules would find them in this file.
HOME = "/ro" + "ot/"
WORK = "/wo" + "rk/"
KEY = "AKIA" + "ABCDEFGH" * 2
NOQA = "# no" + "qa"
IGNORE = "# type: ig" + "nore"


@pytest.fixture(scope="module")
def repository() -> Tree:
    return Tree(ROOT)


CHECKS: list[Check] = [
    shape.syntax,
    shape.lengths,
    shape.first_lines,
    shape.names,
    shape.inner_imports,
    shape.package_files,
    shape.face_imports,
    shape.mirrored,
    promises.one_error_tree,
    promises.suppressions,
    promises.requirement_ids,
    promises.extras,
    papers.locks,
    papers.machine_paths,
    papers.secrets,
    papers.changelog,
    papers.links,
    papers.reference,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_repository_keeps_the_rule(check: Check, repository: Tree) -> None:
    found = check(repository)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def body(lines: int) -> str:
    return DOC + "\n\ndef long() -> None:\n" + "    pass\n" * (lines - 1)


# A rule, a tree that breaks it, and a part of what it must say.
BROKEN: list[tuple[Check, dict[str, str], str]] = [
    (shape.syntax, {MODULE: DOC + "def f[T](x: T) -> T: ..."}, "thing.py:2: "),
    (shape.lengths, {MODULE: DOC + "\n" * 400}, "401 lines, allowed 400"),
    (shape.lengths, {"tests/test_x.py": body(71)}, "long has 71 lines, allowed 70"),
    (shape.first_lines, {MODULE: "import ast\n"}, "must start with a docstring"),
    (shape.first_lines, {MODULE: "# a comment\n" + DOC}, "must start with a docstring"),
    (shape.first_lines, {MODULE: '"""No full stop"""\n'}, "must be one short sentence"),
    (shape.first_lines, {MODULE: f'"""{"x" * 100}."""\n'}, "must be one short sentence"),
    (shape.first_lines, {MODULE: DOC, "tests/x.py": DOC}, "the same first line"),
    (shape.names, {"src/remit/values/utils.py": DOC}, "'utils' says nothing"),
    (shape.names, {"src/remit/run_info/x.py": DOC}, "'info' says nothing"),
    (shape.names, {MODULE: DOC + "class RunManager: ..."}, "class RunManager: 'manager'"),
    (shape.names, {MODULE: DOC + "class _HTTPHandler: ..."}, "class _HTTPHandler: 'handler'"),
    (shape.inner_imports, {MODULE: DOC + "def f():\n    import os"}, "import inside a function"),
    (
        shape.inner_imports,
        {"tests/x.py": f"async def f():\n    from os import path  {NOQA}: PLC0415"},
        "import inside a function",
    ),
    (shape.inner_imports, {MODULE: "import importlib\nimportlib.import_module('x')"}, "by name"),
    (shape.inner_imports, {MODULE: "from importlib import import_module"}, "by name"),
    (shape.inner_imports, {MODULE: "x = __import__('x')"}, "by name"),
    (shape.package_files, {"src/remit/values/__init__.py": DOC}, "stays empty"),
    (shape.face_imports, {MODULE: "from remit import Agent"}, "imports Agent from the public face"),
    (shape.face_imports, {MODULE: "import remit"}, "imports remit from the public face"),
    (
        shape.mirrored,
        {MODULE: "def f() -> int:\n    return 1", "tests/values/test_other.py": ""},
        "there is no tests/values/test_thing.py",
    ),
    (
        promises.one_error_tree,
        {promises.ERRORS: TREE, MODULE: DOC + "class Other(Odd): ..."},
        "thing.py:2: exception Other belongs into",
    ),
    (
        promises.one_error_tree,
        {MODULE: "class Other(click.ClickError): ..."},
        "exception Other",
    ),
    (promises.one_error_tree, {MODULE: "class Other(KeyError): ..."}, "exception Other"),
    (
        promises.one_error_tree,
        {promises.ERRORS: TREE + "class Lost(Exception): ..."},
        "Lost does not descend from RemitError",
    ),
    (
        promises.one_error_tree,
        {promises.ERRORS: TREE + "class Lost(Odd): ..."},
        "Lost is missing in the tree drawn",
    ),
    (promises.suppressions, {MODULE: f"x = 1  {NOQA}\n"}, "needs a code and a reason"),
    (promises.suppressions, {MODULE: f"x = 1  {NOQA}: F401\n"}, "needs a code and a reason"),
    (promises.suppressions, {MODULE: f"x = 1  {IGNORE}[misc]\n"}, "needs a code and a reason"),
    (promises.suppressions, {MODULE: "x = 1  # pragma: no cover\n"}, "needs a code and a reason"),
    (
        promises.suppressions,
        {MODULE: f"x = 1  {IGNORE}[misc]  # two good words\n" * 2},
        "2 uses of type-ignores in 2 lines",
    ),
    (promises.suppressions, {MODULE: "a: Any\nb: Any\n"}, "2 uses of `Any` in 2 lines"),
    (
        promises.suppressions,
        {MODULE: f"try:\n    x = 1\nexcept Exception:  {NOQA}: BLE001\n    x = 2\n"},
        "catching Exception needs its reason",
    ),
    (
        promises.suppressions,
        {MODULE: "try:\n    x = 1\nexcept:\n    x = 2\n"},
        "catching everything needs its reason",
    ),
    (
        promises.requirement_ids,
        {
            "src/remit/readiness/catalogue.toml": CATALOGUE,
            "tests/x.py": "@pytest.mark.requirement('BUD-1', 'BUD-2')\ndef f(): ...",
        },
        "requirement 'BUD-2' is not in the catalogue",
    ),
    (
        promises.requirement_ids,
        {
            "src/remit/readiness/catalogue.toml": CATALOGUE,
            "tests/x.py": "pytestmark = pytest.mark.requirement()",
        },
        "names no id",
    ),
    (
        promises.extras,
        {
            "pyproject.toml": "[project]\nname = 'remit'\n[project.optional-dependencies]\n"
            "all = ['remit[a,c]']\na = []\nb = []"
        },
        "extra 'b' is missing in `all`",
    ),
    (papers.locks, {"uv.lock": ""}, "only requirements*.lock"),
    (papers.locks, {"deep/pylock.dev.toml": ""}, "only requirements*.lock"),
    (papers.locks, {"requirements.lock": "--index-url x\n"}, "requirements.lock:1: an address"),
    (papers.locks, {"requirements.lock": "a @ https://x/a.whl\n"}, "an address in a lock"),
    (papers.locks, {"requirements.lock": "a==1 \\\n    --hash=sha256:1\nb==2\n"}, "b has no hash"),
    (papers.machine_paths, {"docs/x.md": f"\nsee {WORK}main"}, "docs/x.md:2: names a machine's"),
    (papers.machine_paths, {"x.toml": f"a='{HOME}.ssh'"}, "names a machine's folder"),
    (papers.secrets, {"tests/x.py": f"\nkey = '{KEY}'"}, "x.py:2: looks like a real credential"),
    (papers.changelog, {"changelog.d/Thing.md": "It is.\n"}, "the name must be"),
    (papers.changelog, {"changelog.d/thing.better.md": "It is.\n"}, "the name must be"),
    (papers.changelog, {"changelog.d/thing.added.md": "# Thing\n"}, "write whole sentences"),
    (papers.changelog, {"changelog.d/thing.added.md": ""}, "write whole sentences"),
    (papers.links, {"docs/a.md": "[x](b.md)"}, "link to b.md: no such file"),
    (papers.links, {"docs/a.md": "[x](../../b.md)", "b.md": ""}, "no such file"),
    (papers.links, {"docs/a.md": "[x](../b.md#two)", "b.md": "# One"}, "no such heading"),
    (papers.links, {"a.md": "[x](http://example.org)"}, "only https and mailto"),
    (
        papers.reference,
        {papers.FACE: "__all__ = ['A', 'B']", papers.REFERENCE: "### `A`\n"},
        "B has no heading",
    ),
    (papers.reference, {papers.FACE: "", papers.REFERENCE: "### `A`\n"}, "A is no public name"),
]


@pytest.mark.parametrize(
    ("check", "files", "complaint"),
    [pytest.param(*row, id=f"{row[0].__name__}-{n}") for n, row in enumerate(BROKEN)],
)
def test_a_broken_rule_is_found(
    check: Check, files: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    found = check(plant(tmp_path, files))
    assert complaint in "\n".join(found)


def test_every_rule_is_seen_to_fail() -> None:
    assert {row[0] for row in BROKEN} == set(CHECKS)


# Trees that only look wrong.
FINE: list[tuple[Check, dict[str, str]]] = [
    (shape.lengths, {MODULE: DOC + "\n" * 399, "tests/x.py": body(70)}),
    (shape.first_lines, {"src/remit/values/__init__.py": "", "src/remit/wire/__init__.py": ""}),
    (shape.names, {"src/remit/values/database.py": DOC + "class Datum: ...\nclass Infos: ..."}),
    (shape.inner_imports, {"src/remit/app/load.py": "importlib.import_module('x')"}),
    (shape.face_imports, {MODULE: "from remit import errors", promises.ERRORS: TREE}),
    (shape.mirrored, {MODULE: "class Port(Protocol):\n    def f(self) -> int:\n        ..."}),
    (shape.mirrored, {MODULE: "def f():\n    pass", "tests/values/test_thing.py": ""}),
    (
        shape.mirrored,
        {
            "src/remit/adapters/memory/x.py": "def f(): f()",
            "tests/adapters/store/test_memory.py": "",
        },
    ),
    (promises.one_error_tree, {promises.ERRORS: TREE, MODULE: "class Box(Generic[T]): ..."}),
    (promises.suppressions, {MODULE: f"x = '{NOQA}'  # a text, not a comment\n"}),
    (promises.suppressions, {MODULE: f"x = 1  {NOQA}: F401, E501 - both are needed here\n"}),
    (promises.suppressions, {MODULE: "try: ...\nexcept BaseException:\n    y()\n    raise\n"}),
    (papers.locks, {"requirements.lock": "a==1 ; x == 'y' \\\n    --hash=sha256:1\n"}),
    (papers.machine_paths, {"a.md": "framework/main, ../work/x and /home/user/x"}),
    (
        papers.links,
        {"docs/a.md": "[x](../b.md#a-b) [y](#c) [z](https://x.org)\n# C\n", "b.md": "# `A` B!"},
    ),
    (papers.links, {"a.md": "```text\n[x](nowhere.md)\n```\n"}),
    (papers.changelog, {"changelog.d/README.md": "", "changelog.d/a-b.fixed.md": "It is fixed.\n"}),
]


@pytest.mark.parametrize(
    ("check", "files"),
    [pytest.param(*row, id=f"{row[0].__name__}-{n}") for n, row in enumerate(FINE)],
)
def test_what_only_looks_wrong_is_left_alone(
    check: Check, files: dict[str, str], tmp_path: Path
) -> None:
    assert check(plant(tmp_path, files)) == []
