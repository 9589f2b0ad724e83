"""Anthropic's older reports: read as documented, written as they are read, refused by field."""

import json

import pytest
from anthropic.types.beta.organization.beta_analytics_cost_type import BetaAnalyticsCostType
from anthropic.types.beta.organization.beta_analytics_usage_report_time_bucket import (
    BetaAnalyticsUsageReportTimeBucket,
)
from hypothesis import given
from pydantic import TypeAdapter

from remit.errors import ProviderError
from remit.values.statement import (
    OUTPUT,
    READ,
    TOKENS,
    UNCACHED,
    WRITE,
    WRITE_1H,
    WRITE_5M,
    CostLine,
    TokenLine,
)
from remit.wire.usage.anthropic_admin import ANTHROPIC_ADMIN
from remit.wire.usage.report import Page, Report, Want
from tests.wire.usage.pages import (
    DAY,
    WANT,
    anthropic_rows,
    costs,
    line,
    tokens_pages,
)

USAGE, COSTS = ANTHROPIC_ADMIN.tokens, ANTHROPIC_ADMIN.costs
# The answers in the reference of the Admin API, with another day.
DOCUMENTED = b"""{"data":[{"starting_at":"2026-11-19T00:00:00Z","ending_at":"2026-11-20T00:00:00Z",
"results":[{"uncached_input_tokens":1500,"cache_creation":{"ephemeral_1h_input_tokens":1000,
"ephemeral_5m_input_tokens":500},"cache_read_input_tokens":200,"output_tokens":500,
"server_tool_use":{"web_search_requests":10},"api_key_id":"apikey_1","workspace_id":"wrkspc_1",
"model":"claude-sonnet-4-20250514","service_tier":"standard","context_window":"0-200k"}]}],
"has_more":true,"next_page":"page_MjAyNS0wNS0xNFQwMDowMDowMFo="}"""
DOCUMENTED_COSTS = b"""{"data":[{"starting_at":"2026-11-19T00:00:00Z",
"ending_at":"2026-11-20T00:00:00Z","results":[{"currency":"USD","amount":"123.78912",
"workspace_id":"wrkspc_1","description":"Claude Sonnet 4 Usage - Input Tokens","cost_type":"tokens",
"context_window":"0-200k","model":"claude-sonnet-4-20250514","service_tier":"standard",
"token_type":"uncached_input_tokens"},{"currency":"USD","amount":"10","cost_type":"web_search",
"description":"Web Search Usage","model":null},{"currency":"USD","amount":"-1","cost_type":null,
"description":"Goodwill","model":null}]}],"has_more":false,"next_page":null}"""


@pytest.mark.requirement("BIL-2")
def test_the_documented_usage_report() -> None:
    page = USAGE.decode(DOCUMENTED, WANT)
    model = "claude-sonnet-4-20250514"
    assert page.tokens == (
        line(model, UNCACHED, 1500),
        line(model, READ, 200),
        line(model, WRITE_5M, 500),
        line(model, WRITE_1H, 1000),
        line(model, OUTPUT, 500),
    )
    assert page.next_page.startswith("page_")


@pytest.mark.requirement("BIL-2")
def test_the_documented_cost_report_is_in_cents() -> None:
    page = COSTS.decode(DOCUMENTED_COSTS, WANT)
    assert page.costs == (
        CostLine(model="claude-sonnet-4-20250514", item=TOKENS, nano=1_237_891_200),
        CostLine(model="", item="web_search", nano=100_000_000),
        CostLine(model="", item="Goodwill", nano=-10_000_000),
    )
    assert page.next_page == ""


@given(anthropic_rows, tokens_pages)
def test_usage_is_read_as_it_was_written(lines: tuple[TokenLine, ...], following: str) -> None:
    page = Page(tokens=lines, next_page=following)
    assert USAGE.decode(USAGE.encode(page, WANT), WANT) == page


