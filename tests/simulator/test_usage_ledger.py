"""The simulated provider counts what it answered, by day and model, and forgets old days."""

from datetime import date

import pytest

from remit.app.load import make_prices
from remit.simulator import usage_ledger
from remit.simulator.usage_ledger import OTHERS, UsageLedger, cost_lines, token_lines
from remit.values.statement import OUTPUT, TOKENS, UNCACHED, CostLine, start_ms
from remit.values.usage import Usage

DAY = date(2026, 11, 19)
NOW = start_ms(DAY)
MODEL = "claude-haiku-4-5-20251001"


def ledger() -> UsageLedger:
    return UsageLedger(lambda: make_prices(None))


@pytest.mark.requirement("BIL-2")
def test_answers_add_up_by_day_and_model() -> None:
    counted = ledger()
    for _ in range(2):
        counted.note("anthropic", MODEL, Usage(input=100, output=10), NOW)
    counted.note("anthropic", MODEL, Usage(input=7), NOW + 86_400_000)
    counted.note("openai", "gpt-5", Usage(input=1), NOW)
    row = counted.models("anthropic", DAY)[MODEL]
    assert {line.token_class: line.tokens for line in token_lines(MODEL, row) if line.tokens} == {
        UNCACHED: 200,
        OUTPUT: 20,
    }
    # $1 and $5 for a million tokens.
    assert cost_lines(MODEL, row) == [CostLine(model=MODEL, item=TOKENS, nano=300_000)]
    assert list(counted.models("openai", DAY)) == ["gpt-5"]


def test_a_model_without_a_price_has_tokens_but_no_cost() -> None:
    counted = ledger()
    counted.note("anthropic", "no-such-model", Usage(input=1), NOW)
    row = counted.models("anthropic", DAY)["no-such-model"]
    assert row.calls == 1
    assert cost_lines("no-such-model", row) == []


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_ledger, "MAX_DAYS", 2)
    monkeypatch.setattr(usage_ledger, "MAX_MODELS", 2)
    counted = ledger()
    for number in range(3):
        counted.note("p", f"m{number}", Usage(input=1), NOW + 86_400_000)
        counted.note("p", "m0", Usage(input=1), NOW + number * 86_400_000)
    assert counted.models("p", DAY) == {}
    assert set(counted.models("p", date(2026, 11, 20))) == {"m0", "m1", OTHERS}
