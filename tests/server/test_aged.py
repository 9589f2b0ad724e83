"""What was read is known for a bounded time, and only so much of it."""

from remit.server.aged import Aged


def test_values_age_and_are_dropped() -> None:
    now = [0]
    aged: Aged[str, int] = Aged(100, 2, lambda: now[0])
    aged.put("a", 1)
    now[0] = 99
    assert aged.get("a") == 1
    now[0] = 100
    assert aged.get("a") is None
    now[0] = -1  # a clock that was put back
    assert aged.get("a") is None
    aged.put("a", 2)
    aged.drop("a")
    aged.drop("never")
    assert aged.get("a") is None


def test_the_oldest_makes_room() -> None:
    aged: Aged[str, int] = Aged(100, 2, lambda: 0)
    for number, name in enumerate("abc"):
        aged.put(name, number)
    assert [aged.get(name) for name in "abc"] == [None, 1, 2]
