"""The pytest plugin as users meet it: in test runs of their own, with and without the fixture."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

# The outer run's own switches (strictness, timeouts, coverage) are not those of users.
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
SHOP = """
[[rule]]
when = { task = "order (?P<n>\\\\d+)" }
text = "Order ${n} is on its way."

[[rule]]
text = "You said: ${task}"
"""
TESTS = """
import asyncio
import os

import anthropic
import openai
import pytest
from google import genai

from remit import Agent, App, SimulatedProvider, SyncApp
from remit.simulator.scenario import Fault

clerk = Agent("clerk", model="anthropic:claude-haiku-4-5-20251001", instructions="Sell lamps.")


@pytest.mark.simulator("shop.toml")
def test_remit(simulator: SimulatedProvider) -> None:
    with SyncApp(App("memory:", agents=[clerk])) as app:
        assert app.run(clerk, "Where is order 17?").output == "Order 17 is on its way."
    (served,) = simulator.requests
    assert served.request.system == "Sell lamps."


def test_anthropic(simulator: SimulatedProvider) -> None:
    with anthropic.Anthropic() as client:
        message = client.messages.create(
            model="claude-haiku-4-5-20251001",
            max_tokens=9,
            messages=[{"role": "user", "content": "hi"}],
        )
    assert message.content[0].text == "hi"


def test_openai(simulator: SimulatedProvider) -> None:
    simulator.follow_toml(\'[[rule]]\\ntext = "Yes."\\n\')
    with openai.OpenAI() as client:
        assert client.responses.create(model="gpt-5-2025-08-07", input="hi").output_text == "Yes."


def test_google(simulator: SimulatedProvider) -> None:
    with genai.Client() as client:
        answer = client.models.generate_content(model="gemini-2.5-flash", contents="hi")
    assert answer.text == "hi"


@pytest.mark.simulator(lambda request: Fault(kind="overloaded"))
def test_faults(simulator: SimulatedProvider) -> None:
    with anthropic.Anthropic(max_retries=0) as client, pytest.raises(anthropic.InternalServerError):
        client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        )


@pytest.mark.asyncio
async def test_in_a_loop(simulator: SimulatedProvider) -> None:
    async with App("memory:", agents=[clerk]) as app:
        assert (await app.run(clerk, "hi")).output == "hi"


def test_nothing_is_left_behind() -> None:
    assert "ANTHROPIC_BASE_URL" not in os.environ
"""


@pytest.mark.requirement("TST-1", "TST-3")
def test_the_fixture_serves_remit_and_the_official_sdks(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "leads past it")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    pytester.makefile(".ini", pytest=INI)
    pytester.makefile(".toml", shop=SHOP)
    pytester.makepyfile(test_shop=TESTS)
    result = pytester.runpytest_subprocess("--strict-markers", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=7)


def test_a_scenario_that_is_wrong_names_its_line(pytester: pytest.Pytester) -> None:
    pytester.makefile(".ini", pytest=INI)
    pytester.makefile(".toml", bad='[[rule]]\ntxt = "a"\n')
    pytester.makepyfile(
        test_bad='import pytest\n@pytest.mark.simulator("bad.toml")\ndef test(simulator): ...\n'
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bad.toml, line 2: rule.0.txt: no such key; did you mean 'te*"])


def test_fixture_and_marker_are_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.simulator(scenario): *"])
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["simulator -- *", "*A simulated provider of models*"])


def test_pytest_finds_it_by_its_entry_point() -> None:
    (found,) = (each for each in entry_points(group="pytest11") if each.name == "remit")
    assert found.value == "remit.simulator.pytest_plugin"


def test_a_run_that_does_not_use_it_imports_nothing_of_it() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules);"
        "import remit.simulator.pytest_plugin;"
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["remit", "remit.simulator", "remit.simulator.pytest_plugin"])
