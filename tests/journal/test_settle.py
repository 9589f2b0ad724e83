"""Settling keeps every account within its limit, whatever is held and posted in what order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.journal.events import EVENT, BudgetWarned
from remit.journal.rows import Balance, Crossed, Exceeded, Letter
from remit.journal.settle import (
    HoldKey,
    Settled,
    Standing,
    crossed_letter,
    limit_of,
    settle,
    touched_accounts,
    touched_holds,
    touched_limits,
)
from remit.journal.transfers import HoldLine, PostLine

ACCOUNTS = ("a", "b", "c")
NAMES = ("h1", "h2", "h3", "h4")


def hold(amount: int, *, account: str = "a", name: str = "h1", limit: int = 100) -> HoldLine:
    return HoldLine(name, account, amount, limit)


def post(amount: int, *, account: str = "a", name: str = "h1") -> PostLine:
    return PostLine(name, account, amount)


def settled(result: Settled | Exceeded) -> Settled:
    assert isinstance(result, Settled)
    return result


def test_what_is_read_before() -> None:
    holds = (hold(1, account="b"), hold(1, name="h2"))
    posts = (post(1, account="c"), post(1, name="h2"))
    assert touched_accounts(holds, posts) == ["a", "b", "c"]
    assert touched_holds(holds, posts) == [("h1", "b"), ("h1", "c"), ("h2", "a")]
    assert touched_accounts((), ()) == []


def test_nothing_changes_nothing() -> None:
    assert settle((), (), {"a": Standing(1, 2, 3)}, {}) == Settled({}, {}, ())


@pytest.mark.requirement("BUD-1")
def test_posts_make_room_before_holds_are_checked() -> None:
    standings = {"a": Standing(posted=0, held=90, limit=100)}
    open_holds = {("h1", "a"): hold(90)}
    result = settled(settle((hold(80, name="h2"),), (post(20),), standings, open_holds))
    assert result.standings == {"a": Standing(20, 80, 100)}
    assert result.open_holds == {("h1", "a"): None, ("h2", "a"): hold(80, name="h2")}
    refused = settle((hold(81, name="h2"),), (post(20),), standings, open_holds)
    assert refused == Exceeded((Balance("a", 20, 0, 100),))


def test_the_refusal_names_the_accounts_of_the_holds_only() -> None:
    standings = {"a": Standing(0, 0, 100), "b": Standing(5, 0, 100), "c": Standing(9, 0, 10)}
    refused = settle((hold(101), hold(1, account="b")), (post(1, account="c"),), standings, {})
    assert refused == Exceeded((Balance("a", 0, 0, 100), Balance("b", 5, 0, 100)))


def test_a_hold_that_was_open_grows_and_is_released_once() -> None:
    standings = {"a": Standing(0, 10, 100)}
    open_holds = {("h1", "a"): hold(10)}
    result = settled(settle((hold(5),), (), standings, open_holds))
    assert result.open_holds == {("h1", "a"): hold(15)}
    assert result.standings == {"a": Standing(0, 15, 100)}
    again = settled(settle((hold(5),), (post(3),), standings, open_holds))
    assert again.standings == {"a": Standing(3, 5, 100)}
    assert again.open_holds == {("h1", "a"): hold(5)}


@pytest.mark.requirement("BUD-4")
@pytest.mark.parametrize(
    ("before", "amount", "limit", "crossed"),
    [
        (Standing(0, 0, 100), 79, 100, False),
        (Standing(0, 0, 100), 80, 100, True),
        (Standing(80, 0, 100, warned=True), 20, 100, False),
        (Standing(80, 0, 100, warned=True), 0, 105, False),
        (Standing(80, 0, 100, warned=True), 0, 200, False),
        (Standing(80, 0, 100, warned=True), 80, 200, True),
        (Standing(90, 0, 200), 0, 100, True),
        (Standing(90, 0, 100, warned=True), -80, 100, False),
        (Standing(10, 0, 100, warned=True), 80, 100, False),
    ],
)
def test_four_fifths_are_told_once_per_limit(
    before: Standing, amount: int, limit: int, crossed: bool
) -> None:
    holds = (hold(0, name="h9", limit=limit),)
    first = settled(settle(holds, (), {"a": before}, {})) if limit != before.limit else None
    now = first.standings["a"] if first is not None else before
    second = settled(settle((), (post(amount),), {"a": now}, {}))
    told = [*(first.crossed if first is not None else ()), *second.crossed]
    assert told == ([Crossed("a", before.posted + amount, limit)] if crossed else [])


def test_an_account_without_a_limit_is_never_near_it() -> None:
    result = settled(settle((), (post(10**12),), {}, {}))
    assert result == Settled({"a": Standing(10**12, 0, 0)}, {}, ())


def test_the_letter_about_a_crossing() -> None:
    letter = crossed_letter("run_1", Crossed("a", 80, 100), 17)
    body = letter.body
    assert letter == Letter(run="run_1", key="crossed:a:100", kind="crossed", body=body, time_ms=17)
    assert EVENT.validate_json(body) == BudgetWarned(account="a", used=80, limit=100)


@pytest.mark.requirement("BUD-7")
@given(
    rounds=st.lists(
        st.tuples(
            st.lists(
                st.builds(
                    HoldLine,
                    st.sampled_from(NAMES),
                    st.sampled_from(ACCOUNTS),
                    st.integers(0, 60),
                    st.just(100),
                ),
                max_size=4,
            ),
            st.lists(
                st.builds(
                    PostLine,
                    st.sampled_from(NAMES),
                    st.sampled_from(ACCOUNTS),
                    st.integers(0, 60),
                ),
                max_size=4,
            ),
        ),
        max_size=12,
    )
)
def test_the_books_always_balance(
    rounds: list[tuple[list[HoldLine], list[PostLine]]],
) -> None:
    """Held is the sum of open holds; a hold never takes an account beyond its limit; no loss."""
    standings: dict[str, Standing] = {}
    open_holds: dict[HoldKey, HoldLine] = {}
    posted = dict.fromkeys(ACCOUNTS, 0)
    warnings = dict.fromkeys(ACCOUNTS, 0)
    for holds, posts in rounds:
        before = (dict(standings), dict(open_holds))
        result = settle(holds, posts, standings, open_holds)
        assert (standings, open_holds) == before  # the store's own values are left alone
        if isinstance(result, Exceeded):
            continue
        standings.update(result.standings)
        for key, line in result.open_holds.items():
            open_holds.pop(key, None)
            if line is not None:
                open_holds[key] = line
        for entry in posts:
            posted[entry.account] += entry.amount
        for crossed in result.crossed:
            warnings[crossed.account] += 1
        for name, now in standings.items():
            assert now.posted == posted[name]
            assert now.held == sum(x.amount for x in open_holds.values() if x.account == name)
            assert now.held >= 0
            held_here = {line.account for line in holds} - {entry.account for entry in posts}
            if name in held_here:
                assert now.posted + now.held <= now.limit
    assert all(count <= 1 for count in warnings.values())


# ---------------------------------------------------------------- set limits, alerts, everybody's

DAY = "user:ann|day:2026-11-21|nano"


@pytest.mark.requirement("BUD-3", "BUD-4")
def test_what_an_operator_set_goes_before_what_a_hold_names() -> None:
    line = HoldLine("h", DAY, 60, 100)
    assert touched_limits([line]) == ["user:*|day|nano", "user:ann|day|nano"]
    assert touched_limits([HoldLine("h", "run:run_1|total|nano", 60, 100)]) == []
    lowered = settle((line,), (), {}, {}, {"user:ann|day|nano": 59})
    assert lowered == Exceeded((Balance(DAY, 0, 0, 59),))
    raised = settled(settle((line,), (post(90, account=DAY),), {}, {}, {"user:*|day|nano": 200}))
    assert raised.standings[DAY].limit == 200
    assert limit_of(DAY, 100, {"user:*|day|nano": 1, "user:ann|day|nano": 2}) == 2
    assert limit_of(DAY, 100, {"user:bob|day|nano": 1}) == 100


@pytest.mark.requirement("BUD-8")
def test_an_alert_never_refuses_and_is_told_once_when_all_of_it_is_used() -> None:
    name = "session:s1|alert|nano"
    line = HoldLine("h", name, 90, 100)
    now = settled(settle((line,), (post(90, name="h", account=name),), {}, {}))
    assert now.crossed == ()
    again = settled(settle((replace(line, hold="h2"),), (), now.standings, {}))
    assert again.standings[name].held == 90  # past its limit
    told = settled(settle((), (post(10, account=name),), again.standings, {}))
    assert told.crossed == (Crossed(name, 100, 100),)
    assert settled(settle((), (post(10, account=name),), told.standings, {})).crossed == ()
    letter = crossed_letter("run_1", told.crossed[0], 5)
    assert b"CostAlerted" in letter.body
    other = HoldLine("h3", DAY, 10, 5)
    refused = settle((line, other), (), now.standings, {})
    assert isinstance(refused, Exceeded)
    assert [each.account for each in refused.balances] == [DAY]


@pytest.mark.requirement("TOOL-15")
def test_a_rate_refuses_and_warns_nobody_and_nobody_sets_it_later() -> None:
    name = "rate:send_mail,ann|minute:2026-11-21T14:05|calls"
    lines = [HoldLine(f"h{number}", name, 1, 2) for number in range(3)]
    assert touched_limits(lines) == []
    refused = settle(lines, (), {}, {})
    assert refused == Exceeded((Balance(name, 0, 0, 2),))
    both = [post(1, name=f"h{number}", account=name) for number in range(2)]
    used = settled(settle(lines[:2], both, {}, {}))
    assert (used.standings[name].posted, used.standings[name].held) == (2, 0)
    assert used.crossed == ()


@pytest.mark.requirement("TOOL-15")
def test_what_was_booked_makes_room_for_the_call_that_leaves() -> None:
    name = "rate:send_mail,ann|minute:2026-11-21T14:05|calls"
    booked = HoldLine("run_1:c1-1:booked", name, 1, 1)
    full = settled(settle((booked,), (), {}, {}))
    leaving = HoldLine("run_1:c1-1:1", name, 1, 1)
    open_holds = {(booked.hold, name): booked}
    assert isinstance(settle((leaving,), (), full.standings, open_holds), Exceeded)
    back = PostLine(booked.hold, name, 0)
    left = settled(settle((leaving,), (back,), full.standings, open_holds))
    assert left.standings[name].held == 1
    assert left.open_holds == {(booked.hold, name): None, (leaving.hold, name): leaving}
