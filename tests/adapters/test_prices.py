"""The price table: made from its source, right to the nano-dollar, and never silently free."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version

import pytest
from genai_prices import Usage as SourceUsage
from genai_prices import calc_price
from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
)

from remit.adapters import prices
from remit.adapters.prices import Table, declare
from remit.errors import ConfigError, UnpricedModel
from remit.ports import Prices
from remit.values.price import PriceTier
from remit.values.usage import Usage
from scripts.compile_prices import TABLE, compile_table, write_table
from tests.tidy.tree import ROOT

TEXT = (ROOT / TABLE).read_text(encoding="utf-8")
AS_OF = date.fromisoformat(json.loads(TEXT)["as_of"])


def test_the_table_is_what_its_source_compiles_to() -> None:
    compiled = compile_table(providers, AS_OF)
    if json.loads(TEXT)["version"] != compiled["version"]:
        pytest.skip(f"the table is not from genai-prices {version('genai-prices')}")
    assert write_table(compiled) == TEXT


def test_the_table_stays_small() -> None:
    assert len(TEXT) < 300_000


def table() -> Prices:
    return Table()


# Long and short, with and without cached tokens; the last passes every tier.
USAGES = [
    Usage(input=1000, output=500),
    Usage(input=50_000, output=1, cache_read=40_000),
    Usage(input=50_000, output=10_000, cache_read=1000, cache_write=2000),
    Usage(input=900_000, output=2000, cache_read=100_000, cache_write=1),
]
CHECKED = [
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("anthropic", "claude-opus-4-6"),
    ("anthropic", "claude-haiku-5-5"),
    ("anthropic", "claude-fable-5-1"),
    ("openai", "gpt-5-2025-08-07"),
    ("openai", "gpt-4.1"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("mistral", "mistral-large-latest"),
    ("groq", "llama-3.3-70b-versatile"),
]


@pytest.mark.requirement("BUD-7")
@pytest.mark.parametrize("usage", USAGES, ids=lambda usage: f"{usage.input}-{usage.output}")
@pytest.mark.parametrize(("provider", "model"), CHECKED)
def test_costs_are_those_of_the_source(provider: str, model: str, usage: Usage) -> None:
    price = table().price(f"{provider}:{model}")
    source = calc_price(
        SourceUsage(
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
        ),
        model,
        provider_id=provider,
        genai_request_timestamp=datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC),
    )
    exact = source.total_price * 1_000_000_000
    # Each of four parts is rounded up to a whole nano-dollar.
    assert exact <= price.cost(usage) < exact + 4
    assert price.cost(usage) <= price.worst_case(usage.input, usage.output)


def test_the_version_names_source_and_date() -> None:
    assert f"as of {AS_OF.isoformat()}" in table().version
    assert table().price("anthropic:claude-sonnet-5").version == table().version


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("gemini:gemini-2.5-pro", "google:gemini-2.5-pro"),
        ("anthropic:Claude-Sonnet-5", "anthropic:claude-sonnet-5"),
        ("azure:gpt-5-2025-08-07", "openai:gpt-5-2025-08-07"),
        ("openai:gpt-5-20250807", "openai:gpt-5-2025-08-07"),
    ],
)
def test_names_are_understood_as_the_source_does(name: str, same: str) -> None:
    found = table().price(name)
    assert found.model == name
    assert found == table().price(same).model_copy(update={"model": name})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("anthropic:claude-sonet-4-5", "did you mean anthropic:claude-sonnet-4-5"),
        ("nobody:x1", "has no known price"),
        ("openai:text-embedding-3-small", "has no price for tokens alone"),
        ("scripted:planner", "declare it: prices={'scripted:planner': declare("),
    ],
)
def test_an_unknown_price_is_refused_with_a_remedy(name: str, words: str) -> None:
    with pytest.raises(UnpricedModel, match="input_usd") as caught:
        table().price(name)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["claude", ":x", "anthropic:", ""])
def test_a_name_without_provider_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="write provider:name"):
        table().price(name)


def test_declared_prices_come_first_and_may_cover_a_family() -> None:
    own = declare("anthropic:claude-sonnet-5", input_usd="1", output_usd=2, context_tokens=9)
    free = declare("scripted:*", input_usd=0, output_usd=0)
    found = Table({own.model: own, "scripted:*": free})
    assert found.price("anthropic:claude-sonnet-5") == own
    assert found.price("scripted:coder").model == "scripted:coder"
    assert found.price("scripted:coder").cost(Usage(input=9, output=9)) == 0
    assert (own.input, own.output, own.cache_read, own.cache_write) == (
        1_000_000_000,
        2_000_000_000,
        1_000_000_000,
        1_000_000_000,
    )
    cached = declare(
        "x:y", input_usd="3", output_usd="15", cache_read_usd="0.30", cache_write_usd="3.75"
    )
    assert (cached.cache_read, cached.cache_write) == (300_000_000, 3_750_000_000)
    with pytest.raises(ConfigError, match="write provider:name"):
        Table({"scripted": free})


def test_declared_prices_do_not_load_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Table({"scripted:x": declare("scripted:x", input_usd=0, output_usd=0)})
    monkeypatch.setattr(prices, "_FILE", None)
    assert found.price("scripted:x").version == "declared"
    with pytest.raises(AttributeError):
        found.price("anthropic:claude-sonnet-5")


# ---------------------------------------------------------------- the compiler


def compiled(*models: ModelInfo, provider: str = "test") -> list[list[object]]:
    source = Provider(id=provider, name="", api_pattern="", models=list(models))
    whole = compile_table([source], date(2026, 6, 1))
    found = whole["providers"]
    assert isinstance(found, dict)
    rows: list[list[object]] = found[provider]["models"]
    return rows


def model(prices: ModelPrice | list[ConditionalPrice], name: str = "m") -> ModelInfo:
    return ModelInfo(id=name, match=ClauseEquals(name), prices=prices, context_window=1000)


def flat(plain: str, output: str = "2", **more: Decimal) -> ModelPrice:
    return ModelPrice(input_mtok=Decimal(plain), output_mtok=Decimal(output), **more)


def test_missing_cache_prices_are_on_the_dear_side() -> None:
    assert compiled(model(flat("1"))) == [["m", "=m", 1000, [0, 10**9, 2 * 10**9, 10**9, 10**9]]]
    (row,) = compiled(model(flat("1"), "claude-x"))
    assert row[3] == [0, 10**9, 2 * 10**9, 10**9, 1_250_000_000]


@pytest.mark.parametrize(
    "price",
    [
        ModelPrice(input_mtok=Decimal(1)),
        flat("0", "0"),
        flat("1", requests_kcount=Decimal(5)),
    ],
)
def test_what_tokens_alone_do_not_price_stays_without_a_price(price: ModelPrice) -> None:
    assert compiled(model(price)) == [["m", "=m", 1000]]


def test_of_dated_prices_those_in_force_and_to_come_count() -> None:
    dated = [
        ConditionalPrice(prices=flat("9", "9")),
        ConditionalPrice(StartDateConstraint(date(2026, 1, 1)), prices=flat("1", "8")),
        ConditionalPrice(StartDateConstraint(date(2027, 1, 1)), prices=flat("3", "4")),
    ]
    (row,) = compiled(model(dated))
    assert row[3] == [0, 3 * 10**9, 8 * 10**9, 3 * 10**9, 3 * 10**9]


def test_prices_by_length_stay_apart() -> None:
    tiered = ModelPrice(
        input_mtok=TieredPrices(Decimal(1), [Tier(200, Decimal(2)), Tier(900, Decimal(4))]),
        output_mtok=Decimal(5),
        output_reasoning_mtok=Decimal("5.5"),
        cache_read_mtok=TieredPrices(Decimal("0.1"), [Tier(200, Decimal("0.2"))]),
    )
    (row,) = compiled(model(tiered))
    assert row[3:] == [
        [0, 10**9, 5_500_000_000, 100_000_000, 10**9],
        [200, 2 * 10**9, 5_500_000_000, 200_000_000, 2 * 10**9],
        [900, 4 * 10**9, 5_500_000_000, 200_000_000, 4 * 10**9],
    ]


def test_a_fraction_of_a_nano_dollar_is_rounded_up() -> None:
    (row,) = compiled(model(flat("0.0000000001")))
    assert row[3] == [0, 1, 2 * 10**9, 1, 1]


def test_tiers_reach_the_price() -> None:
    found = table().price("anthropic:claude-haiku-5-5")
    assert found.tiers == (
        PriceTier(
            above_tokens=100_000,
            input=500_000_000,
            output=2_500_000_000,
            cache_read=50_000_000,
            cache_write=625_000_000,
        ),
    )


def test_a_price_above_a_dollar_a_token_is_a_slip() -> None:
    assert declare("x:y", input_usd="1000000", output_usd="1").input == 10**15
    for field in ("input_usd", "output_usd", "cache_write_usd", "cache_write_1h_usd"):
        prices_usd = {"input_usd": "1", "output_usd": "2", field: "1000000.01"}
        with pytest.raises(ConfigError, match=r"'x:y'.*per million tokens"):
            declare("x:y", **prices_usd)  # type: ignore[arg-type] # the fields are amounts
