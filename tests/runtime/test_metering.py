"""A meter knows whether a call began, and what was said of its price."""

from threading import Thread

import pytest

from remit.errors import UsageError
from remit.runtime.metering import Meter, refuse_charge
from remit.values.money import Nano
from tests.machine.toolbox import look_up


def begun(*amounts: int) -> Meter:
    meter = Meter()
    meter.begun = True
    for amount in amounts:
        meter.enter(Nano(amount))
    return meter


def test_what_did_not_begin_costs_nothing() -> None:
    assert Meter().charged() == Meter().charged(cut=True) == 0


@pytest.mark.parametrize(
    ("amounts", "ended", "cut"),
    [((), None, None), ((5,), 5, 5), ((5, 7), 12, 12), ((0,), 0, None), ((0, 3), 3, 3)],
)
def test_amounts_add_up_and_silence_is_not_nought(
    amounts: tuple[int, ...], ended: int | None, cut: int | None
) -> None:
    assert begun(*amounts).charged() == ended
    assert begun(*amounts).charged(cut=True) == cut


def test_threads_may_enter_at_once() -> None:
    meter = begun()

    def spend() -> None:
        for _ in range(1000):
            meter.enter(Nano(1))

    threads = [Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.charged() == 8000


def test_an_amount_that_would_count_nowhere_is_an_error_with_the_remedy() -> None:
    with pytest.raises(UsageError, match=r"'look_up' calls Call.charge.*reports_price=True"):
        refuse_charge(look_up, "the tool")
