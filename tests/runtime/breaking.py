"""A store whose connection breaks, or whose process dies, at one chosen use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, cast

from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreGone

Mode = Literal["before", "after", "dead", "lost"]
"""It fails before it works, or after; the process dies when it has worked, or just before."""
# What the loop does on its own, as often as it likes: to fail there proves nothing new.
_UNCOUNTED = frozenset({"waiting", "url", "open", "close"})


class Breaking:
    """A process's connection to the store: its `at`-th use fails, or is its last."""

    def __init__(self, inner: MemoryStore, at: int, mode: Mode, only: str = "") -> None:
        self.inner, self.at, self.mode, self._only = inner, at, mode, only
        self.uses = 0
        self.dead = asyncio.Event()
        self.buried = False
        """The dead process is cleared away: what it still wants to do on the way is refused."""

    def __getattr__(self, name: str) -> object:
        inner = getattr(self.inner, name)
        if name in _UNCOUNTED:
            return inner

        async def use(*given: object, **named: object) -> object:
            if self.buried:
                raise StoreGone("the process is dead")
            counts = self._only in ("", name)
            self.uses += counts
            hit = counts and self.uses == self.at
            if self.dead.is_set():
                await asyncio.Event().wait()
            if hit and self.mode == "lost":
                self.dead.set()
                await asyncio.Event().wait()
            if hit and self.mode == "before":
                raise StoreGone(f"before {name}")
            answer = await cast("Callable[..., Awaitable[object]]", inner)(*given, **named)
            if hit and self.mode == "after":
                raise StoreGone(f"the answer of {name} was lost")
            if hit:
                self.dead.set()
                await asyncio.Event().wait()
            return answer

        return use
