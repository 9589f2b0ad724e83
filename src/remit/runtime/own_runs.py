"""The runs that this process started or resumed, as many and as long as it may remember them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

# BUD-9: as many as a large process has users; an entry is some 300 bytes, so this is 30 MB.
MOST = 100_000
IDLE_S = 24 * 60 * 60.0
Key = tuple[str, str]
"""(tenant, root run)."""


class OwnRuns:
    """The least recently used is forgotten when there are too many, and what is idle too long.

    What is forgotten is not lost: a worker takes it up, or whoever answers or resumes it here.
    """

    def __init__(
        self,
        most: int = MOST,
        idle_s: float = IDLE_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._idle_s = idle_s
        self._now_s = now_s
        self._used: OrderedDict[Key, float] = OrderedDict()

    def add(self, key: Key) -> None:
        """Remember a run, or that it was used now."""
        now = self._now_s()
        self._used[key] = now
        self._used.move_to_end(key)
        while self._used:
            oldest = next(iter(self._used))
            if len(self._used) <= self._most and now - self._used[oldest] < self._idle_s:
                return
            del self._used[oldest]

    def discard(self, key: Key) -> None:
        """Forget a run that has ended."""
        self._used.pop(key, None)

    def __contains__(self, key: Key) -> bool:
        """Whether a run is one of this process; asking is a use."""
        used = self._used.get(key)
        if used is None:
            return False
        if self._now_s() - used >= self._idle_s:
            del self._used[key]
            return False
        self.add(key)
        return True

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._used)

    def __iter__(self) -> Iterator[Key]:
        """Those that are remembered, the least recently used first."""
        return iter(tuple(self._used))
