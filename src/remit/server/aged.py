"""What was read a moment ago: a bounded memory whose answers are never older than they may be."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class Aged(Generic[K, V]):
    """Values by key, forgotten after `max_age_ms`, the oldest first beyond `most`."""

    max_age_ms: int
    most: int
    now_ms: Callable[[], int]
    _known: OrderedDict[K, tuple[int, V]] = field(default_factory=OrderedDict)

    def get(self, key: K) -> V | None:
        """The value, where it is young enough."""
        known = self._known.get(key)
        if known is None or not 0 <= self.now_ms() - known[0] < self.max_age_ms:
            return None
        return known[1]

    def put(self, key: K, value: V) -> None:
        """Keep a value that was read now."""
        self._known.pop(key, None)
        self._known[key] = (self.now_ms(), value)
        while len(self._known) > self.most:
            self._known.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget it: it was changed here."""
        self._known.pop(key, None)
