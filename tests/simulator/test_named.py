"""Scenarios by name: files of both forms, functions in modules and files, and what is wrong."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.errors import ConfigError
from remit.simulator.named import find_scenario
from remit.simulator.scenario import Scenario, play
from remit.values.model import RawText
from tests.simulator.conversations import asked

MODULE = """
from remit.simulator.compose import compose
from remit.simulator.scenario import ECHO
from remit.values.model import RawText

echo = ECHO
number = 7

def script(request):
    return compose(request, RawText("I am a function."))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    (tmp_path / "shop_model.py").write_text(MODULE)
    (tmp_path / "broken_model.py").write_text("1 / 0\n")
    (tmp_path / "lacking_model.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "s.toml").write_text('[[rule]]\ntext = "a"\n')
    (tmp_path / "s.yaml").write_text("rule: [{text: a}]\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("reference", ["shop_model:script", "shop_model.py:script"])
def test_a_function(reference: str) -> None:
    answer = play(find_scenario(reference), asked(), "d", 0).answer
    assert answer is not None
    assert answer.parts == (RawText("I am a function."),)


def test_a_scenario_in_a_module_and_files() -> None:
    assert isinstance(find_scenario("shop_model:echo"), Scenario)
    for name in ("s.toml", "s.yaml"):
        found = find_scenario(name)
        assert isinstance(found, Scenario)
        assert found.rules[0].reply.text == "a"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("none.toml", r"none\.toml: cannot be read as a scenario"),
        ("shop_model.py", "which function in it?"),
        ("shop_model:", "names no scenario: name a .toml or .yaml file, or a function as module"),
        ("shop_model:scrip", "shop_model has no 'scrip'"),
        ("shop_model:number", "is a int; a scenario is a function of a ModelRequest"),
        ("none.py:script", r"none\.py: there is no such file"),
        ("nobody_has_this:script", "No module named 'nobody_has_this'; is it in this folder?"),
        ("lacking_model:script", "No module named 'nothing_of_this_name'"),
        ("broken_model:script", "broken_model cannot be imported: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_found_is_told(reference: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find_scenario(reference)