@given(costs, tokens_pages)
def test_costs_are_read_as_they_were_written(lines: tuple[CostLine, ...], following: str) -> None:
    page = Page(costs=lines, next_page=following)
    assert COSTS.decode(COSTS.encode(page, WANT), WANT) == page


@given(anthropic_rows)
def test_the_sdk_reads_the_buckets(lines: tuple[TokenLine, ...]) -> None:
    document = json.loads(USAGE.encode(Page(tokens=lines), WANT))
    for bucket in document["data"]:
        found = BetaAnalyticsUsageReportTimeBucket.model_validate(bucket)
        assert found.starting_at.date() == DAY
        total = sum(row.uncached_input_tokens for row in found.results)
        assert total == sum(each.tokens for each in lines if each.token_class == UNCACHED)


def test_cost_types_are_those_of_the_sdk() -> None:
    page = COSTS.encode(Page(costs=(CostLine(model="m", item=TOKENS, nano=1),)), WANT)
    [row] = json.loads(page)["data"][0]["results"]
    TypeAdapter(BetaAnalyticsCostType).validate_python(row["cost_type"])


def test_what_was_cached_for_no_known_time_counts_as_five_minutes() -> None:
    page = USAGE.encode(Page(tokens=(line("m", WRITE, 7),)), WANT)
    assert line("m", WRITE_5M, 7) in USAGE.decode(page, WANT).tokens


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"output_tokens":500', '"output_tokens":"500"', "data.0.results.0.output_tokens"),
        ('"output_tokens":500', '"output_tokens":-1', "data.0.results.0.output_tokens"),
        ('"output_tokens":500', '"output_tokens":5.5', "data.0.results.0.output_tokens"),
        ('"output_tokens":500', '"output_tokens":null', "output_tokens"),
        ('"output_tokens":500,', "", "data.0.results.0.output_tokens: Field required"),
        ('"cache_read_input_tokens":200,', "", "cache_read_input_tokens: Field required"),
        ('"ephemeral_5m_input_tokens":500', '"ephemeral_5m":500', "ephemeral_5m_input_tokens"),
        ('"data":[', '"rows":[', "data: Field required"),
        ("2026-11-19T", "2026-11-18T", "starting_at"),
        ('"has_more":true', '"has_more":1', "has_more"),
    ],
)
def test_usage_that_makes_no_sense_is_named(old: str, new: str, field: str) -> None:
    with pytest.raises(ProviderError, match=field) as caught:
        USAGE.decode(DOCUMENTED.decode().replace(old, new).encode(), WANT)
    assert caught.value.kind == "malformed"
    assert "usage report of anthropic" in str(caught.value)


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"123.78912"', "123.78912", "data.0.results.0.amount: Input should be a valid string"),
        ('"123.78912"', '"a lot"', "amount"),
        ('"currency":"USD"', '"currency":"EUR"', "currency: Input should be 'USD', not 'EUR'"),
    ],
)
def test_costs_that_make_no_sense_are_named(old: str, new: str, field: str) -> None:
    with pytest.raises(ProviderError, match=field):
        COSTS.decode(DOCUMENTED_COSTS.decode().replace(old, new).encode(), WANT)


@pytest.mark.parametrize("report", [USAGE, COSTS])
def test_the_question_is_read_back(report: Report) -> None:
    for want in (WANT, Want(day=DAY, keys=("k1", "k2"), page="p")):
        assert report.want(report.ask(want)) == want


@pytest.mark.parametrize(
    "query",
    [
        (),
        (("starting_at", "yesterday"),),
        (("starting_at", "2026-11-19T00:00:00Z"),),
        (("starting_at", "2026-11-19T00:00:00Z"), ("group_by[]", "model")),
    ],
)
def test_questions_the_simulator_does_not_take(query: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ProviderError) as caught:
        USAGE.want(query)
    assert caught.value.kind == "bad_request"


def test_the_key_goes_into_one_header() -> None:
    assert ANTHROPIC_ADMIN.headers("k")["x-api-key"] == "k"
    assert not ANTHROPIC_ADMIN.costs_by_key
