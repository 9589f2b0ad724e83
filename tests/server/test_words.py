"""Templates show money exactly, and instants in UTC where no script makes them local."""

import pytest

from remit.server.words import instant, moment, money, short, span

NOON_MS = 1_795_262_400_000


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "$0.00"), (1_500_000_000, "$1.50"), (3_000, "$0.000003"), (1_234_567_891, "$1.234567891")],
)
def test_money_is_never_rounded(nano: int, text: str) -> None:
    assert money(nano) == text


def test_an_instant_is_told_twice() -> None:
    assert instant(NOON_MS) == "2026-11-21T12:00:00Z"
    assert str(moment(NOON_MS)) == (
        '<time datetime="2026-11-21T12:00:00Z" title="2026-11-21 12:00:00 UTC">'
        "2026-11-21 12:00:00 UTC</time>"
    )
    assert ' data-as="countdown"' in str(moment(NOON_MS, "countdown"))
    assert "<b>" not in str(moment(NOON_MS, '"><b>'))
    assert moment(None) == "-"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (7_500_000, "2 h 5 min"),
        (7_200_000, "2 h"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(ms: int, text: str) -> None:
    assert span(ms) == text


def test_a_digest_is_cut() -> None:
    assert short("0123456789abcdef") == "0123456789ab"
