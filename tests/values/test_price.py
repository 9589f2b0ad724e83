"""Prices in integers: cached tokens, long inputs, and a worst case that no call exceeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.values.price import ModelPrice, PriceTier, ServiceRate
from remit.values.usage import Usage

PRICE = ModelPrice(
    model="x:y",
    input=3_000_000_000,
    output=15_000_000_000,
    cache_read=300_000_000,
    cache_write=3_750_000_000,
    tiers=(
        PriceTier(
            above_tokens=200,
            input=6_000_000_000,
            output=22_500_000_000,
            cache_read=600_000_000,
            cache_write=7_500_000_000,
        ),
        PriceTier(above_tokens=900, input=1, output=1, cache_read=1, cache_write=1),
    ),
)


@pytest.mark.requirement("BUD-7")
@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        (Usage(), 0),
        (Usage(input=100, output=10), 100 * 3000 + 10 * 15_000),
        (
            Usage(input=100, output=10, cache_read=50, cache_write=40),
            10 * 3000 + 50 * 300 + 40 * 3750 + 10 * 15_000,
        ),
        # Of what is written to the cache, what stays an hour costs twice the input.
        (Usage(input=100, cache_write=40, cache_write_1h=30), 60 * 3000 + 10 * 3750 + 30 * 6000),
        (Usage(input=100, cache_write=10, cache_write_1h=30), 90 * 3000 + 10 * 6000),
        (Usage(input=300, cache_write=300, cache_write_1h=300), 300 * 12_000),
        # Exactly at the edge the lower price holds, one token later the higher for all.
        (Usage(input=200, output=10), 200 * 3000 + 10 * 15_000),
        (Usage(input=201, output=10), 201 * 6000 + 10 * 22_500),
        (Usage(input=901, output=10), 1 + 1),
        # A provider that counts cached tokens beside the input does not make the rest negative.
        (Usage(input=10, cache_read=50), 50 * 300),
    ],
)
def test_cost(usage: Usage, nano: int) -> None:
    assert PRICE.cost(usage) == nano


@pytest.mark.requirement("BUD-7")
def test_an_hour_in_the_cache_may_have_a_price_of_its_own() -> None:
    own = PRICE.model_copy(update={"cache_write_1h": 5_000_000_000})
    usage = Usage(input=100, cache_write=40, cache_write_1h=30)
    assert own.cost(usage) == 60 * 3000 + 10 * 3750 + 30 * 5000
    assert own.worst_case(100, 0) == 100 * 5000
    assert PRICE.worst_case(100, 0) == 100 * 3750  # minutes are all that Remit asks for


@pytest.mark.requirement("BUD-7")
def test_another_service_costs_a_part_or_a_multiple_of_all_rates() -> None:
    served = PRICE.model_copy(
        update={
            "services": (
                ServiceRate(service="batch", percent=50),
                ServiceRate(service="priority", percent=200, held=True),
            )
        }
    )
    usage = Usage(input=100, output=10, cache_read=20, cache_write=40, cache_write_1h=30)
    plain = PRICE.cost(usage)
    assert served.served("batch").cost(usage) * 2 == plain
    assert served.served("priority").cost(usage) == plain * 2
    assert served.served("").cost(usage) == served.served("standard").cost(usage) == plain
    long = Usage(input=300, output=10)
    assert served.served("batch").cost(long) * 2 == PRICE.cost(long)
    assert served.worst_case(100, 10) == 2 * PRICE.worst_case(100, 10)
    assert served.dearest_output(100) == 2 * PRICE.dearest_output(100)


def test_a_rate_that_does_not_divide_is_rounded_up() -> None:
    odd = ModelPrice(model="x:y", input=3, output=1, cache_read=1, cache_write=1)
    rate = ServiceRate(service="flex", percent=50)
    half = odd.model_copy(update={"services": (rate,)}).served("flex")
    assert (half.input, half.output, half.cache_write_1h) == (2, 1, 3)


rates = st.integers(0, 10**11)
prices = st.builds(
    ModelPrice,
    model=st.just("x:y"),
    input=rates,
    output=rates,
    cache_read=rates,
    cache_write=rates,
    cache_write_1h=st.none() | rates,
    services=st.lists(
        st.builds(
            ServiceRate,
            service=st.sampled_from(["batch", "priority"]),
            percent=st.integers(0, 300),
            held=st.just(value=True),
        ),
        max_size=2,
        unique_by=lambda rate: rate.service,
    ).map(tuple),
    tiers=st.lists(
        st.builds(
            PriceTier,
            above_tokens=st.integers(0, 10**6),
            input=rates,
            output=rates,
            cache_read=rates,
            cache_write=rates,
        ),
        max_size=3,
    ).map(lambda tiers: tuple(sorted(tiers, key=lambda tier: tier.above_tokens))),
)


@pytest.mark.requirement("BUD-7")
@given(prices, st.data())
def test_no_call_costs_more_than_the_worst_case(price: ModelPrice, data: st.DataObject) -> None:
    bound = data.draw(st.integers(0, 2 * 10**6))
    output = data.draw(st.integers(0, 10**6))
    plain = data.draw(st.integers(0, bound))
    read = data.draw(st.integers(0, plain))
    written = data.draw(st.integers(0, plain - read))
    usage = Usage(
        input=plain,
        output=data.draw(st.integers(0, output)),
        cache_read=read,
        cache_write=written,
        cache_write_1h=data.draw(st.integers(0, written)) if price.cache_write_1h else 0,
    )
    service = data.draw(st.sampled_from(["", "unheard", *(s.service for s in price.services)]))
    # Three parts of the input are rounded up apart, the bound once.
    assert price.served(service).cost(usage) <= price.worst_case(bound, output) + 2


def test_the_dearest_output_is_of_a_tier_that_can_be_reached() -> None:
    assert PRICE.dearest_output(200) == 15_000_000_000
    assert PRICE.dearest_output(201) == 22_500_000_000
    assert PRICE.dearest_output(10**9) == 22_500_000_000
