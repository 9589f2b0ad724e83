"""Faults byte by byte: what goes out before a break, and how the break looks from outside."""

import asyncio
import json

import aiohttp
import pytest

from remit.errors import ProviderError
from remit.simulator.endpoint import Endpoint
from remit.simulator.faults import MIDSTREAM, broken_event, pieces_before, refusal
from remit.simulator.protocols import ENDPOINTS
from remit.simulator.scenario import ECHO, FAULT_KINDS, Fault, FaultKind, Scenario
from remit.simulator.server import Simulator, running
from remit.simulator.spoiling import SPOILING
from tests.simulator.conversations import asked, user

BODY = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "a longer text, so that there are some pieces"}],
}


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_fault_is_an_error_answer_or_happens_on_the_way(kind: FaultKind) -> None:
    is_status = refusal(Fault(kind=kind)) is not None
    others = {"hang", "latency", "retired", "wrong_type", "no_usage"}
    assert is_status + (kind in MIDSTREAM) + (kind in SPOILING) + (kind in others) == 1


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
    assert events(body) == ["message_start", "ping"]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body.decode().splitlines()[-2].removeprefix("data: "))


@pytest.mark.requirement("TST-3")
async def test_a_stream_that_is_none_runs_events_together() -> None:
    body, error = await sent(Fault(kind="invalid_sse", after_events=1), stream=True)
    assert error is None
    assert b"\xff\xfe" in body
    assert body.count(b"\n\n") == 2
    assert body.endswith(b'{"type":"ping"}\nevent: ping\ndata: {"type":"ping"}\n\n')
    body, error = await sent(Fault(kind="invalid_sse"), stream=False)
    assert error is None
    assert b"\xff\xfe" in body


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [None, 502])
async def test_a_page_for_people_in_the_place_of_an_answer(
    *, stream: bool, status: int | None
) -> None:
    scenario = Scenario(rules=ECHO.rules, faults=(Fault(kind="wrong_type", status=status),))
    async with running(scenario) as simulator, aiohttp.ClientSession() as session:
        async with session.post(
            f"{simulator.url}/v1/messages",
            data=json.dumps(BODY | {"stream": stream}),
            headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
        ) as response:
            assert response.content_type == "text/html"
            assert response.status == (status or 200)
            assert "<html>" in await response.text()
        assert [one.status for one in simulator.served] == [status or 200]


def test_events_of_every_protocol_are_broken_as_its_own() -> None:
    named = broken_event(b'event: ping\ndata: {"type":"ping"}\n\n')
    assert named == b'event: ping\ndata: {"type"\n\n'
    assert broken_event(b'data: {"id":"x"}\n\n') == b'data: {"id"\n\n'
    assert broken_event(b"data: [DONE]\n\n") == b"data: [DO\n\n"


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


async def refused(simulator: Simulator, endpoint: Endpoint) -> ProviderError:
    """What the codec makes of the simulator's error answer."""
    codec = endpoint.codec
    asked_for = asked(user("hi"), model="m")
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{simulator.url}{codec.path(asked_for)}",
            data=codec.encode_request(asked_for),
            headers=codec.headers("k"),
        ) as response,
    ):
        told = {name.lower(): value for name, value in response.headers.items()}
        return codec.decode_error(response.status, told, await response.read(), 0)


@pytest.mark.requirement("TST-3", "PROV-2")
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.codec.provider)
async def test_limits_tell_when_they_are_over(endpoint: Endpoint) -> None:
    for fault in (
        Fault(kind="rate_limited", retry_after_s=7),
        Fault(kind="rate_limited", resets_in_s=7),
        Fault(kind="rate_limited"),
    ):
        async with running(Scenario(rules=ECHO.rules, faults=(fault,))) as simulator:
            error = await refused(simulator, endpoint)
        assert (error.kind, error.status) == ("rate_limited", 429)
        if fault.retry_after_s or (fault.resets_in_s and endpoint.codec.provider != "google"):
            assert error.retry_after_ms is not None
            # The wish is compared with a date in whole seconds.
            assert 7000 <= error.retry_after_ms <= 8000
        else:
            assert error.retry_after_ms is None, "Gemini has no such headers"


@pytest.mark.requirement("TST-3", "PROV-9")
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.codec.provider)
async def test_a_model_that_is_gone(endpoint: Endpoint) -> None:
    faulty = Scenario(rules=ECHO.rules, faults=(Fault(kind="retired"),))
    async with running(faulty) as simulator:
        error = await refused(simulator, endpoint)
    assert (error.kind, error.status) == ("not_found", 404)
    assert str(endpoint.unknown_model("m")).rstrip(".")[:40] in str(error)


async def test_a_window_of_time_is_that_of_the_server() -> None:
    now = [100.0]
    faulty = Scenario(rules=ECHO.rules, faults=(Fault(kind="overloaded", from_s=5, until_s=9),))
    simulator = Simulator(faulty, None, clock_s=lambda: now[0])
    endpoint = ENDPOINTS[0]

    def struck() -> bool:
        return simulator.decide(endpoint, asked(user("hi")), {}).fault is not None

    assert not struck()
    now[0] += 5
    assert struck()
    simulator.follow(faulty)
    assert not struck(), "time begins again with another scenario"
    now[0] += 9
    assert not struck()
