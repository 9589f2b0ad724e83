"""The Anthropic client against the simulator: answers, deltas, and every fault it can play."""

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from remit.adapters.models.anthropic import AnthropicModel
from remit.errors import ProviderError
from remit.ports import Model
from remit.simulator.load import parse_scenario
from remit.simulator.server import Simulator, running
from remit.values.model import Delta, RawCall, RawText, RawThinking, ToolSchema
from tests.adapters.models.conversations import ignore, request
from tests.simulator.conversations import answered, called, user

TOOL = ToolSchema("find", "Finds.", '{"type":"object"}')
KEY = "a-key-that-is-long-enough-to-be-scrubbed"
SCENARIO = parse_scenario(
    r"""
[[rule]]
when = { task = "pay (?P<amount>\\S+)" }
thinking = "They want to pay."
text = "Paying ${amount}."
calls = [ { tool = "pay", raw = '{"amount":${amount}}' } ]

[[rule]]
text = "${task}"

[[fault]]
kind = "rate_limited"
when = { task = "^limited" }
retry_after_s = 7

[[fault]]
kind = "rate_limited"
when = { task = "^once" }
first = 1

[[fault]]
kind = "overloaded"
when = { task = "^overloaded" }

[[fault]]
kind = "server_error"
status = 503
when = { task = "^503" }

[[fault]]
kind = "server_error"
when = { task = "^500" }

[[fault]]
kind = "hang"
when = { task = "^silent" }

[[fault]]
kind = "hang_midstream"
when = { task = "^hang" }

[[fault]]
kind = "reset"
when = { task = "^reset" }

[[fault]]
kind = "reset"
after_events = 0
when = { task = "^gone" }

[[fault]]
kind = "cut"
when = { task = "^cut" }

[[fault]]
kind = "malformed"
when = { task = "^malformed" }

[[fault]]
kind = "stream_error"
when = { task = "^reported" }

[[fault]]
kind = "latency"
latency_ms = 30
when = { task = "^slow" }
"""
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(SCENARIO, key=KEY) as server:
        yield server


@pytest.fixture
async def model(simulator: Simulator) -> AsyncIterator[Model]:
    client = AnthropicModel(KEY, base_url=simulator.url)
    yield client
    await client.close()


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_is_whole(model: Model, *, stream: bool) -> None:
    deltas: list[Delta] = []
    answer = await model.answer(
        request("pay 1.10", stream=stream), deadline_s=10, emit=deltas.append
    )
    thinking, text, call = answer.parts
    assert isinstance(thinking, RawThinking)
    assert thinking.text == "They want to pay."
    assert thinking.signature
    assert text == RawText("Paying 1.10.")
    assert isinstance(call, RawCall)
    assert call.arguments == '{"amount":1.10}'
    assert answer.stop == "tools"
    assert answer.request_id.startswith("req_")
    assert answer.limits.requests_remaining is not None
    assert answer.usage.input > 0
    shown = "".join(delta.text for delta in deltas if delta.kind == "text")
    assert shown == ("Paying 1.10." if stream else "")


FAULTS: dict[str, tuple[str, int | None, int | None]] = {
    "limited": ("rate_limited", 429, 7000),
    "overloaded": ("overloaded", 529, None),
    "503": ("server", 503, None),
    "500": ("server", 500, None),
    "silent": ("timeout", None, None),
    "hang": ("timeout", None, None),
    "reset": ("stream_broken", None, None),
    "cut": ("stream_broken", None, None),
    "malformed": ("malformed", None, None),
}


@pytest.mark.requirement("PROV-2", "TST-3")
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_is_told_by_its_kind(model: Model, fault: str, *, stream: bool) -> None:
    kind, status, wait_ms = FAULTS[fault]
    deadline_s = 0.2 if kind == "timeout" else 10
    with pytest.raises(ProviderError) as caught:
        await model.answer(request(fault, stream=stream), deadline_s=deadline_s, emit=ignore)
    assert (caught.value.kind, caught.value.status) == (kind, status)
    assert caught.value.retry_after_ms == wait_ms


@pytest.mark.requirement("PROV-2")
async def test_an_error_in_the_middle_of_a_stream(model: Model) -> None:
    with pytest.raises(ProviderError, match="anthropic reported") as caught:
        await model.answer(request("reported"), deadline_s=10, emit=ignore)
    assert caught.value.kind == "stream_broken", "what came before it may be billed"


@pytest.mark.requirement("PROV-2")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_reset_before_the_first_byte(model: Model, *, stream: bool) -> None:
    with pytest.raises(ProviderError) as caught:
        await model.answer(request("gone", stream=stream), deadline_s=10, emit=ignore)
    assert caught.value.kind in {"connection", "stream_broken"}


async def test_a_fault_that_passes(model: Model) -> None:
    with pytest.raises(ProviderError):
        await model.answer(request("once"), deadline_s=10, emit=ignore)
    # Not streaming the second time is still the same question.
    again = await model.answer(request("once", stream=False), deadline_s=10, emit=ignore)
    assert again.parts == (RawText("once"),)


async def test_latency_is_only_slow(model: Model) -> None:
    answer = await model.answer(request("slow"), deadline_s=10, emit=ignore)
    assert answer.parts == (RawText("slow"),)


async def test_what_came_before_a_break_was_emitted(model: Model) -> None:
    deltas: list[Delta] = []
    with pytest.raises(ProviderError):
        await model.answer(request("cut " * 50), deadline_s=10, emit=deltas.append)
    shown = "".join(delta.text for delta in deltas)
    assert shown
    assert ("cut " * 50).startswith(shown)


# ---------------------------------------------------------------- keys and connections


@pytest.mark.requirement("SEC-3")
async def test_a_wrong_key_says_what_to_do_and_is_not_shown(simulator: Simulator) -> None:
    wrong = "another-key-that-is-long-enough"
    client = AnthropicModel(wrong, base_url=simulator.url)
    with pytest.raises(ProviderError) as caught:
        await client.answer(request(), deadline_s=10, emit=ignore)
    await client.close()
    assert caught.value.kind == "auth"
    assert "check the API key" in str(caught.value)
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert wrong not in told
    assert wrong not in repr(client)
    assert caught.value.__context__ is None


async def test_one_connection_is_used_again(model: AnthropicModel) -> None:
    for _ in range(3):
        await model.answer(request("again"), deadline_s=10, emit=ignore)
    session = model._session
    assert session is not None
    assert session.connector is not None
    assert sum(len(held) for held in session.connector._conns.values()) == 1


async def test_a_closed_client_opens_again(model: AnthropicModel) -> None:
    await model.close()
    await model.close()
    answer = await model.answer(request("hi"), deadline_s=10, emit=ignore)
    assert answer.parts == (RawText("hi"),)


@pytest.mark.parametrize("text", ["silent", "hang"])
async def test_cancelling_closes_the_connection(
    simulator: Simulator, model: AnthropicModel, text: str
) -> None:
    call = asyncio.create_task(model.answer(request(text), deadline_s=60, emit=ignore))
    while not simulator.served:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert model._session is not None
    assert model._session.connector is not None
    assert not model._session.connector._conns
    assert not model._session.connector._acquired


async def test_many_at_once(model: Model) -> None:
    answers = await asyncio.gather(
        *(model.answer(request(f"n{n}"), deadline_s=30, emit=ignore) for n in range(100))
    )
    assert [answer.parts for answer in answers] == [(RawText(f"n{n}"),) for n in range(100)]


async def test_an_error_in_emit_is_the_callers(model: Model) -> None:
    def refuse(_delta: Delta) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await model.answer(request("hi"), deadline_s=10, emit=refuse)
    gc.collect()  # a connection left open would warn here


async def test_a_loop_reads_its_conversation_from_the_cache(simulator: Simulator) -> None:
    client = AnthropicModel(KEY, base_url=simulator.url)
    messages = [user("x" * 8000)]
    shares: list[tuple[int, int]] = []
    for turn in range(3):
        # More blocks a turn than the service looks back from a breakpoint.
        calls = [f"t{turn}n{number}" for number in range(15)]
        loop = replace(request(), messages=tuple(messages), tools=(TOOL,), system="Be quick.")
        usage = (await client.answer(loop, deadline_s=10, emit=ignore)).usage
        shares.append((usage.cache_read, usage.input - usage.cache_read - usage.cache_write))
        messages += [called(*calls), answered(*((call, "result " * 20) for call in calls))]
    await client.close()
    first, second, third = (read for read, _ in shares)
    assert (first, second > 2000, third > second) == (0, True, True)
    assert [plain for _, plain in shares] == [0, 0, 0]
