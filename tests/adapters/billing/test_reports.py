"""Reports are fetched page by page, waited for within bounds, with the key in no error."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from remit.adapters.billing import reports
from remit.adapters.billing.reports import Reports
from remit.adapters.models.key import MASK, ApiKey
from remit.errors import ProviderError
from remit.simulator.load import parse_scenario
from remit.simulator.server import Simulator, running
from remit.values.statement import OUTPUT, UNCACHED, Statement, day_of
from remit.values.usage import Usage
from remit.wire.usage.sources import SOURCES

SECRET = "admin-key-of-the-test-" + "0123456789abcdef"
NOW = time.time_ns() // 1_000_000
TODAY = day_of(NOW)
MODELS = ("claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929", "claude-opus-4-1-20250805")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "FIRST_WAIT_MS", 1)


@asynccontextmanager
async def simulated(toml: str = "") -> AsyncIterator[Simulator]:
    scenario = parse_scenario(f'{toml}\n[[rule]]\ntext = "hi"\n')
    async with running(scenario) as simulator:
        for number, model in enumerate(MODELS, 1):
            simulator.desk.ledger.note("anthropic", model, Usage(input=number, output=1), NOW)
        simulator.desk.ledger.note("openai", "gpt-5", Usage(input=10, cache_read=4), NOW)
        yield simulator


def client(url: str, provider: str = "anthropic") -> Reports:
    key = ApiKey(SECRET, variable="KEY")
    return Reports(SOURCES[provider], key, base_url=url)


def sums(found: Statement) -> dict[str, int]:
    totals: dict[str, int] = {}
    for line in found.tokens:
        totals[line.token_class] = totals.get(line.token_class, 0) + line.tokens
    return {name: count for name, count in totals.items() if count}


@pytest.mark.requirement("BIL-2")
async def test_a_statement_has_tokens_and_costs() -> None:
    async with simulated() as simulator:
        found = await client(simulator.url).statement(TODAY)
    assert sums(found) == {UNCACHED: 6, OUTPUT: 3}
    assert (found.provider, found.source, found.day) == (
        "anthropic",
        "anthropic-analytics",
        TODAY,
    )
    assert found.costs is not None
    assert len(found.costs) == 3
    assert found.refreshed_ms is not None
    assert found.notes == ()


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_all_pages_are_read(provider: str) -> None:
    async with simulated('[[report]]\nkind = "pages"') as simulator:
        simulator.desk.ledger.note("openai", "gpt-5-mini", Usage(input=1), NOW)
        found = await client(simulator.url, provider).statement(TODAY)
    assert len({line.model for line in found.tokens}) == (3 if provider == "anthropic" else 2)
    assert found.costs is not None
    assert len(found.costs) == (3 if provider == "anthropic" else 2)


@pytest.mark.requirement("BIL-2")
async def test_an_organization_without_the_newer_reports_is_asked_the_older_ones() -> None:
    async with simulated('[[report]]\nkind = "absent"\npath = "analytics"') as simulator:
        found = await client(simulator.url).statement(TODAY)
    assert found.source == "anthropic-admin"
    assert sums(found) == {UNCACHED: 6, OUTPUT: 3}
    assert found.notes == ("anthropic-analytics is not open to this key (404)",)


@pytest.mark.requirement("BIL-2")
async def test_keys_limit_the_report_and_may_leave_the_costs_out() -> None:
    async with simulated('[[report]]\nkind = "absent"\npath = "analytics"') as simulator:
        found = await client(simulator.url).statement(TODAY, ("apikey_1",))
    assert found.costs is None
    assert "gives no costs of single API keys" in found.notes[-1]


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize("kind", ["rate_limited", "server_error"])
async def test_refusals_that_pass_are_waited_for(kind: str) -> None:
    toml = f'[[report]]\nkind = "{kind}"\nfirst = 2\nretry_after_s = 0'
    async with simulated(toml) as simulator:
        found = await client(simulator.url).statement(TODAY)
    assert sums(found) == {UNCACHED: 6, OUTPUT: 3}


@pytest.mark.requirement("BIL-2")
async def test_refusals_that_do_not_pass_are_an_error() -> None:
    toml = '[[report]]\nkind = "rate_limited"\nretry_after_s = 0'
    async with simulated(toml) as simulator:
        with pytest.raises(ProviderError, match="429") as caught:
            await client(simulator.url).statement(TODAY)
    assert caught.value.kind == "rate_limited"


@pytest.mark.requirement("BIL-2")
async def test_a_provider_that_wants_an_hour_is_not_waited_for() -> None:
    toml = '[[report]]\nkind = "rate_limited"\nretry_after_s = 3600'
    async with simulated(toml) as simulator:
        with pytest.raises(ProviderError, match="wants 3600 s of patience") as caught:
            await client(simulator.url).statement(TODAY)
    assert caught.value.retry_after_ms == 3_600_000


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("output_tokens", r"data\.0\.usage\.output_tokens: Input should be a valid integer"),
        ("amount", r"data\.0\.cost\.amount: Input should be a decimal amount"),
        ("has_more", "has_more: Input should be a valid boolean"),
    ],
)
async def test_garbage_is_an_error_that_names_the_field(field: str, message: str) -> None:
    async with simulated(f'[[report]]\nkind = "garbage"\nfield = "{field}"') as simulator:
        with pytest.raises(ProviderError, match=message) as caught:
            await client(simulator.url).statement(TODAY)
    assert caught.value.kind == "malformed"


# ---------------------------------------------------------------- servers gone wrong

Serving = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(serve: Serving) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def failing(serve: Serving) -> ProviderError:
    async with serving(serve) as url:
        with pytest.raises(ProviderError) as caught:
            await client(url).statement(TODAY)
    return caught.value


@pytest.mark.requirement("BIL-2")
async def test_a_page_that_leads_back_to_itself_ends() -> None:
    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [], "has_more": True, "next_page": "same"})

    assert "names page 'same' again" in str(await failing(serve))


async def test_pages_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_PAGES", 3)

    async def serve(request: web.Request) -> web.StreamResponse:
        following = f"{request.query.get('page', '')}x"
        return web.json_response({"data": [], "has_more": True, "next_page": following})

    assert "has more than 3" in str(await failing(serve))


async def test_a_report_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_BYTES", 1000)

    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b" " * 5000)

    assert "a report of more than 1000 bytes" in str(await failing(serve))


@pytest.mark.requirement("BIL-2", "SEC-1")
async def test_the_key_stands_in_no_error() -> None:
    async def serve(_request: web.Request) -> web.StreamResponse:
        message = {"type": "error", "error": {"type": "api_error", "message": f"bad {SECRET}"}}
        return web.json_response(message, status=400, headers={"request-id": SECRET})

    error = await failing(serve)
    assert SECRET not in f"{error}{error.request_id}{error.__context__!r}{error.__cause__!r}"
    assert MASK in str(error)


async def test_a_long_error_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_ERROR_BYTES", 100)

    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 5000, status=401)

    error = await failing(serve)
    assert error.kind == "auth"
    assert len(str(error)) < 500


async def test_redirects_are_not_followed() -> None:
    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"location": "https://example.com/"})

    assert (await failing(serve)).status == 302


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "TRIES", 2)
    async with simulated() as simulator:
        gone = simulator.url
    with pytest.raises(ProviderError, match="cannot be asked") as caught:
        await client(gone).statement(TODAY)
    assert caught.value.kind == "connection"


async def test_a_statement_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "TOTAL_S", 0.05)
    toml = '[[report]]\nkind = "rate_limited"\nretry_after_s = 60'
    async with simulated(toml) as simulator:
        with pytest.raises(ProviderError, match=r"no complete report within 0\.05 s") as caught:
            await client(simulator.url).statement(TODAY)
    assert caught.value.kind == "timeout"


async def test_silence_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "TRIES", 1)
    monkeypatch.setattr(reports, "READ_S", 0.05)
    silence = asyncio.Event()

    async def serve(_request: web.Request) -> web.StreamResponse:
        await silence.wait()
        return web.Response()

    async with serving(serve) as url:
        with pytest.raises(ProviderError, match=r"sent nothing for 0\.05 s") as caught:
            await client(url).statement(TODAY)
        silence.set()
    assert caught.value.kind == "timeout"
