"""The official SDKs ask the simulator for its usage and cost reports, and read what it answered."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import anthropic
import httpx2
import openai
import pytest
from anthropic.types.beta.organization import BetaAnalyticsUsageReportTimeBucket

from remit.simulator.load import parse_scenario
from remit.simulator.scenario import ECHO, Scenario
from remit.simulator.server import Simulator, running
from remit.values.statement import day_of
from remit.values.usage import Usage
from remit.wire.usage.google import rows_of_text, statement

MODEL = "claude-haiku-4-5-20251001"
NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
TOMORROW = TODAY + timedelta(days=1)
PAGED = parse_scenario('[[rule]]\ntext = "hi"\n\n[[report]]\nkind = "pages"\n')
LIMITED = parse_scenario(
    '[[rule]]\ntext = "hi"\n\n[[report]]\nkind = "rate_limited"\nretry_after_s = 7\n'
)


def note(simulator: Simulator, provider: str, model: str, usage: Usage) -> None:
    simulator.desk.ledger.note(provider, model, usage, round(NOW.timestamp() * 1000))


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(ECHO) as found:
        yield found


def claude(simulator: Simulator) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key="any", base_url=simulator.url, max_retries=0)


def gpt(simulator: Simulator) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key="any", admin_api_key="admin", base_url=f"{simulator.url}/v1", max_retries=0
    )


@pytest.mark.requirement("BIL-2")
async def test_the_sdk_reads_what_was_really_answered(simulator: Simulator) -> None:
    async with claude(simulator) as client:
        said = [
            await client.messages.create(
                model=MODEL, max_tokens=50, messages=[{"role": "user", "content": text}]
            )
            for text in ("one", "another")
        ]
        items = [
            item
            async for item in client.beta.organization.analytics.usage.list(
                starting_at=TODAY,
                ending_at=TOMORROW,
                time_bucket_width="1d",
                group_by=["model"],
                betas=[],
            )
        ]
        costs = [
            item
            async for item in client.beta.organization.analytics.cost.list(
                starting_at=TODAY, ending_at=TOMORROW, group_by=["model", "cost_type"], betas=[]
            )
        ]
    [item] = items
    assert item.group.model == MODEL
    assert item.usage.uncached_input_tokens == sum(each.usage.input_tokens for each in said)
    assert item.usage.output_tokens == sum(each.usage.output_tokens for each in said)
    [cost] = costs
    expected = Decimal(item.usage.uncached_input_tokens + 5 * item.usage.output_tokens) / 10_000
    assert Decimal(cost.cost.amount) == expected  # cents, at $1 and $5 a million


@pytest.mark.requirement("BIL-2")
async def test_the_older_report_has_the_same_rows(simulator: Simulator) -> None:
    note(simulator, "anthropic", MODEL, Usage(input=9, cache_read=2, cache_write=3, output=4))
    async with httpx2.AsyncClient(base_url=simulator.url) as client:
        answer = await client.get(
            "/v1/organizations/usage_report/messages",
            params={
                "starting_at": f"{TODAY:%Y-%m-%d}T00:00:00Z",
                "ending_at": f"{TOMORROW:%Y-%m-%d}T00:00:00Z",
                "group_by[]": "model",
            },
            headers={"x-api-key": "admin"},
        )
    [bucket] = answer.json()["data"]
    [row] = BetaAnalyticsUsageReportTimeBucket.model_validate(bucket).results
    assert (row.uncached_input_tokens, row.cache_read_input_tokens, row.output_tokens) == (4, 2, 4)
    assert row.cache_creation.ephemeral_5m_input_tokens == 3


@pytest.mark.requirement("BIL-2")
async def test_the_openai_sdk_reads_its_reports(simulator: Simulator) -> None:
    note(simulator, "openai", "gpt-5-2025-08-07", Usage(input=1000, cache_read=800, output=500))
    start, end = int(TODAY.timestamp()), int(TOMORROW.timestamp())
    async with gpt(simulator) as client:
        usage = await client.admin.organization.usage.completions(
            start_time=start, end_time=end, group_by=["model"]
        )
        costs = await client.admin.organization.usage.costs(
            start_time=start, end_time=end, group_by=["line_item"]
        )
    [row] = usage.data[0].results
    assert row.object == "organization.usage.completions.result"
    assert (row.model, row.input_tokens, row.input_cached_tokens, row.output_tokens) == (
        "gpt-5-2025-08-07",
        1000,
        800,
        500,
    )
    [cost] = costs.data[0].results
    assert cost.object == "organization.costs.result"
    assert cost.amount is not None
    assert cost.amount.value is not None
    assert cost.amount.value > 0


@pytest.mark.requirement("BIL-2")
async def test_what_openai_s_endpoints_answered_is_on_openai_s_bill(simulator: Simulator) -> None:
    async with gpt(simulator) as client:
        chat = await client.chat.completions.create(
            model="gpt-5-mini-2025-08-07", messages=[{"role": "user", "content": "one"}]
        )
        response = await client.responses.create(model="gpt-5-mini-2025-08-07", input="two")
        usage = await client.admin.organization.usage.completions(
            start_time=int(TODAY.timestamp()),
            end_time=int(TOMORROW.timestamp()),
            group_by=["model"],
        )
    assert chat.usage is not None
    assert response.usage is not None
    [row] = usage.data[0].results
    assert row.object == "organization.usage.completions.result"
    assert row.input_tokens == chat.usage.prompt_tokens + response.usage.input_tokens
    assert row.output_tokens == chat.usage.completion_tokens + response.usage.output_tokens


@pytest.mark.requirement("BIL-2")
async def test_the_sdk_follows_pages() -> None:
    async with running(PAGED) as simulator, claude(simulator) as client:
        for model in (MODEL, "claude-sonnet-4-5-20250929", "claude-opus-4-1-20250805"):
            note(simulator, "anthropic", model, Usage(input=1))
        pages = client.beta.organization.analytics.usage.list(
            starting_at=TODAY, ending_at=TOMORROW, group_by=["model"], betas=[]
        )
        found = [item.group.model async for item in pages]
    assert len(found) == len(set(found)) == 3


@pytest.mark.requirement("BIL-2")
async def test_limits_are_told_with_their_time() -> None:
    async with running(LIMITED) as simulator, claude(simulator) as client:
        with pytest.raises(anthropic.RateLimitError) as caught:
            await client.beta.organization.analytics.usage.list(
                starting_at=TODAY, ending_at=TOMORROW, group_by=["model"], betas=[]
            )
    assert caught.value.response.headers["retry-after"] == "7"
    async with running(LIMITED) as simulator, gpt(simulator) as gpt_client:
        with pytest.raises(openai.RateLimitError):
            await gpt_client.admin.organization.usage.completions(
                start_time=int(TODAY.timestamp()),
                end_time=int(TOMORROW.timestamp()),
                group_by=["model"],
            )


async def test_a_key_is_asked_for_and_questions_are_checked(simulator: Simulator) -> None:
    path = "/v1/organizations/cost_report"
    async with httpx2.AsyncClient(base_url=simulator.url) as client:
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"x-api-key": "k"})).status_code == 400


@pytest.mark.requirement("BIL-2")
async def test_the_billing_export_of_google(simulator: Simulator) -> None:
    note(simulator, "google", "gemini-2.5-flash", Usage(input=100, cache_read=30, output=7))
    day = day_of(round(NOW.timestamp() * 1000))
    async with httpx2.AsyncClient(base_url=simulator.url) as client:
        answer = await client.get(f"/_simulator/billing-export/{day}")
        wrong = await client.get("/_simulator/billing-export/today")
    found = statement(rows_of_text(answer.text, "export"), day)
    assert {line.token_class: line.tokens for line in found.tokens if line.tokens} == {
        "uncached_input": 70,
        "cache_read": 30,
        "output": 7,
    }
    assert found.costs is not None
    assert sum(cost.nano for cost in found.costs) > 0
    assert wrong.status_code == 400


def test_without_distortions_a_scenario_is_honest() -> None:
    assert Scenario().reports == ()
