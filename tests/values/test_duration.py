"""Durations are read exactly and told roughly."""

import pytest

from remit.errors import ConfigError
from remit.values.duration import milliseconds, spoken


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("250ms", 250),
        ("30s", 30_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("3d", 259_200_000),
        (" 1s ", 1000),
        ("0s", 0),
        ("36500d", 3_153_600_000_000),
    ],
)
def test_durations_as_people_write_them(text: str, ms: int) -> None:
    assert milliseconds(text) == ms


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-1s", "1.5h", "1 h", "5M", "1w", "1h30m", "٣s", "1" * 10 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a duration such as"):
        milliseconds(text)


@pytest.mark.parametrize("text", ["36501d", "999999999h", "999999999d"])
def test_an_instant_that_far_ahead_has_no_date(text: str) -> None:
    with pytest.raises(ConfigError, match="at most 36500d"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (4_200, "4.2 s"),
        (185_000, "3 min 5 s"),
        (7_800_000, "2 h 10 min"),
        (90_000_000, "25 h 0 min"),
    ],
)
def test_durations_for_people(ms: int, text: str) -> None:
    assert spoken(ms) == text
