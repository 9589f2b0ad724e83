"""Failures in a row make the next try wait, for a bounded time, and are forgotten."""

from remit.server.throttle import FREE, Throttle


def test_each_failure_beyond_the_free_ones_doubles_the_wait() -> None:
    now = [0]
    throttle = Throttle(lambda: now[0])
    waits = []
    for _ in range(FREE + 14):
        throttle.failed(["user:ann"])
        waits.append(throttle.wait_ms(["user:ann", "address:1"]))
    assert waits[: FREE - 1] == [0] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 3] == [1_000, 2_000, 4_000, 8_000]
    assert waits[-1] == 15 * 60_000
    now[0] = 15 * 60_000
    assert throttle.wait_ms(["user:ann"]) == 0
    throttle.succeeded(["user:ann"])
    throttle.failed(["user:ann"])
    assert throttle.wait_ms(["user:ann"]) == 0


def test_a_day_later_it_is_forgotten() -> None:
    now = [0]
    throttle = Throttle(lambda: now[0])
    for _ in range(FREE + 3):
        throttle.failed(["user:ann"])
    now[0] = 2 * 24 * 3_600_000
    throttle.failed(["user:ann"])
    assert throttle.wait_ms(["user:ann"]) == 0
    assert throttle.wait_ms([]) == 0


def test_it_remembers_a_bounded_number() -> None:
    throttle = Throttle(lambda: 0)
    for number in range(10_050):
        throttle.failed([f"address:{number}"])
    assert len(throttle._failures) == 10_000
