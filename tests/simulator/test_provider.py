"""A simulated provider in a thread: sync and async programs, scenarios that change, its end."""

import os
import threading
from pathlib import Path

import anthropic
import pytest

from remit import SimulatedProvider
from remit.errors import ConfigError
from remit.simulator.compose import compose
from remit.simulator.provider import KEY, environment
from remit.simulator.scenario import Fault
from remit.values.model import ModelAnswer, ModelRequest, RawText


def ask(provider: SimulatedProvider, text: str, key: str = KEY) -> str:
    with anthropic.Anthropic(api_key=key, base_url=provider.url, max_retries=0) as client:
        message = client.messages.create(
            model="claude-haiku-4-5-20251001",
            max_tokens=100,
            messages=[{"role": "user", "content": text}],
        )
    (block,) = message.content
    assert block.type == "text"
    return block.text


@pytest.mark.requirement("TST-3")
def test_it_serves_a_program_without_a_loop_and_tells_what_it_was_asked() -> None:
    with SimulatedProvider() as provider:
        assert ask(provider, "hello") == "hello"
        (served,) = provider.requests
        assert served.request is not None
        assert served.request.messages[-1].text == "hello"
        assert provider.usage["claude-haiku-4-5-20251001"].output > 0
    names = [thread.name for thread in threading.enumerate()]
    assert "remit-simulator" not in names, "its thread ends with it"


@pytest.mark.requirement("TST-3")
async def test_it_serves_a_test_that_blocks_its_own_loop() -> None:
    with SimulatedProvider() as provider:
        assert ask(provider, "hello") == "hello"


def test_it_goes_on_with_other_scenarios(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> ModelAnswer:
        return compose(request, RawText("a function"))

    path = tmp_path / "s.toml"
    path.write_text('[[rule]]\ntext = "a file"\n')
    with SimulatedProvider(path) as provider:
        told = [ask(provider, "x")]
        provider.follow(script)
        told.append(ask(provider, "x"))
        provider.follow_toml('[[rule]]\ntext = "TOML"\n')
        told.append(ask(provider, "x"))
        provider.follow_yaml("rule: [{text: YAML}]\n")
        told.append(ask(provider, "x"))
        with pytest.raises(ConfigError, match=r"rule\.0\.txt: no such key"):
            provider.follow_toml('[[rule]]\ntxt = "a"\n')
        told.append(ask(provider, "x"))
    assert told == ["a file", "a function", "TOML", "YAML", "YAML"]


def test_a_hanging_answer_does_not_keep_it() -> None:
    with SimulatedProvider(lambda _: Fault(kind="hang")) as provider:
        failed: list[Exception] = []

        def call() -> None:
            try:
                ask(provider, "hello")
            except anthropic.APIConnectionError as exc:
                failed.append(exc)

        thread = threading.Thread(target=call)
        thread.start()
        while not provider.requests:
            pass
    thread.join()
    assert len(failed) == 1


def test_another_key_is_refused() -> None:
    with SimulatedProvider(key="right") as provider:
        with pytest.raises(anthropic.AuthenticationError):
            ask(provider, "hello", key="wrong")
        assert ask(provider, "hello", key="right") == "hello"


def test_it_tells_when_it_does_not_run() -> None:
    provider = SimulatedProvider()
    with pytest.raises(ConfigError, match="does not run: use it inside `with`"):
        _ = provider.requests
    with provider:
        pass
    with pytest.raises(ConfigError, match="does not run"):
        _ = provider.usage
    with pytest.raises(ConfigError, match="was started before"), provider:
        pass


def test_what_keeps_it_from_starting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConfigError("cannot listen")

    monkeypatch.setattr("remit.simulator.provider.running", refuse)
    with pytest.raises(ConfigError, match="cannot listen"), SimulatedProvider():
        pass


def test_its_variables_are_those_that_the_clients_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment("u")["OPENAI_BASE_URL"] == "u/v1"
    with SimulatedProvider() as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        with anthropic.Anthropic(max_retries=0) as client:
            assert str(client.base_url).rstrip("/") == provider.url
            assert client.api_key == os.environ["ANTHROPIC_API_KEY"] == KEY
