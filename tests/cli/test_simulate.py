"""`remit simulate` serves a provider that any client can talk to."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import anthropic
import pytest

from tests.cli.conftest import SCENARIO
from tests.cli.terminal import Remit


def ask(url: str, text: str) -> str:
    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
        answer = client.messages.create(
            model="claude-haiku-4-5-20251001",
            max_tokens=100,
            messages=[{"role": "user", "content": text}],
        )
    (block,) = answer.content
    assert isinstance(block, anthropic.types.TextBlock)
    return block.text


@pytest.mark.requirement("TST-3")
def test_the_official_client_talks_to_it(provider: dict[str, str]) -> None:
    assert ask(provider["ANTHROPIC_BASE_URL"], "hello") == "You said: hello"


@pytest.mark.requirement("TST-3")
def test_for_people_it_says_how_to_use_it_and_ends_on_a_signal() -> None:
    command = [sys.executable, "-m", "remit", "simulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, *settings = (process.stdout.readline() for _ in range(7))
        url = first.split()[2].rstrip(";")
        assert settings == [
            f"export ANTHROPIC_BASE_URL={url}\n",
            "export ANTHROPIC_API_KEY=no-key-is-needed-here\n",
            f"export OPENAI_BASE_URL={url}/v1\n",
            "export OPENAI_API_KEY=no-key-is-needed-here\n",
            f"export GOOGLE_GEMINI_BASE_URL={url}\n",
            "export GEMINI_API_KEY=no-key-is-needed-here\n",
        ]
        assert "hello" in ask(url, "hello"), "without a scenario it echoes"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_another_key_is_refused() -> None:
    command = [sys.executable, "-m", "remit", "simulate", str(SCENARIO), "--key", "right", "--json"]
    with subprocess.Popen(
        [*command, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with pytest.raises(anthropic.AuthenticationError):
            ask(url, "hello")
        process.communicate()


def test_a_scenario_that_is_wrong_is_a_usage_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[[rule]]\ncolour = 1\n", encoding="utf-8")
    result = Remit()("simulate", bad)
    assert result.exit_code == 2
    assert "bad.toml" in result.stderr
    assert Remit()("simulate", tmp_path / "missing.toml").exit_code == 2
    assert Remit()("simulate", "--port", "70000").exit_code == 2


@pytest.mark.requirement("TST-3")
def test_a_function_and_yaml_can_be_served(tmp_path: Path) -> None:
    (tmp_path / "play.py").write_text(
        "from remit.simulator.compose import compose\n"
        "from remit.values.model import RawText\n"
        "def script(request):\n"
        "    return compose(request, RawText('a function says so'))\n"
    )
    (tmp_path / "shop.yaml").write_text("rule:\n  - text: YAML says so\n")
    for reference, words in (("play:script", "a function"), ("shop.yaml", "YAML")):
        command = [sys.executable, "-m", "remit", "simulate", reference, "--json"]
        with subprocess.Popen(
            [*command, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=tmp_path,
        ) as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert ask(url, "hello") == f"{words} says so"
            process.communicate()
