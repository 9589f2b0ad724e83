"""A compared day stands in the journal once, and corrections are entries that accounts follow."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from remit.app import reconcile
from remit.app.reconcile import Wanted
from remit.errors import ConfigError, ProviderError
from remit.journal.events import (
    AssumptionCorrected,
    ReconciliationFailed,
    ReconciliationFinished,
)
from remit.journal.fact import Post
from remit.projections.reconcile import Tolerance
from remit.values.account import OPERATOR
from remit.values.statement import TokenLine
from remit.values.usage import Usage
from tests.app.bills import (
    ACCOUNT,
    COUNTED,
    DAY,
    MODEL,
    NOON,
    USAGE,
    ByHand,
    Office,
    answered,
    asked,
    lost,
    office,
    told,
    write,
)
from tests.runtime.stage import secret

WANTED = Wanted(provider="anthropic", day=DAY)
EXACT = Wanted(provider="anthropic", day=DAY, tolerance=Tolerance(nano=0))


async def facts(at: Office, tenant: str = OPERATOR) -> list[object]:
    return [page.event for page in await at.books.read(tenant, "bill:anthropic")]


@pytest.mark.requirement("BIL-2")
async def test_a_day_that_agrees() -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"))
    found = await at.reconciler.reconcile(WANTED, ByHand(told(USAGE, nano=9_000)))
    assert found.agrees
    [fact] = await facts(at)
    assert isinstance(fact, ReconciliationFinished)
    assert (fact.day, fact.closed, fact.matched, fact.beyond) == ("2026-11-19", True, 4, 0)
    assert fact.lines == ()


@pytest.mark.requirement("BIL-2", "ALR-1")
async def test_a_planted_discrepancy_is_found_and_written_down() -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"), asked("c2"), answered("c2"))
    found = await at.reconciler.reconcile(WANTED, ByHand(told(USAGE, nano=9_000)))
    assert not found.agrees
    [fact] = await facts(at)
    assert isinstance(fact, ReconciliationFinished)
    assert (fact.differing, fact.beyond) == (3, 3)
    assert [(line.what, line.here, line.there) for line in fact.lines] == [
        ("uncached_input", 160, 80),
        ("cache_read", 40, 20),
        ("output", 14, 7),
    ]


@pytest.mark.requirement("BIL-2")
async def test_the_same_result_is_written_once_and_another_again() -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"))
    same = ByHand(told(USAGE, nano=9_000))
    for _ in range(3):
        await at.reconciler.reconcile(WANTED, same)
    assert len(await facts(at)) == 1
    late = ByHand(told(USAGE, USAGE, nano=18_000))
    await at.reconciler.reconcile(WANTED, late)
    await at.reconciler.reconcile(WANTED, same)
    assert len(await facts(at)) == 3


@pytest.mark.requirement("BIL-2")
async def test_a_report_that_cannot_be_had_is_no_result() -> None:
    at = await office()
    with pytest.raises(ProviderError):
        await at.reconciler.reconcile(WANTED, ByHand(ProviderError("no", kind="server")))
    assert await facts(at) == []


@pytest.mark.requirement("BIL-2", "TEN-1")
async def test_a_tenant_alone_has_its_own_book() -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"))
    billing = ByHand(told(USAGE, nano=9_000))
    alone = Wanted(provider="anthropic", day=DAY, tenant="acme", keys=("key_1",))
    assert (await at.reconciler.reconcile(alone, billing)).agrees
    assert billing.asked == [(DAY, ("key_1",))]
    assert await facts(at) == []
    [fact] = await facts(at, "acme")
    assert isinstance(fact, ReconciliationFinished)
    assert fact.keys == ("key_1",)
    nobody = Wanted(provider="anthropic", day=DAY, tenant="other")
    assert not (await at.reconciler.reconcile(nobody, billing)).agrees


# ---------------------------------------------------------------- calls in doubt


async def posted(at: Office) -> dict[str, int]:
    return {each.account: each.posted for each in await at.store.balances("acme")}


@pytest.mark.requirement("BIL-1", "BIL-2")
async def test_what_was_not_billed_is_given_back_by_a_new_entry() -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"), asked("c2"), lost("c2"))
    before = await posted(at)
    assert (before[ACCOUNT], before[COUNTED]) == (80_000, 550)
    records = await at.store.records("acme", "run_1")
    billing = ByHand(told(USAGE, nano=9_000))
    found = await at.reconciler.reconcile(EXACT, billing)
    assert found.agrees
    assert [each.change for each in found.corrections] == [-80_000]
    assert await at.store.records("acme", "run_1") == records  # nothing was edited
    [fact] = await facts(at, "acme")
    assert isinstance(fact, AssumptionCorrected)
    assert (fact.run, fact.call, fact.assumed, fact.billed) == ("run_1", "c2", 80_000, 0)
    assert fact.model == f"anthropic:{MODEL}"
    assert fact.posts == (
        Post(account=ACCOUNT, amount=-80_000),
        Post(account=COUNTED, amount=-550),
    )
    after = await posted(at)
    assert (after[ACCOUNT], after[COUNTED]) == (0, 0)
    assert after["run:run_1|total|calls"] == 1  # it was made all the same
    # Again: the doubt is settled, and nothing is given back twice.
    again = await at.reconciler.reconcile(EXACT, billing)
    assert again.agrees
    assert again.corrections == ()
    assert len(await facts(at, "acme")) == 1
    assert await posted(at) == after


@pytest.mark.requirement("BIL-1", "BIL-2")
async def test_what_was_billed_after_all_is_known_from_then_on() -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"), asked("c2"), lost("c2"))
    more = Usage(input=300, output=5)
    billing = ByHand(told(USAGE, more, nano=39_000))
    found = await at.reconciler.reconcile(EXACT, billing)
    assert found.agrees
    [fact] = await facts(at, "acme")
    assert isinstance(fact, AssumptionCorrected)
    assert (fact.billed, fact.usage) == (30_000, more)
    after = await posted(at)
    assert (after[ACCOUNT], after[COUNTED]) == (30_000, 305)
    again = await at.reconciler.reconcile(EXACT, billing)
    assert {line.state for line in again.lines} == {"matched"}
    assert again.corrections == ()


@pytest.mark.requirement("BIL-2")
async def test_a_provisional_day_corrects_nothing() -> None:
    at = await office()
    at.clock.now = NOON + 86_400_000
    await write(at.store, asked("c2"), lost("c2"))
    found = await at.reconciler.reconcile(EXACT, ByHand(told()))
    assert not found.closed
    assert await facts(at, "acme") == []


# ---------------------------------------------------------------- what is written


@pytest.mark.requirement("BIL-2", "SEC-1")
async def test_what_a_report_says_is_cleaned() -> None:
    at = await office()
    hidden = secret()
    said = replace(told(), notes=(f"hint {hidden}",))
    strange = TokenLine(model=f"model-{hidden}", token_class=f"class {hidden}", tokens=5)
    await at.reconciler.reconcile(WANTED, ByHand(replace(said, tokens=(strange,))))
    await at.reconciler.failed("anthropic", DAY, ConfigError(f"no key {hidden}"))
    assert len(await facts(at)) == 2
    assert hidden not in str(await facts(at))


@pytest.mark.requirement("BIL-2")
async def test_lines_are_bounded_and_those_beyond_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconcile, "MAX_LINES", 1)
    at = await office()
    await write(at.store, asked("c2"), lost("c2"))
    said = told(Usage(input=1), nano=None)
    strange = TokenLine(model="unheard-of", token_class="output", tokens=5)
    report = ByHand(replace(said, tokens=(*said.tokens, strange)))
    found = await at.reconciler.reconcile(WANTED, report)
    assert len([line for line in found.lines if line.state != "matched"]) == 2
    [fact] = await facts(at)
    assert isinstance(fact, ReconciliationFinished)
    assert [line.model for line in fact.lines] == ["unheard-of"]
    assert (fact.missing_here, fact.beyond) == (2, 1)


@pytest.mark.requirement("BIL-2", "ALR-1")
async def test_days_done_and_failures_are_known() -> None:
    at = await office()
    assert await at.reconciler.days("anthropic", ()) == (set(), set())
    await at.reconciler.reconcile(WANTED, ByHand(told()))
    assert await at.reconciler.days("anthropic", ()) == ({DAY}, set())
    assert await at.reconciler.days("anthropic", ("key-1",)) == (set(), set())
    assert await at.reconciler.days("openai", ()) == (set(), set())
    day = date(2026, 11, 20)
    for _ in range(2):  # once a day and kind
        await at.reconciler.failed("anthropic", day, ProviderError("slow", kind="rate_limited"))
        await at.reconciler.failed("anthropic", day, ConfigError("no key"))
    failures = [fact for fact in await facts(at) if isinstance(fact, ReconciliationFailed)]
    assert [(fact.day, fact.kind) for fact in failures] == [
        ("2026-11-20", "rate_limited"),
        ("2026-11-20", "ConfigError"),
    ]
    assert await at.reconciler.days("anthropic", ()) == ({DAY}, {day})
    await at.reconciler.failed("anthropic", day + timedelta(1), ConfigError("no key"))
    assert len(await facts(at)) == 4
