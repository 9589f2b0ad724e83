"""Anthropic's newer reports: the official SDK's types read what we write, fields are named."""

import json

import pytest
from anthropic.types.beta.organization.analytics.beta_analytics_cost_item import (
    BetaAnalyticsCostItem,
)
from anthropic.types.beta.organization.analytics.beta_analytics_usage_item import (
    BetaAnalyticsUsageItem,
)
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.statement import OUTPUT, READ, TOKENS, UNCACHED, CostLine, TokenLine
from remit.wire.usage.anthropic_analytics import ANTHROPIC_ANALYTICS, BETA
from remit.wire.usage.report import Page, Report, Want
from tests.wire.usage.pages import DAY, WANT, anthropic_rows, costs, line, tokens_pages

USAGE, COSTS = ANTHROPIC_ANALYTICS.tokens, ANTHROPIC_ANALYTICS.costs
instants = st.none() | st.integers(0, 4_000_000_000_000)


@given(anthropic_rows, tokens_pages, instants)
def test_usage_is_read_as_it_was_written(
    lines: tuple[TokenLine, ...], following: str, refreshed: int | None
) -> None:
    page = Page(tokens=lines, next_page=following, refreshed_ms=refreshed)
    assert USAGE.decode(USAGE.encode(page, WANT), WANT) == page


@given(costs, tokens_pages, instants)
def test_costs_are_read_as_they_were_written(
    lines: tuple[CostLine, ...], following: str, refreshed: int | None
) -> None:
    page = Page(costs=lines, next_page=following, refreshed_ms=refreshed)
    assert COSTS.decode(COSTS.encode(page, WANT), WANT) == page


@given(anthropic_rows, costs)
def test_the_sdk_reads_what_we_write(
    lines: tuple[TokenLine, ...], spent: tuple[CostLine, ...]
) -> None:
    for row in json.loads(USAGE.encode(Page(tokens=lines), WANT))["data"]:
        item = BetaAnalyticsUsageItem.model_validate(row)
        assert item.starting_at.date() == DAY
        own = {each.token_class: each.tokens for each in lines if each.model == item.group.model}
        assert item.usage.uncached_input_tokens == own[UNCACHED]
        assert item.usage.cache_read_input_tokens == own[READ]
        assert item.usage.output_tokens == own[OUTPUT]
        assert item.usage.total_tokens == sum(own.values())
    rows = json.loads(COSTS.encode(Page(costs=spent), WANT))["data"]
    for row, cost in zip(rows, spent, strict=True):
        assert BetaAnalyticsCostItem.model_validate(row).group.cost_type == cost.item


@pytest.mark.requirement("BIL-2")
def test_costs_of_no_model_keep_their_own_words() -> None:
    body = COSTS.encode(Page(costs=(CostLine(model="", item="code_execution", nano=5),)), WANT)
    assert COSTS.decode(body, WANT).costs == (CostLine(model="", item="code_execution", nano=5),)
    plain = body.replace(b'"cost_type":"code_execution"', b'"cost_type":null')
    assert COSTS.decode(plain, WANT).costs[0].item == TOKENS  # the combined total of a model


GOOD = USAGE.encode(Page(tokens=(line("m", OUTPUT, 5),)), WANT).decode()


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"output_tokens":5', '"output_tokens":"many"', "data.0.usage.output_tokens"),
        ('"group":', '"by":', "data.0.group: Field required"),
        ('"usage":', '"use":', "data.0.usage: Field required"),
        ('"data_refreshed_at":null', '"data_refreshed_at":"now"', "data_refreshed_at"),
        ("2026-11-19", "2026-11-17", "data.0.starting_at"),
        ('"has_more":false,', "", "has_more"),
    ],
)
def test_what_makes_no_sense_is_named(old: str, new: str, field: str) -> None:
    assert old in GOOD
    with pytest.raises(ProviderError, match=field):
        USAGE.decode(GOOD.replace(old, new).encode(), WANT)
    with pytest.raises(ProviderError, match="not JSON"):
        USAGE.decode(b"<html>", WANT)


@pytest.mark.parametrize("report", [USAGE, COSTS])
def test_the_question_is_read_back(report: Report) -> None:
    for want in (WANT, Want(day=DAY, keys=("k1",), page="p")):
        assert report.want(report.ask(want)) == want


@pytest.mark.parametrize("leave_out", ["starting_at", "ending_at", "group_by[]"])
def test_questions_the_simulator_does_not_take(leave_out: str) -> None:
    query = tuple(pair for pair in USAGE.ask(WANT) if pair[0] != leave_out)
    with pytest.raises(ProviderError) as caught:
        USAGE.want(query)
    assert caught.value.kind == "bad_request"


def test_the_beta_is_asked_for() -> None:
    assert ANTHROPIC_ANALYTICS.headers("k")["anthropic-beta"] == BETA
