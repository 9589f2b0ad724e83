"""One day's use per model: by the day of the answer, doubts apart, in whatever pages it comes."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.journal.events import AssumptionCorrected, Event, ModelCompleted, ModelFailed
from remit.journal.events import ModelRequested as Requested
from remit.journal.fact import Post
from remit.projections import daily_use
from remit.projections.daily_use import DailyUse, DayUse
from remit.projections.timeline import Pair
from remit.values.statement import OUTPUT, READ, UNCACHED, WRITE_1H, WRITE_5M, start_ms
from remit.values.usage import Usage
from tests.projections.facts import clean, records, started

DAY = date(2026, 11, 19)
NOON = start_ms(DAY) + 12 * 3_600_000
MIDNIGHT = start_ms(DAY)
USAGE = Usage(input=100, cache_read=20, cache_write=30, cache_write_1h=10, output=7, reasoning=3)


def asked(call: str = "c1", model: str = "anthropic:claude-x", attempt: int = 1) -> Requested:
    return Requested(
        call=call,
        attempt=attempt,
        model=model,
        messages=1,
        digest="d",
        max_output_tokens=50,
        input_bound=500,
    )


def answered(call: str = "c1", model: str = "claude-x-20260101", cost: int = 9) -> ModelCompleted:
    return ModelCompleted(call=call, parts=(), stop="end", usage=USAGE, model=model, cost=cost)


def lost(call: str = "c1", cost: int = 80) -> ModelFailed:
    return ModelFailed(
        call=call,
        kind="in_doubt",
        detail=clean("lost"),
        cost=cost,
        assumed=True,
        posts=(Post(account="run:.|total|nano", amount=cost),),
    )


def day(*pages: list[Pair]) -> DayUse:
    daily = DailyUse(DAY, ("anthropic",))
    for page in pages:
        daily.add(page)
    return daily.use


def use(*events: Event, start: int = NOON) -> DayUse:
    return day(records(*events, start_ms=start))


@pytest.mark.requirement("BIL-1", "BIL-2")
def test_tokens_and_cost_by_the_model_that_answered() -> None:
    found = use(started(), asked("c1"), answered("c1"), asked("c2"), answered("c2"))
    assert list(found.models) == ["claude-x-20260101"]
    model = found.models["claude-x-20260101"]
    assert model.tokens == {UNCACHED: 100, READ: 40, WRITE_5M: 40, WRITE_1H: 20, OUTPUT: 14}
    assert (model.calls, model.nano, model.assumed_calls) == (2, 18, 0)


def test_a_name_with_its_prefix_is_the_same_model() -> None:
    assert list(use(asked(), answered(model="anthropic:claude-x")).models) == ["claude-x"]
    assert list(use(asked(), answered(model="")).models) == ["claude-x"]


@pytest.mark.requirement("BIL-2")
def test_only_the_provider_and_only_the_day() -> None:
    assert use(asked(model="openai:gpt"), answered()).models == {}
    assert use(asked(), answered(), start=NOON - 24 * 3_600_000).models == {}
    assert use(asked(), answered(), start=NOON + 24 * 3_600_000).models == {}


@pytest.mark.requirement("BIL-2")
def test_a_call_over_midnight_counts_where_it_was_answered_and_is_told() -> None:
    # Records stand a second apart: the answer comes exactly at midnight.
    into = use(asked(), answered(), start=MIDNIGHT - 1000)
    assert into.models["claude-x-20260101"].calls == 1
    assert into.models["claude-x-20260101"].midnight_calls == 1
    out = use(asked(), answered(), start=MIDNIGHT + 86_400_000 - 1000)
    assert out.models["claude-x-20260101"].calls == 0
    assert out.models["claude-x-20260101"].midnight_calls == 1


@pytest.mark.requirement("BIL-2")
def test_what_was_refused_is_nothing_and_what_broke_off_counts() -> None:
    refused = ModelFailed(call="c1", kind="rate_limited")
    assert use(asked(), refused).models == {}
    broken = ModelFailed(call="c1", kind="stream_broken", usage=USAGE, cost=9)
    assert use(asked(), broken).models["claude-x"].tokens[OUTPUT] == 7


@pytest.mark.requirement("BIL-2")
def test_calls_in_doubt_are_apart() -> None:
    found = use(asked("c1"), answered("c1", model="claude-x"), asked("c2"), lost("c2"))
    model = found.models["claude-x"]
    assert (model.calls, model.nano) == (1, 9)
    assert (model.assumed_calls, model.assumed_nano) == (1, 80)
    assert (model.assumed_input, model.assumed_output) == (500, 50)
    [doubt] = found.doubts.values()
    assert (doubt.tenant, doubt.run, doubt.call, doubt.asked) == (
        "acme",
        "run_1",
        "c2",
        "anthropic:claude-x",
    )


@pytest.mark.requirement("BIL-2")
def test_a_correction_settles_a_doubt() -> None:
    corrected = AssumptionCorrected(
        provider="anthropic",
        day=DAY.isoformat(),
        run="run_1",
        call="c1",
        model="anthropic:claude-x",
        assumed=80,
        billed=30,
        usage=USAGE,
    )
    journal = records(asked("c1"), lost("c1"), start_ms=NOON)
    book = records(corrected, run="book_bill-anthropic", start_ms=NOON + 5 * 86_400_000)
    found = day(journal, book)
    model = found.models["claude-x"]
    assert (model.calls, model.nano, model.assumed_calls, model.assumed_nano) == (1, 30, 0, 0)
    assert (model.assumed_input, model.assumed_output) == (0, 0)
    assert model.tokens[OUTPUT] == 7
    assert found.doubts == {}
    assert day(book).models == {}  # it corrects another day


def test_an_answer_without_its_question_is_told() -> None:
    assert use(answered()).unplaced == 1
    assert use(answered(cost=0)).unplaced == 0


@given(st.lists(st.integers(0, 6), max_size=4))
def test_pages_do_not_matter(cuts: list[int]) -> None:
    journal = records(
        asked("c1"),
        asked("c2"),
        lost("c2"),
        answered("c1"),
        asked("c3"),
        answered("c3"),
        start_ms=NOON,
    )
    places = [0, *sorted(cuts), len(journal)]
    pages = [journal[a:b] for a, b in pairwise(places)]
    assert day(*pages) == day(journal)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily_use, "MAX_OPEN", 2)
    monkeypatch.setattr(daily_use, "MAX_DOUBTS", 1)
    calls = [asked(f"c{number}") for number in range(4)]
    found = use(*calls, lost("c2"), lost("c3"), lost("c0"))
    assert found.models["claude-x"].assumed_calls == 2
    assert len(found.doubts) == 1
    assert found.unplaced == 1
