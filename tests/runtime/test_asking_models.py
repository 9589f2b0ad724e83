"""Model calls from end to end: what is tried again, what ends the run, what is shown meanwhile."""

import asyncio
from collections.abc import Callable

import pytest
from typing_extensions import override

from remit import EchoModel, Remit, ScriptedModel
from remit.errors import ProviderError
from remit.journal.events import (
    CheckCompleted,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RetryPlanned,
)
from remit.runtime.hub import StreamDelta, StreamEvent
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawText, RawThinking
from remit.values.usage import Usage
from tests.runtime.stage import PATIENCE_S, an_agent, opened, secret, told

AGENT = an_agent()


class Failing(EchoModel):
    """Fails with each error in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        if self.errors:
            raise self.errors.pop(0)
        return await super().answer(request, deadline_s=deadline_s, emit=emit)


class Dripping(EchoModel):
    """Answers in pieces of a given size, thinking first."""

    def __init__(self, thinking: str, text: str, size: int) -> None:
        self.thinking, self.text, self.size = thinking, text, size

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        for start in range(0, len(self.thinking), self.size):
            emit(Delta(0, "thinking", self.thinking[start : start + self.size]))
        for start in range(0, len(self.text), self.size):
            emit(Delta(1, "text", self.text[start : start + self.size]))
            await asyncio.sleep(0)
        parts = (RawThinking(self.thinking), RawText(self.text))
        return ModelAnswer(parts=parts, stop="end", usage=Usage(input=5, output=5), model="x")


@pytest.fixture
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are proven by what is planned, not by waiting."""
    monkeypatch.setattr("remit.policy.limits._BACKOFF_MS", 2)


# ---------------------------------------------------------------- PROV-2


@pytest.mark.requirement("PROV-2")
@pytest.mark.usefixtures("_no_backoff")
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limited", 429),
        ("overloaded", 529),
        ("server", 500),
        ("connection", None),
        ("stream_broken", None),
        ("malformed", 200),
        ("timeout", None),
    ],
)
async def test_a_passing_fault_is_tried_again(kind: str, status: int | None) -> None:
    fault = ProviderError("not now", kind=kind, status=status)
    async with opened("memory:", [AGENT], model=Failing(fault, fault)) as app:
        run = await app.run(AGENT, "hello")
        assert run.output == "hello"
        assert [each.attempt for each in await told(app, run.id, ModelRequested)] == [1, 2, 3]
        failed = await told(app, run.id, ModelFailed)
        assert [(each.kind, each.status) for each in failed] == [(kind, status)] * 2
        # What may have been answered is paid for, what certainly was not is free.
        billed = kind in ("stream_broken", "malformed", "timeout")
        assert [each.assumed for each in failed] == [billed, billed]
        (account,) = await app.store.balances("local")
        assert (account.posted, account.held) == (run.cost_nano, 0)


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("kind", ["auth", "bad_request", "not_found", "too_large", "billing"])
async def test_a_lasting_fault_ends_the_run_at_once_with_its_reason(kind: str) -> None:
    model = Failing(ProviderError("never so", kind=kind), ProviderError("x"))
    async with opened("memory:", [AGENT], model=model) as app:
        run = await app.run(AGENT, "hello")
        assert (run.status, run.reason, run.detail) == ("stopped", f"provider.{kind}", "never so")
        assert len(model.errors) == 1
        assert run.cost_nano == 0


@pytest.mark.requirement("PROV-2")
@pytest.mark.usefixtures("_no_backoff")
async def test_it_is_tried_so_often_and_not_more() -> None:
    agent = an_agent(remit=Remit(model_attempts=3))
    model = Failing(*(ProviderError("not now", kind="server") for _ in range(9)))
    async with opened("memory:", [agent], model=model) as app:
        run = await app.run(agent, "hello")
        assert (run.status, run.reason) == ("stopped", "provider.server")
        assert len(model.errors) == 6


