"""Faults byte by byte: what goes out before a break, and how the break looks from outside."""

import asyncio
import json

import aiohttp
import pytest

from remit.simulator.faults import MIDSTREAM, pieces_before, refusal
from remit.simulator.scenario import ECHO, FAULT_KINDS, Fault, FaultKind, Scenario
from remit.simulator.server import running

BODY = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "a longer text, so that there are some pieces"}],
}


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_fault_is_an_error_answer_or_happens_on_the_way(kind: FaultKind) -> None:
    is_status = refusal(Fault(kind=kind)) is not None
    assert is_status + (kind in MIDSTREAM) + (kind in {"hang", "latency"}) == 1


def test_an_error_answer_may_have_a_status_and_a_wait_of_its_own() -> None:
    error = refusal(Fault(kind="server_error", status=502, retry_after_s=1.5))
    assert error is not None
    assert (error.kind, error.status, error.retry_after_ms) == ("server", 502, 1500)


def test_half_goes_out_unless_said_otherwise() -> None:
    assert pieces_before(Fault(kind="cut"), 9) == 4
    assert pieces_before(Fault(kind="cut", after_events=0), 9) == 0
    assert pieces_before(Fault(kind="cut", after_events=7), 9) == 7
    assert pieces_before(Fault(kind="cut", after_events=70), 9) == 9


async def sent(
    fault: Fault, *, stream: bool, patience_s: float = 30
) -> tuple[bytes, Exception | None]:
    """What a plain HTTP client gets, and how it ends."""
    scenario = Scenario(rules=ECHO.rules, faults=(fault,))
    received = b""
    timeout = aiohttp.ClientTimeout(sock_read=patience_s)
    async with running(scenario) as simulator, aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with session.post(
                f"{simulator.url}/v1/messages",
                data=json.dumps(BODY | {"stream": stream}),
                headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
            ) as response:
                async for chunk in response.content.iter_any():
                    received += chunk
        except (aiohttp.ClientError, TimeoutError) as exc:
            return received, exc
    return received, None


def events(body: bytes) -> list[str]:
    return [line[7:] for line in body.decode().splitlines() if line.startswith("event: ")]


@pytest.mark.requirement("TST-3")
async def test_a_cut_stream_ends_in_good_order() -> None:
    body, error = await sent(Fault(kind="cut", after_events=3), stream=True)
    assert error is None
    assert events(body) == ["message_start", "ping", "content_block_start"]


@pytest.mark.requirement("TST-3")
async def test_a_reset_stream_breaks() -> None:
    body, error = await sent(Fault(kind="reset", after_events=2), stream=True)
    assert isinstance(error, aiohttp.ClientError)
    assert events(body) in (["message_start", "ping"], [])  # a reset may overtake what was sent
    _, before = await sent(Fault(kind="reset", after_events=0), stream=True)
    assert isinstance(before, aiohttp.ClientError)


@pytest.mark.requirement("TST-3")
async def test_a_malformed_stream_ends_in_broken_json() -> None:
    body, error = await sent(Fault(kind="malformed", after_events=1), stream=True)
    assert error is None
    assert events(body) == ["message_start", "content_block_delta"]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(body.decode().splitlines()[-2].removeprefix("data: "))


@pytest.mark.requirement("TST-3")
async def test_a_stream_that_reports_an_error() -> None:
    body, error = await sent(Fault(kind="stream_error", after_events=1), stream=True)
    assert error is None
    assert events(body) == ["message_start", "error"]


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_stream_that_hangs(*, stream: bool) -> None:
    body, error = await sent(Fault(kind="hang_midstream"), stream=stream, patience_s=0.2)
    assert isinstance(error, TimeoutError)
    assert body
    body, error = await sent(Fault(kind="hang"), stream=stream, patience_s=0.2)
    assert isinstance(error, TimeoutError)
    assert not body


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("kind", ["reset", "cut", "stream_error"])
async def test_a_body_in_one_piece_breaks_in_its_middle(kind: FaultKind) -> None:
    body, error = await sent(Fault(kind=kind), stream=False)
    assert isinstance(error, aiohttp.ClientError)
    assert len(body) < 400


@pytest.mark.requirement("TST-3")
async def test_a_malformed_body_arrives_whole() -> None:
    body, error = await sent(Fault(kind="malformed"), stream=False)
    assert error is None
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body)


async def test_latency_delays_the_first_byte() -> None:
    body, error = await sent(Fault(kind="latency", latency_ms=1), stream=True)
    assert error is None
    assert events(body)[-1] == "message_stop"
    late = Fault(kind="latency", latency_ms=100_000)
    body, error = await sent(late, stream=True, patience_s=0.2)
    assert isinstance(error, TimeoutError)


async def test_an_error_may_come_late() -> None:
    late = Fault(kind="overloaded", latency_ms=100_000)
    body, error = await sent(late, stream=True, patience_s=0.2)
    assert isinstance(error, TimeoutError)
    assert not body


async def test_the_server_stops_while_answers_hang() -> None:
    scenario = Scenario(rules=ECHO.rules, faults=(Fault(kind="hang"),))
    async with aiohttp.ClientSession() as session:
        async with running(scenario) as simulator:
            call = asyncio.create_task(
                session.post(
                    f"{simulator.url}/v1/messages",
                    data=json.dumps(BODY),
                    headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
                )
            )
            while not simulator.served:
                await asyncio.sleep(0.005)
        with pytest.raises(aiohttp.ClientError):
            await call
