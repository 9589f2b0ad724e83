"""Delays are durations by globs of tools; of several the longest counts."""

import pytest

from remit.errors import ConfigError
from remit.policy.delay import MAX_DELAY_MS, Delay, delay_ms_of, delays_of, longest_ms

MINUTE = 60_000


@pytest.mark.requirement("TOOL-14")
def test_a_delay_is_longer_than_nothing_and_at_most_a_month() -> None:
    assert delay_ms_of("5m") == 5 * MINUTE
    assert delay_ms_of("30d") == MAX_DELAY_MS
    for wrong in ("0s", "31d"):
        with pytest.raises(ConfigError, match="longer than nothing and at most 30 days"):
            delay_ms_of(wrong)
    with pytest.raises(ConfigError, match="is not a duration"):
        delay_ms_of("soon")


def test_the_longest_delay_that_covers_a_tool_counts() -> None:
    delays = delays_of({"send_*": "5m", "send_mail": "1m", "crm/*": "10m"})
    assert delays[0] == Delay(tool="send_*", delay_ms=5 * MINUTE)
    assert longest_ms(delays, "send_mail", "") == 5 * MINUTE
    assert longest_ms(delays, "send_mail", "crm") == 10 * MINUTE
    assert longest_ms(delays, "add_note", "") == 0
    assert longest_ms((), "send_mail", "") == 0