@pytest.mark.requirement("PROV-2")
@pytest.mark.usefixtures("_no_backoff")
async def test_the_providers_own_wish_is_waited_for() -> None:
    model = Failing(ProviderError("wait", kind="rate_limited", retry_after_ms=120))
    async with opened("memory:", [AGENT], model=model) as app:
        run = await app.run(AGENT, "hello")
        (planned,) = await told(app, run.id, RetryPlanned)
        records = await app.store.records("local", run.id)
        times = [record.header.time_ms for record in records]
        assert planned.at_ms in range(times[0] + 120, times[-1] + 1)


async def test_an_adapter_that_breaks_ends_the_call_and_not_the_process() -> None:
    async with opened("memory:", [AGENT], model=Failing(ZeroDivisionError("oops"))) as app:
        run = await app.run(AGENT, "hello")
        assert (run.status, run.reason) == ("stopped", "provider.unknown")
        assert run.detail == "ZeroDivisionError: oops"
        assert (await app.run(AGENT, "again")).output == "again"


# ---------------------------------------------------------------- ORC-6


@pytest.mark.requirement("ORC-6")
@pytest.mark.parametrize("kind", ["yes", "no", "error"])
async def test_a_run_counts_as_a_success_only_if_its_predicate_holds(kind: str) -> None:
    def holds(answer: str) -> bool:
        if kind == "error":
            raise ValueError(f"cannot judge {answer}")
        return kind == "yes" and answer == "tea"

    agent = an_agent(remit=Remit(success=holds))
    async with opened("memory:", [agent], "tea") as app:
        run = await app.run(agent, "Go")
        assert (run.status, run.output) == ("completed", "tea")
        assert run.success is (kind == "yes")
        (checked,) = await told(app, run.id, CheckCompleted)
        assert checked.passed is (kind == "yes")
        assert ("ValueError: cannot judge tea" in checked.detail) == (kind == "error")


# ---------------------------------------------------------------- SEC-4


@pytest.mark.requirement("SEC-4")
@pytest.mark.parametrize("size", [1, 3, 7, 50, 1_000])
async def test_no_secret_is_shown_however_the_stream_is_cut(size: int) -> None:
    first, second = secret("thought"), secret("said")
    model = Dripping(f"I know {first} well. ", f"It is {second}, they say. " * 2, size)
    async with opened("memory:", [AGENT], model=model) as app:
        shown: dict[str, str] = {}
        stored: dict[str, str] = {}
        async for item in app.stream(AGENT, "Go"):
            if isinstance(item, StreamDelta):
                assert item.offset == len(shown.get(item.kind, ""))
                shown[item.kind] = shown.get(item.kind, "") + item.text
            elif isinstance(item, StreamEvent) and isinstance(item.event, ModelCompleted):
                stored = {part.kind: part.model_dump()["text"] for part in item.event.parts}
    assert shown == stored  # what is shown is what is journalled
    assert first not in shown["thinking"]
    assert second not in shown["text"]
    assert shown["text"].count("[secret:github-token:") == 2


async def test_of_a_call_only_the_tools_name_is_shown_before_it_is_whole() -> None:
    async with opened("memory:", [AGENT], {"find_fact": {"name": secret()}}, "ok") as app:
        deltas = [item async for item in app.stream(AGENT, "Go") if isinstance(item, StreamDelta)]
    assert [(item.kind, item.text) for item in deltas if item.kind == "call"] == [
        ("call", "find_fact")
    ]


async def test_nobody_listens_so_nothing_is_streamed() -> None:
    model = ScriptedModel("hello")
    async with opened("memory:", [AGENT], model=model) as app:
        await app.run(AGENT, "Go")
        assert [request.stream for request in model.requests] == [False]
        async with asyncio.timeout(PATIENCE_S):
            assert [item async for item in app.stream(AGENT, "Go")]
        assert [request.stream for request in model.requests] == [False, True]
