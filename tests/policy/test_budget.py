"""The worst case of a call is held, real use is posted, and what is left bounds the output."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remit.journal.events import AccountLimit
from remit.policy.budget import (
    affordable_output,
    holds_for,
    posts_for,
    posts_in_full,
    voids,
)
from remit.values.price import ModelPrice, PriceTier
from remit.values.usage import Usage

MONEY = "run:r|total|nano"
TOKENS = "session:s|total|tokens"
ACCOUNTS = (AccountLimit(account=MONEY, limit=10**9), AccountLimit(account=TOKENS, limit=5000))
RATE = st.integers(0, 10**11)
TIERS = st.builds(
    PriceTier,
    above_tokens=st.just(200_000),
    input=RATE,
    output=RATE,
    cache_read=RATE,
    cache_write=RATE,
)
PRICES = st.builds(
    ModelPrice,
    model=st.just("m"),
    input=RATE,
    output=RATE,
    cache_read=RATE,
    cache_write=RATE,
    tiers=st.lists(TIERS, max_size=1).map(tuple),
)
COUNT = st.integers(0, 10**6)


def price(output: int = 2_000_000) -> ModelPrice:
    return ModelPrice(model="m", input=1_000_000, output=output, cache_read=0, cache_write=0)


@pytest.mark.requirement("BUD-1", "BUD-2")
def test_every_account_is_held_in_its_own_unit() -> None:
    money, tokens = holds_for(ACCOUNTS, price(), 100, 50)
    assert (money.account, money.amount, money.limit) == (MONEY, 100 * 1 + 50 * 2 + 2, 10**9)
    assert (tokens.account, tokens.amount, tokens.limit) == (TOKENS, 150, 5000)


@pytest.mark.requirement("BUD-1", "BUD-2")
@given(
    own=PRICES,
    bound=COUNT,
    limit=COUNT,
    used=st.tuples(COUNT, COUNT, COUNT, COUNT),
)
def test_real_use_within_the_bounds_never_costs_more_than_was_held(
    own: ModelPrice, bound: int, limit: int, used: tuple[int, int, int, int]
) -> None:
    read, wrote, cached, stored = used
    assume(read <= bound and wrote <= limit and cached + stored <= read)
    usage = Usage(input=read, output=wrote, cache_read=cached, cache_write=stored)
    holds = holds_for(ACCOUNTS, own, bound, limit)
    for hold, post in zip(holds, posts_for(holds, own, usage), strict=True):
        assert post.account == hold.account
        assert post.amount <= hold.amount


@pytest.mark.requirement("BUD-1")
def test_the_rounding_of_each_input_price_is_held_too() -> None:
    own = ModelPrice(model="m", input=1, output=1, cache_read=1, cache_write=1)
    usage = Usage(input=3, output=1, cache_read=1, cache_write=1)
    (hold,) = holds_for(ACCOUNTS[:1], own, 3, 1)
    (post,) = posts_for((hold,), own, usage)
    assert post.amount == 4
    assert hold.amount >= post.amount


def test_a_call_in_doubt_is_posted_in_full_and_one_that_did_not_happen_as_nothing() -> None:
    holds = holds_for(ACCOUNTS, price(), 100, 50)
    assert [post.amount for post in posts_in_full(holds)] == [202, 150]
    assert [post.amount for post in voids(holds)] == [0, 0]
    assert [post.account for post in voids(holds)] == [MONEY, TOKENS]


@pytest.mark.requirement("BUD-1", "BUD-2")
@given(
    own=PRICES,
    room=st.tuples(st.integers(0, 10**12), st.integers(0, 10**7)),
    bound=COUNT,
    wanted=st.integers(1, 10**6),
)
def test_what_is_affordable_fits_every_balance_and_one_token_more_does_not(
    own: ModelPrice, room: tuple[int, int], bound: int, wanted: int
) -> None:
    left = dict(zip((MONEY, TOKENS), room, strict=True))
    output = affordable_output(left, own, bound, wanted)
    assert output <= wanted
    if output > 0:
        fits = holds_for(ACCOUNTS, own, bound, output)
        assert all(hold.amount <= left[hold.account] for hold in fits)
    if 0 <= output < wanted:
        more = holds_for(ACCOUNTS, own, bound, output + 1)
        assert any(hold.amount > left[hold.account] for hold in more)


@pytest.mark.parametrize(
    ("left", "output"),
    [
        ({MONEY: 302}, 100),
        ({TOKENS: 130}, 30),
        ({MONEY: 302, TOKENS: 130}, 30),
        ({MONEY: 101}, 0),
        ({TOKENS: 90}, -10),
        ({}, 500),
    ],
)
def test_the_tightest_account_decides(left: dict[str, int], output: int) -> None:
    assert affordable_output(left, price(), 100, 500) == output


def test_output_that_costs_nothing_is_bounded_by_the_wish_alone() -> None:
    assert affordable_output({MONEY: 102}, price(output=0), 100, 500) == 500
