"""Both sides of a day, line by line: what is missing where, what is tolerated, what explains it."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.projections.daily_use import DayUse, Doubt, ModelUse
from remit.projections.reconcile import (
    COST,
    EXACT,
    LineState,
    Reconciliation,
    Tolerance,
    closes_ms,
    compare,
    last_closed,
)
from remit.values.statement import (
    OUTPUT,
    READ,
    TOKENS,
    UNCACHED,
    WRITE,
    WRITE_1H,
    WRITE_5M,
    CostLine,
    Statement,
    TokenClass,
    TokenLine,
    start_ms,
)
from remit.values.usage import Usage

DAY = date(2026, 11, 19)
LATER = closes_ms(DAY)
CENT = 10_000_000


def ours(nano: int = 0, model: str = "m", **tokens: int) -> DayUse:
    return DayUse(day=DAY, models={model: ModelUse(calls=1, tokens=classes(tokens), nano=nano)})


def classes(tokens: dict[str, int]) -> dict[TokenClass, int]:
    names: dict[str, TokenClass] = {
        "plain": UNCACHED,
        "read": READ,
        "write": WRITE,
        "minutes": WRITE_5M,
        "hour": WRITE_1H,
        "out": OUTPUT,
    }
    return {names[name]: count for name, count in tokens.items()}


def theirs(nano: int | None = 0, model: str = "m", **tokens: int) -> Statement:
    lines = [
        TokenLine(model=model, token_class=name, tokens=count)
        for name, count in classes(tokens).items()
    ]
    return Statement(
        provider="anthropic",
        source="test",
        day=DAY,
        tokens=tuple(lines),
        costs=None if nano is None else (CostLine(model=model, item=TOKENS, nano=nano),),
    )


def states(found: Reconciliation) -> dict[tuple[str, str], LineState]:
    return {(line.model, line.what): line.state for line in found.lines}


@pytest.mark.requirement("BIL-2")
def test_what_is_the_same_matches() -> None:
    found = compare(
        ours(7, plain=10, read=2, out=3), theirs(7, plain=10, read=2, out=3), EXACT, LATER
    )
    assert found.agrees
    assert set(states(found).values()) == {"matched"}
    assert found.count("matched") == 4
    assert found.closed


@pytest.mark.requirement("BIL-2")
def test_a_planted_discrepancy_is_found() -> None:
    found = compare(ours(CENT, plain=10, out=3), theirs(3 * CENT, plain=10, out=4), EXACT, LATER)
    assert not found.agrees
    assert states(found) == {
        ("m", UNCACHED): "matched",
        ("m", OUTPUT): "differing",
        ("m", COST): "differing",
    }


@pytest.mark.requirement("BIL-2")
def test_what_only_one_side_has() -> None:
    found = compare(ours(2 * CENT, "mine", out=3), theirs(2 * CENT, "yours", out=4), EXACT, LATER)
    assert states(found) == {
        ("mine", OUTPUT): "missing_there",
        ("mine", COST): "missing_there",
        ("yours", OUTPUT): "missing_here",
        ("yours", COST): "missing_here",
    }


@pytest.mark.requirement("BIL-2")
def test_a_report_without_money_compares_tokens_only() -> None:
    found = compare(ours(5 * CENT, out=3), theirs(None, out=3), EXACT, LATER)
    assert states(found) == {("m", OUTPUT): "matched"}
    silent = replace(theirs(None), tokens=())
    assert states(compare(ours(5 * CENT, out=3), silent, EXACT, LATER)) == {
        ("m", OUTPUT): "missing_there"
    }


@pytest.mark.requirement("BIL-2")
def test_times_in_the_cache_are_joined_where_one_side_does_not_tell_them() -> None:
    joined = compare(ours(minutes=3, hour=4), theirs(write=7), EXACT, LATER)
    assert states(joined) == {("m", WRITE): "matched"}
    apart = compare(ours(minutes=3, hour=4), theirs(minutes=4, hour=3), EXACT, LATER)
    assert states(apart) == {("m", WRITE_5M): "differing", ("m", WRITE_1H): "differing"}


@pytest.mark.requirement("BIL-2")
def test_what_nobody_knows_is_a_line() -> None:
    strange = Statement(
        provider="google",
        source="test",
        day=DAY,
        tokens=(
            TokenLine(model="m", token_class="dream_tokens", tokens=5),
            TokenLine(model="", token_class=OUTPUT, tokens=6),
        ),
        costs=(
            CostLine(model="", item="web_search", nano=2 * CENT),
            CostLine(model="", item="web_search", nano=3 * CENT),
        ),
    )
    found = compare(DayUse(day=DAY), strange, EXACT, LATER)
    assert states(found) == {
        ("m", "dream_tokens"): "missing_here",
        ("", OUTPUT): "missing_here",
        ("", "web_search"): "missing_here",
    }
    assert not found.agrees
    [searched] = [line for line in found.lines if line.what == "web_search"]
    assert searched.there == 5 * CENT


@pytest.mark.requirement("BIL-2")
def test_short_and_dated_names_are_one_model() -> None:
    found = compare(ours(model="m-20260101", out=3), theirs(model="m", out=3), EXACT, LATER)
    assert states(found) == {("m", OUTPUT): "matched"}


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("tolerance", "matches"),
    [
        (Tolerance(), False),
        (Tolerance(tokens=9), False),
        (Tolerance(tokens=10), True),
        (Tolerance(ppm=9_000), False),
        (Tolerance(ppm=10_000), True),
    ],
)
def test_tolerance_of_tokens(tolerance: Tolerance, matches: bool) -> None:
    found = compare(ours(out=990), theirs(out=1000), tolerance, LATER)
    assert found.agrees is matches


@pytest.mark.requirement("BIL-2")
def test_tolerance_of_money_is_a_cent_unless_it_is_said() -> None:
    assert compare(ours(0), theirs(CENT), EXACT, LATER).agrees
    assert not compare(ours(0), theirs(CENT + 1), EXACT, LATER).agrees
    assert not compare(ours(0), theirs(1), Tolerance(nano=0), LATER).agrees


counts = st.integers(0, 3)
sides = st.dictionaries(
    st.sampled_from(["a", "b", "b-20260101", "c"]),
    st.dictionaries(st.sampled_from([UNCACHED, READ, WRITE, WRITE_5M, OUTPUT]), counts, min_size=1),
    max_size=3,
)
Side = dict[str, dict[TokenClass, int]]
MIRROR: dict[LineState, LineState] = {
    "matched": "matched",
    "differing": "differing",
    "missing_here": "missing_there",
    "missing_there": "missing_here",
}


def as_use(side: Side) -> DayUse:
    models = {name: ModelUse(tokens=dict(tokens)) for name, tokens in side.items()}
    return DayUse(day=DAY, models=models)


def as_statement(side: Side) -> Statement:
    lines = tuple(
        TokenLine(model=model, token_class=name, tokens=count)
        for model, tokens in side.items()
        for name, count in tokens.items()
    )
    return Statement(provider="p", source="s", day=DAY, tokens=lines, costs=None)


@pytest.mark.requirement("BIL-2")
@given(sides, sides, st.builds(Tolerance, tokens=counts, ppm=st.integers(0, 10**6)))
def test_the_comparison_is_symmetric(left: Side, right: Side, tolerance: Tolerance) -> None:
    one = compare(as_use(left), as_statement(right), tolerance, LATER)
    other = compare(as_use(right), as_statement(left), tolerance, LATER)
    mirrored = [
        replace(line, here=line.there, there=line.here, state=MIRROR[line.state])
        for line in other.lines
    ]
    assert list(one.lines) == mirrored


@given(sides)
def test_a_side_agrees_with_itself(side: Side) -> None:
    found = compare(as_use(side), as_statement(side), Tolerance(nano=0), LATER)
    assert found.agrees
    assert sum(line.here for line in found.lines) == sum(
        count for tokens in side.values() for count in tokens.values()
    )


# ---------------------------------------------------------------- days


@pytest.mark.requirement("BIL-2")
def test_a_day_is_provisional_until_the_day_after_next() -> None:
    assert not compare(ours(), theirs(), EXACT, LATER - 1).closed
    assert compare(ours(), theirs(), EXACT, LATER).closed
    assert last_closed(LATER) == DAY
    assert last_closed(LATER - 1) == date(2026, 11, 18)


@pytest.mark.requirement("BIL-2")
def test_a_report_that_does_not_reach_the_end_of_the_day_is_provisional() -> None:
    end = start_ms(date(2026, 11, 20))
    short = replace(theirs(), refreshed_ms=end - 1)
    assert not compare(ours(), short, EXACT, LATER).closed
    assert compare(ours(), replace(short, refreshed_ms=end), EXACT, LATER).closed


# ---------------------------------------------------------------- calls in doubt


def doubted(count: int = 1, nano: int = 80, plain: int = 10) -> DayUse:
    use = ours(2, plain=plain, out=3)
    model = use.models["m"]
    for number in range(count):
        model.assumed_calls += 1
        model.assumed_nano += nano
        model.assumed_input += 500
        model.assumed_output += 50
        key = ("acme", "run_1", f"c{number}", 1)
        use.doubts[key] = Doubt(
            tenant="acme",
            run="run_1",
            call=f"c{number}",
            attempt=1,
            model="m",
            asked="anthropic:m",
            nano=nano,
            input_bound=500,
            output_bound=50,
        )
    return use


@pytest.mark.requirement("BIL-1", "BIL-2")
def test_calls_in_doubt_that_were_not_billed_are_corrected() -> None:
    found = compare(doubted(2), theirs(2, plain=10, out=3), EXACT, LATER)
    assert found.agrees
    assert found.hints == (
        "2 calls in doubt, posted as assumed at $0.00000016, are not counted here",
    )
    assert [each.change for each in found.corrections] == [-80, -80]
    provisional = compare(doubted(2), theirs(2, plain=10, out=3), EXACT, LATER - 1)
    assert provisional.corrections == ()


@pytest.mark.requirement("BIL-1", "BIL-2")
def test_a_call_in_doubt_that_was_billed_explains_the_difference() -> None:
    billed = theirs(52, plain=110, read=20, hour=4, minutes=6, out=13)
    found = compare(doubted(), billed, Tolerance(nano=0), LATER)
    assert found.agrees
    assert {line.state for line in found.lines} == {"differing", "missing_here"}
    assert all("a call in doubt" in line.why for line in found.lines)
    [correction] = found.corrections
    assert (correction.billed, correction.change) == (50, -30)
    assert correction.usage == Usage(
        input=130, cache_read=20, cache_write=10, cache_write_1h=4, output=10
    )


@pytest.mark.requirement("BIL-2")
def test_several_calls_in_doubt_explain_but_nobody_knows_which_was_billed() -> None:
    found = compare(doubted(2), theirs(52, plain=110, out=13), Tolerance(nano=0), LATER)
    assert found.agrees
    assert found.corrections == ()
    assert all(line.why.startswith("2 calls in doubt") for line in found.lines)
    silent = compare(doubted(1), theirs(None, plain=110, out=13), EXACT, LATER)
    assert silent.agrees
    assert silent.corrections == ()  # nobody says what it cost


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    "billed",
    [
        theirs(52, plain=511, out=13),  # more input than the call can have had
        theirs(52, plain=110, out=54),  # more output
        theirs(83, plain=110, out=13),  # more money
        theirs(52, plain=110, out=2),  # less than we are sure of
    ],
)
def test_a_doubt_does_not_explain_everything(billed: Statement) -> None:
    found = compare(doubted(), billed, Tolerance(nano=0), LATER)
    assert not found.agrees
    assert found.corrections == ()


@pytest.mark.requirement("BIL-2")
def test_less_of_one_class_is_no_doubt() -> None:
    found = compare(doubted(), theirs(2, plain=5, read=10, out=3), EXACT, LATER)
    assert not found.agrees


def test_more_doubts_than_are_kept_are_not_corrected_one_by_one() -> None:
    use = doubted(2)
    use.doubts.popitem()
    assert compare(use, theirs(2, plain=10, out=3), EXACT, LATER).corrections == ()


# ---------------------------------------------------------------- hints


@pytest.mark.requirement("BIL-2")
def test_what_a_reader_must_know() -> None:
    use = ours(out=1)
    use.models["m"].midnight_calls = 2
    use.unplaced, use.erased = 3, 4
    noted = replace(theirs(out=1), notes=("credits",))
    hints = compare(use, noted, EXACT, LATER).hints
    assert len(hints) == 4
    assert hints[0] == "credits"
    assert "2 calls were under way at midnight" in hints[1]
    assert "3 settled calls" in hints[2]
    assert "4 records" in hints[3]
