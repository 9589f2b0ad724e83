"""OpenAI's reports: cached tokens are taken out of the input, and dollars are no floats."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from openai.types.admin.organization.usage_completions_response import (
    DataResultOrganizationUsageCompletionsResult,
    UsageCompletionsResponse,
)
from openai.types.admin.organization.usage_costs_response import UsageCostsResponse

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
from remit.wire.usage.openai import OPENAI
from remit.wire.usage.report import Page, Report, Want
from tests.wire.usage.pages import DAY, WANT, costs, line, openai_rows, tokens_pages

USAGE, COSTS = OPENAI.tokens, OPENAI.costs
START = int(datetime(2026, 11, 19, tzinfo=UTC).timestamp())
# The answers in OpenAI's reference, with another day and model.
DOCUMENTED = f"""{{"object":"page","data":[{{"object":"bucket","start_time":{START},
"end_time":{START + 86400},"results":[{{"object":"organization.usage.completions.result",
"input_tokens":1000,"output_tokens":500,"input_cached_tokens":800,"num_model_requests":5,
"project_id":null,"user_id":null,"api_key_id":null,"model":"gpt-5-2025-08-07","batch":null}}]}}],
"has_more":true,"next_page":"AAAAAGdGxdEiJdKOAAAAAGcqsYA="}}"""
DOCUMENTED_COSTS = f"""{{"object":"page","data":[{{"object":"bucket","start_time":{START},
"end_time":{START + 86400},"results":[{{"object":"organization.costs.result","amount":{{
"value":0.06,"currency":"usd"}},"line_item":"gpt-5-2025-08-07, input_tokens","project_id":null}},
{{"object":"organization.costs.result","amount":{{"value":1e-05,"currency":"usd"}},
"line_item":"gpt-5-2025-08-07, cached input"}},{{"object":"organization.costs.result",
"amount":{{"value":2,"currency":"USD"}},"line_item":"web search tool calls"}},
{{"object":"organization.costs.result","amount":{{"value":"0.5","currency":"usd"}},
"line_item":null}}]}}],"has_more":false,"next_page":null}}"""


@pytest.mark.requirement("BIL-2")
def test_the_documented_usage_holds_cached_tokens_in_its_input() -> None:
    page = USAGE.decode(DOCUMENTED.encode(), WANT)
    model = "gpt-5-2025-08-07"
    assert page.tokens == (
        line(model, UNCACHED, 200),
        line(model, READ, 800),
        line(model, WRITE, 0),
        line(model, OUTPUT, 500),
    )
    assert page.next_page == "AAAAAGdGxdEiJdKOAAAAAGcqsYA="


@pytest.mark.requirement("BIL-2")
def test_the_documented_costs_are_dollars() -> None:
    model = "gpt-5-2025-08-07"
    assert COSTS.decode(DOCUMENTED_COSTS.encode(), WANT).costs == (
        CostLine(model=model, item=TOKENS, nano=60_000_000),
        CostLine(model=model, item=TOKENS, nano=10_000),
        CostLine(model="", item="web search tool calls", nano=2_000_000_000),
        CostLine(model="", item="(no line item)", nano=500_000_000),
    )


@given(openai_rows, tokens_pages)
def test_usage_is_read_as_it_was_written(lines: tuple[TokenLine, ...], following: str) -> None:
    page = Page(tokens=lines, next_page=following)
    assert USAGE.decode(USAGE.encode(page, WANT), WANT) == page


@given(costs, tokens_pages)
def test_costs_are_read_as_they_were_written(lines: tuple[CostLine, ...], following: str) -> None:
    page = Page(costs=lines, next_page=following)
    found = COSTS.decode(COSTS.encode(page, WANT), WANT)
    assert found.next_page == following
    assert [each.nano for each in found.costs] == [each.nano for each in lines]
    assert sum(each.nano for each in found.costs if each.item == TOKENS) == sum(
        each.nano for each in lines if each.item == TOKENS
    )


@given(openai_rows, costs)
def test_the_sdk_reads_what_we_write(
    lines: tuple[TokenLine, ...], spent: tuple[CostLine, ...]
) -> None:
    document = json.loads(USAGE.encode(Page(tokens=lines), WANT))
    found = UsageCompletionsResponse.model_validate(document)
    inputs = 0
    for bucket in found.data:
        for row in bucket.results:
            assert isinstance(row, DataResultOrganizationUsageCompletionsResult)
            inputs += row.input_tokens
    assert inputs == sum(each.tokens for each in lines if each.token_class != OUTPUT)
    UsageCostsResponse.model_validate(json.loads(COSTS.encode(Page(costs=spent), WANT)))


def test_what_was_written_for_minutes_or_hours_is_one_count() -> None:
    lines = (line("m", WRITE_5M, 1), line("m", WRITE_1H, 2), line("m", WRITE, 4))
    assert line("m", WRITE, 7) in USAGE.decode(USAGE.encode(Page(tokens=lines), WANT), WANT).tokens


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"input_cached_tokens":800', '"input_cached_tokens":1001', "input_tokens"),
        ('"input_cached_tokens":800', '"input_cached_tokens":"x"', "input_cached_tokens"),
        (
            '"input_cached_tokens":800',
            '"input_cached_tokens":800,"input_uncached_tokens":1000',
            "input_uncached_tokens: Input should be 200",
        ),
        ('"output_tokens":500,', "", "data.0.results.0.output_tokens: Field required"),
        ("usage.completions.result", "usage.images.result", "data.0.results.0.object"),
        (f'"start_time":{START}', f'"start_time":{START + 1}', "data.0.start_time"),
        (f'"end_time":{START + 86400}', '"end_time":7', "data.0.end_time"),
    ],
)
def test_usage_that_makes_no_sense_is_named(old: str, new: str, field: str) -> None:
    assert old in DOCUMENTED
    with pytest.raises(ProviderError, match=field):
        USAGE.decode(DOCUMENTED.replace(old, new).encode(), WANT)


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"value":0.06', '"value":null', "data.0.results.0.amount.value"),
        ('"value":0.06', '"value":"much"', "data.0.results.0.amount.value"),
        ('"currency":"usd"', '"currency":"eur"', "amount.currency"),
        ('"amount":{', '"sum":{', "amount: Field required"),
    ],
)
def test_costs_that_make_no_sense_are_named(old: str, new: str, field: str) -> None:
    with pytest.raises(ProviderError, match=field):
        COSTS.decode(DOCUMENTED_COSTS.replace(old, new).encode(), WANT)


@pytest.mark.parametrize("report", [USAGE, COSTS])
def test_the_question_is_read_back(report: Report) -> None:
    for want in (WANT, Want(day=DAY, keys=("k1",), page="p")):
        assert report.want(report.ask(want)) == want


@pytest.mark.parametrize(
    ("name", "value"),
    [("start_time", "soon"), ("start_time", str(START + 1)), ("end_time", "1"), ("group_by[]", "")],
)
def test_questions_the_simulator_does_not_take(name: str, value: str) -> None:
    query = tuple((key, value if key == name else text) for key, text in USAGE.ask(WANT))
    with pytest.raises(ProviderError) as caught:
        USAGE.want(query)
    assert caught.value.kind == "bad_request"


def test_errors_go_both_ways() -> None:
    told = ProviderError("slow down", kind="rate_limited", retry_after_ms=1500)
    failure = OPENAI.encode_error(told)
    read = OPENAI.decode_error(failure.status, failure.headers, failure.body, 0)
    assert (read.kind, read.status, read.retry_after_ms) == ("rate_limited", 429, 2000)
    assert "slow down" in str(read)
    assert OPENAI.encode_error(ProviderError("?", kind="unknown")).status == 500
    assert OPENAI.decode_error(403, {}, b"<html>no</html>", 0).kind == "auth"
    assert OPENAI.headers("k")["authorization"] == "Bearer k"
