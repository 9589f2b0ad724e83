"""Slows down who guesses passwords: each failure makes the next try wait longer."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

FREE = 5
"""Failures in a row that cost nothing: people mistype."""
_FIRST_MS = 1_000
_LONGEST_MS = 15 * 60_000  # a guesser gets a hundred tries a day, a person waits a coffee
_FORGET_MS = 24 * 3_600_000
_MOST = 10_000  # names and addresses that are remembered


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_ms: int


@dataclass(slots=True)
class Throttle:
    """Counts failures by user name and by address; in this process alone."""

    now_ms: Callable[[], int]
    _failures: OrderedDict[str, _Failures] = field(default_factory=OrderedDict)

    def wait_ms(self, keys: Iterable[str]) -> int:
        """How long who tries must still wait; 0: they may."""
        return max((self._wait_ms(key) for key in keys), default=0)

    def _wait_ms(self, key: str) -> int:
        known = self._failures.get(key)
        if known is None or known.count < FREE:
            return 0
        pause = min(_LONGEST_MS, _FIRST_MS << min(known.count - FREE, 20))
        return max(0, known.last_ms + pause - self.now_ms())

    def failed(self, keys: Iterable[str]) -> None:
        """A try went wrong."""
        now_ms = self.now_ms()
        for key in keys:
            known = self._failures.pop(key, _Failures(0, now_ms))
            old = now_ms - known.last_ms > _FORGET_MS
            self._failures[key] = _Failures(1 if old else known.count + 1, now_ms)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def succeeded(self, keys: Iterable[str]) -> None:
        """They are who they say."""
        for key in keys:
            self._failures.pop(key, None)
