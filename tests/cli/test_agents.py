"""An agent is found by module or file, and made with inputs where it is a function."""

import sys
from pathlib import Path

import pytest

from remit.app.app import App
from remit.cli.agents import check_models, load_agent, read_inputs
from remit.errors import ConfigError, RemitError, UsageError
from tests.cli.conftest import AGENTS
from tests.cli.shop import clerk, helper, model


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_an_agent_in_a_file() -> None:
    assert load_agent(f"{AGENTS}:clerk").name == "clerk"


def test_an_agent_in_a_module_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corner_shop.py").write_text(AGENTS.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    sys.path[:] = [each for each in sys.path if each not in ("", str(tmp_path))]
    assert load_agent("corner_shop:clerk").name == "clerk"
    assert load_agent("corner_shop:make", ["name=anna"]).name == "anna"


def test_a_function_gets_its_inputs_as_their_types() -> None:
    made = load_agent(f"{AGENTS}:make", ["name=anna", "turns=3", "cost=0.25"])
    assert (made.name, made.remit.turns, made.remit.cost_usd) == ("anna", 3, "0.25")


@pytest.mark.parametrize(
    ("name", "inputs", "what"),
    [
        ("make", [], r"the input 'name' is missing; it takes -i name=… \[-i turns=5\]"),
        ("make", ["name=a", "colour=red"], "'colour' is unknown"),
        ("make", ["name=a", "turns=many"], "the input turns='many'"),
        ("make", ["name=a", "name=b"], "'name' is given twice"),
        ("make", ["name"], "write it as key=value"),
        ("make", ["no-name=a"], "write it as key=value"),
        ("make", ["name=not a name"], "agent 'not a name'"),
        ("clerk", ["name=a"], "it takes no inputs"),
        ("nobody", [], "has no 'nobody'; it has broken, clerk, make, never, what_is_paid, wrong"),
        ("number", [], "is a int; name an Agent"),
        ("wrong", [], r"wrong\(\) gave a str, not an Agent"),
        ("broken", [], r"ZeroDivisionError: by purpose \(.*shop_agents.py:\d+\)"),
    ],
)
def test_what_cannot_be_an_agent(name: str, inputs: list[str], what: str) -> None:
    with pytest.raises(RemitError, match=what):
        load_agent(f"{AGENTS}:{name}", inputs)


@pytest.mark.parametrize("reference", ["agent", "agent:", ":agent", ""])
def test_a_reference_needs_both_parts(reference: str) -> None:
    with pytest.raises(UsageError, match="names no agent: write it as module:name"):
        load_agent(reference)


def test_a_file_that_cannot_be_imported_says_where(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import no_such_module_anywhere\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ModuleNotFoundError: .*bad\.py:1\)"):
        load_agent(f"{bad}:agent")
    bad.write_text("x = = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="SyntaxError"):
        load_agent(f"{bad}:agent")
    with pytest.raises(ConfigError, match="there is no such file"):
        load_agent("./missing.py:agent")
    with pytest.raises(ConfigError, match="ModuleNotFoundError"):
        load_agent("no_such_module_anywhere:agent")


def test_inputs_keep_what_stands_behind_the_first_sign() -> None:
    assert read_inputs(["a=b=c", "d="]) == {"a": "b=c", "d": ""}


async def test_every_model_below_must_be_reachable(tmp_path: Path) -> None:
    async with App(f"sqlite:///{tmp_path / 'j.db'}", agents=[clerk], models=model()) as app:
        check_models(app, clerk)
    async with App(f"sqlite:///{tmp_path / 'j.db'}", agents=[clerk]) as app:
        with pytest.raises(ConfigError, match="unknown provider 'scripted'"):
            check_models(app, helper)
