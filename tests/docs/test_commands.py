"""Commands and marks that the pages name, but that no page can run, exist."""

import re
import tomllib

from tests.docs.blocks import blocks
from tests.tidy.tree import ROOT

PAGES = ("README.md", "CONTRIBUTING.md")


def test_documented_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for block in blocks(ROOT, page)
        if block.language == "console"
        for target in re.findall(r"^\$ make (\w+)", block.code, re.MULTILINE)
    }
    assert {"check", "test", "format"} <= named <= targets


def test_the_requirement_marker_is_declared() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    markers = settings["tool"]["pytest"]["markers"]
    used = {
        mark
        for block in blocks(ROOT, "CONTRIBUTING.md")
        if block.language == "python"
        for mark in re.findall(r"pytest\.mark\.(\w+)", block.code)
    }
    assert used
    assert used <= {each.partition("(")[0] for each in markers}
