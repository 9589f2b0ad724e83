"""Instants and spans in words."""

import pytest

from remit.values.instant import span_text, utc_text


def test_an_instant_is_told_in_utc() -> None:
    assert utc_text(0) == "1970-01-01T00:00:00Z"
    assert utc_text(1_795_000_000_999) == "2026-11-18T11:06:40Z"


@pytest.mark.parametrize(
    ("span_ms", "words"),
    [
        (999, "less than a second"),
        (1_000, "1 second"),
        (119_999, "1 minute"),
        (7_200_000, "2 hours"),
        (3 * 86_400_000, "3 days"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span_ms: int, words: str) -> None:
    assert span_text(span_ms) == words
