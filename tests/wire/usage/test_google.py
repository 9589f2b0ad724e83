"""Google's billing export: JSON lines and CSV, the rows of one day, errors with line and field."""

from collections.abc import Iterator
from datetime import date

import pytest

from remit.errors import ProviderError
from remit.values.statement import OUTPUT, READ, TOKENS, UNCACHED, CostLine
from remit.wire.node import Node
from remit.wire.usage import google
from remit.wire.usage.google import encode, rows_of_text, statement
from tests.wire.usage.pages import DAY, line

ROW = (
    '{"service":{"id":"AEFD-7695-64FA","description":"Gemini API"},'
    '"sku":{"id":"x","description":"Generate content input token count gemini 2.5 flash text"},'
    '"usage_start_time":"2026-11-19 05:00:00 UTC","export_time":"2026-11-20 01:00:00 UTC",'
    '"cost":0.000123,"currency":"USD","usage":{"amount":410.0,"unit":"count"},'
    '"credits":[{"name":"free","amount":-0.000023}]}'
)
CSV = """service.description,sku.description,usage_start_time,cost,currency,usage.amount,usage.unit
Vertex AI,Gemini 2.5 Flash GA Text Output - Predictions,2026-11-19T05:00:00Z,0.5,USD,200000,requests
Compute Engine,N2 core,2026-11-19T05:00:00Z,3,USD,7,seconds
Vertex AI,"Grounding, with Search",2026-11-19T06:00:00Z,0.035,USD,1,count
Vertex AI,Gemini 2.5 Flash GA Text Output - Predictions,2026-11-18T05:00:00Z,9,USD,9,requests
"""


def nodes(*rows: str) -> Iterator[Node]:
    return rows_of_text("\n".join(rows), "export.jsonl")


@pytest.mark.requirement("BIL-2")
def test_rows_of_json_lines() -> None:
    found = statement(nodes(ROW, "", ROW), DAY)
    assert found.tokens == (line("gemini-2.5-flash", UNCACHED, 820),)
    assert found.costs == (CostLine(model="gemini-2.5-flash", item=TOKENS, nano=246_000),)
    assert found.notes == ("credits of -$0.000046 are not compared: the ledger knows none",)
    assert found.refreshed_ms is not None
    assert statement(nodes(f"[{ROW},{ROW}]"), DAY) == found


@pytest.mark.requirement("BIL-2")
def test_rows_of_csv_and_only_of_the_day_and_of_models() -> None:
    found = statement(rows_of_text("\ufeff" + CSV, "export.csv"), DAY)
    assert found.tokens == (
        line("", "Grounding, with Search", 1),
        line("gemini-2.5-flash", OUTPUT, 200_000),
    )
    assert found.costs == (
        CostLine(model="", item="Grounding, with Search", nano=35_000_000),
        CostLine(model="gemini-2.5-flash", item=TOKENS, nano=500_000_000),
    )
    assert found.refreshed_ms is None


@pytest.mark.requirement("BIL-2")
def test_an_export_is_read_as_it_was_written() -> None:
    model = "gemini-2.5-flash"
    lines = [line(model, UNCACHED, 7), line(model, READ, 3), line(model, OUTPUT, 2)]
    spent = [
        CostLine(model=model, item=TOKENS, nano=5),
        CostLine(model="", item="Grounding with Google Search", nano=7),
    ]
    found = statement(nodes(encode(lines, spent, DAY)), DAY)
    assert sum(each.tokens for each in found.tokens) == 12
    assert set(lines) <= set(found.tokens)
    assert set(found.costs or ()) == set(spent)


def test_hours_of_storage_are_money_but_no_tokens() -> None:
    stored = ROW.replace(
        "Generate content input token count gemini 2.5 flash text",
        "Gemini 2.5 Flash Text Input Caching Storage",
    ).replace('"amount":410.0,"unit":"count"', '"amount":1.25,"unit":"hour"')
    found = statement(nodes(stored), DAY)
    assert found.tokens == ()
    assert found.costs is not None
    assert found.costs[0].item == "Gemini 2.5 Flash Text Input Caching Storage"


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"amount":410.0', '"amount":410.5', r"line 1: usage\.amount: .* whole number"),
        ('"amount":410.0', '"amount":-4', r"usage\.amount"),
        ('"amount":410.0', '"amount":"many"', r"usage\.amount"),
        ('"unit":"count"', '"unit":"hour"', r"usage\.unit: Input should be 'count', not 'hour'"),
        ('"cost":0.000123', '"cost":"x"', "cost"),
        ('"cost":0.000123,', "", "cost: Field required"),
        ('"currency":"USD"', '"currency":"EUR"', "currency"),
        ("2026-11-19 05:00:00 UTC", "yesterday", "usage_start_time"),
        ('"usage_start_time":"2026-11-19 05:00:00 UTC",', "", "usage_start_time"),
        ("2026-11-20 01:00:00 UTC", "never", "export_time"),
        ('"sku":{', '"SKU":{', "sku: Field required"),
        ('"amount":-0.000023', '"amount":null', r"credits\.0\.amount"),
    ],
)
def test_rows_that_make_no_sense_are_named(old: str, new: str, message: str) -> None:
    assert old in ROW
    with pytest.raises(ProviderError, match=message) as caught:
        statement(nodes(ROW.replace(old, new)), DAY)
    assert "export.jsonl" in str(caught.value)


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name each column once"),
        ("a,a\n1,2\n", "name each column once"),
        ("usage,usage.amount\n7,8\n", "name each column once"),
        ("a,b\n1\n", "line 2: 1 values for 2 columns"),
        ('a,b\n"1,2\n', "export, line"),
        ("{not json}", "line 1: not JSON"),
        ("service,sku\nGemini API,x\n", "line 2: usage_start_time: Field required"),
    ],
)
def test_files_that_are_no_export(text: str, message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        statement(rows_of_text(text, "export"), DAY)


def test_cells_may_be_empty_and_credits_a_sum() -> None:
    head, first, *_ = CSV.splitlines()
    text = f"{head},credits,export_time\n{first},-0.25,\n"
    found = statement(rows_of_text(text, "export"), DAY)
    assert found.notes == ("credits of -$0.2500 are not compared: the ledger knows none",)
    assert found.refreshed_ms is None


def test_an_endless_export_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "MAX_ROWS", 2)
    with pytest.raises(ProviderError, match="more than 2 rows"):
        statement(nodes(ROW, ROW, ROW), date(2026, 1, 1))
