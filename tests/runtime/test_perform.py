"""Performing: what an adapter or a predicate does ends the call, in time and with its reason."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, cast

import pytest

from remit import Agent, Remit
from remit.errors import ConfigError, ProviderError
from remit.journal.events import CheckCompleted, CheckRequested, ModelCompleted, ModelFailed
from remit.machine.evolve import evolve
from remit.machine.state import State
from remit.runtime import perform as module
from remit.runtime.hub import StreamDelta
from remit.runtime.outcome import Outcome
from remit.runtime.perform import Performer
from remit.values.clean import Clean
from remit.values.message import Origin, TextPart
from remit.values.model import (
    Delta,
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    StopReason,
)
from remit.values.usage import Usage
from tests.runtime.kit import (
    NOW,
    RUN,
    TENANT,
    HandClock,
    a_cleaner,
    answered,
    asking,
    redactor,
    services_on,
    thinking,
)
from tests.runtime.listening import heard
from tests.runtime.stage import PATIENCE_S, an_agent, secret

Behaviour = Callable[[Callable[[Delta], None]], "ModelAnswer | Exception | None"]


class Adapter:
    """A model that behaves as a test says; None means that it never answers."""

    provider = "scripted"

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.requests: list[ModelRequest] = []

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        self.requests.append(request)
        answer = self._behaviour(emit)
        if answer is None:
            await asyncio.sleep(3600)
        if isinstance(answer, Exception):
            raise answer
        return cast("ModelAnswer", answer)

    async def close(self) -> None:
        """Nothing to release."""


def says(*parts: RawPart, stop: str = "end") -> ModelAnswer:
    usage = Usage(input=5, output=7)
    return ModelAnswer(parts=parts, stop=cast("StopReason", stop), usage=usage, model="x")


class Bench:
    def __init__(self, behaviour: Behaviour, agent: Agent[object] | None = None) -> None:
        self.clock, self.adapter = HandClock(), Adapter(behaviour)
        self.agent = an_agent() if agent is None else agent
        self.services = services_on(clock=self.clock, model=self.adapter)

    def performer(self) -> Performer:
        return Performer(
            services=self.services, agent=self.agent, redactor=redactor(), cleaner=a_cleaner
        )

    async def ask(self) -> Outcome:
        return await self.performer().ask_model(thinking(self.agent), asking())

    async def failure(self) -> ModelFailed:
        fact = (await self.ask()).input.fact
        assert isinstance(fact, ModelFailed)
        return fact


async def test_an_answer_and_what_the_tools_say_of_its_calls() -> None:
    bench = Bench(lambda _: says(RawText("hi"), RawCall("p1", "nothing_like_it", "{}")))
    outcome = await bench.ask()
    fact = outcome.input.fact
    assert isinstance(fact, ModelCompleted)
    assert (fact.call, fact.attempt, fact.usage) == ("c1", 1, Usage(input=5, output=7))
    assert [part.kind for part in fact.parts] == ["text", "call"]
    error = outcome.input.inspections["c1-1"].error
    assert error is not None
    assert "nothing_like_it" in error


async def test_a_secret_in_an_answer_goes_to_the_vault_with_it() -> None:
    key = secret()
    outcome = await Bench(lambda _: says(RawText(f"use {key}"))).ask()
    assert key not in repr(outcome.input)
    assert len(outcome.vault) == 1


async def test_the_providers_error_is_told_clean_with_what_it_says() -> None:
    key = secret()
    error = ProviderError(f"slow down {key}", kind="rate_limited", status=429, retry_after_ms=1500)
    fact = await Bench(lambda _: error).failure()
    assert (fact.kind, fact.status, fact.retry_after_ms) == ("rate_limited", 429, 1500)
    assert fact.detail.startswith("slow down [secret:")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderError("odd", kind="never heard of"), "unknown"),
        (ValueError("a bug"), "unknown"),
        (TimeoutError("its own"), "timeout"),
    ],
)
async def test_no_error_of_an_adapter_breaks_the_run(error: Exception, kind: str) -> None:
    assert (await Bench(lambda _: error).failure()).kind == kind


async def test_an_answer_that_is_none_is_malformed() -> None:
    fact = await Bench(lambda _: says(RawText("hi"), stop="tired")).failure()
    assert fact.kind == "malformed"
    assert "stop" in fact.detail


async def test_names_that_cannot_be_stored_do_not_end_the_run() -> None:
    odd = replace(says(RawText("hi")), model="\ud800", provider_id="\ud800", service_tier="\ud800")
    fact = (await Bench(lambda _: odd).ask()).input.fact
    assert isinstance(fact, ModelCompleted)
    assert (fact.model, fact.provider_id, fact.service_tier) == ("", "", "")
    assert "hi" in fact.model_dump_json()


@pytest.mark.parametrize("field", ["input", "output", "cache_read"])
async def test_use_that_cannot_be_is_malformed_and_no_count(field: str) -> None:
    usage = Usage.model_validate({"input": 5, "output": 7, field: 10**15})
    answer = replace(says(RawText("hi")), usage=usage)
    fact = await Bench(lambda _: answer).failure()
    assert (fact.kind, fact.usage) == ("malformed", None)
    assert "tokens of use, which cannot be" in fact.detail


async def test_a_provider_without_a_key_was_not_asked() -> None:
    def no_key(_provider: str) -> NoReturn:
        raise ConfigError("no key: set ANTHROPIC_API_KEY")

    bench = Bench(lambda _: says(RawText("hi")))
    bench.services = replace(bench.services, model=no_key)
    fact = await bench.failure()
    assert (fact.kind, fact.detail) == ("auth", "no key: set ANTHROPIC_API_KEY")
    assert bench.adapter.requests == []


@pytest.mark.requirement("STOP-1")
async def test_a_provider_that_hangs_is_cut_before_the_run_is() -> None:
    bench = Bench(lambda _: None)
    bench.clock.at_ms = NOW + 600_000 - 80  # 80 ms before the deadline
    fact = await bench.failure()
    assert fact.kind == "timeout"
    assert fact.detail == "no answer within 0.03 s"


@pytest.mark.requirement("TOOL-7")
async def test_a_cancelled_call_says_so() -> None:
    task = asyncio.create_task(Bench(lambda _: None).ask())
    await asyncio.sleep(0)
    task.cancel()
    fact = (await task).input.fact
    assert isinstance(fact, ModelFailed)
    assert fact.kind == "cancelled"


@pytest.mark.requirement("SEC-4", "UX-1")
async def test_deltas_come_with_their_place_and_without_secrets() -> None:
    key = secret()

    def speak(emit: Callable[[Delta], None]) -> ModelAnswer:
        for piece in ("the key ", key[:9], key[9:], " works"):
            emit(Delta(0, "text", piece))
        emit(Delta(1, "call", "", "find_order", "p1"))
        emit(Delta(1, "call", f'{{"key": "{key}"}}'))
        return says(RawText(f"the key {key} works"), RawCall("p1", "find_order", "{}"))

    bench = Bench(speak)
    items = heard(bench.services.hub, TENANT, RUN)
    await bench.ask()
    deltas = [item for item in items if isinstance(item, StreamDelta)]
    texts = [delta for delta in deltas if delta.kind == "text"]
    whole = "".join(delta.text for delta in texts)
    assert whole.startswith("the key [secret:")
    assert whole.endswith(" works")
    lengths = [len(delta.text) for delta in texts]
    assert [delta.offset for delta in texts] == [sum(lengths[:at]) for at in range(len(texts))]
    assert [delta.text for delta in deltas if delta.kind == "call"] == ["find_order"]
    assert {(delta.call, delta.attempt) for delta in deltas} == {("c1", 1)}


async def test_a_stream_is_asked_for_only_where_somebody_reads() -> None:
    bench = Bench(lambda _: says(RawText("hi")))
    await bench.ask()
    bench.services.hub.listen(TENANT, RUN)
    await bench.ask()
    assert [request.stream for request in bench.adapter.requests] == [False, True]


# ---------------------------------------------------------------- predicates


def with_predicate(predicate: Callable[..., bool] | None) -> Agent[object]:
    return Agent("one", model="scripted:x", instructions="x", remit=Remit(success=predicate))


def at_the_end(agent: Agent[object]) -> State:
    said = TextPart(text=Clean("42"), origin=Origin(kind="model"))
    return evolve(thinking(agent), answered(said), NOW)


def fails(_answer: str) -> bool:
    raise RuntimeError("no idea")


async def check(predicate: Callable[..., bool] | None) -> CheckCompleted:
    agent = with_predicate(predicate)
    bench = Bench(lambda _: None, agent)
    event = CheckRequested(call="k1")
    fact = (await bench.performer().check(at_the_end(agent), event)).input.fact
    assert isinstance(fact, CheckCompleted)
    assert fact.call == "k1"
    return fact


@pytest.mark.requirement("ORC-6")
async def test_the_predicate_decides_and_an_error_is_a_no() -> None:
    assert (await check(lambda answer: answer == "42")).passed
    assert not (await check(lambda answer: answer == "43")).passed
    broken = await check(fails)
    assert (broken.passed, broken.detail) == (False, "RuntimeError: no idea")
    gone = await check(None)
    assert (gone.passed, gone.detail) == (False, "the remit declares no predicate any more")


@pytest.mark.requirement("ORC-6", "STOP-1")
async def test_a_predicate_that_hangs_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECK_S", 0.01)
    gate = threading.Event()
    fact = await check(lambda _answer: gate.wait(PATIENCE_S))
    gate.set()
    assert not fact.passed
    assert "TimeoutError" in fact.detail
