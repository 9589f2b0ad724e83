"""Inboxes keep letters by run, remember every key ever sent, and wake who waits."""

import asyncio
from collections import defaultdict

from remit.journal.rows import InboxRow, Letter

RunKey = tuple[str, str]
"""(tenant, run)."""


class Inboxes:
    """Letters by run, the keys ever sent, and who waits for them."""

    def __init__(self) -> None:
        self._rows: dict[RunKey, dict[int, InboxRow]] = defaultdict(dict)
        self._sent: set[tuple[str, str, str]] = set()
        self._number = 0
        self._waiters: dict[RunKey, set[asyncio.Future[None]]] = {}

    def put(self, tenant: str, letter: Letter) -> bool:
        """Add a letter; False when its key was sent before."""
        key = (tenant, letter.run, letter.key)
        if key in self._sent:
            return False
        self._sent.add(key)
        self._number += 1
        self._rows[tenant, letter.run][self._number] = InboxRow(self._number, letter)
        for waiter in self._waiters.get((tenant, letter.run), ()):
            if not waiter.done():
                waiter.set_result(None)
        return True

    def rows(self, run: RunKey) -> list[InboxRow]:
        """Letters that wait, oldest first."""
        return list(self._rows[run].values()) if run in self._rows else []

    def consume(self, run: RunKey, numbers: tuple[int, ...]) -> None:
        """Take letters away; their keys stay known."""
        for number in numbers:
            self._rows[run].pop(number, None)

    async def arrived(self, run: RunKey, timeout_s: float) -> bool:
        """True as soon as a letter waits; False after the time."""
        if self.rows(run):
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(run, set()).add(waiter)
        try:
            # Not `wait_for`: in Python 3.11 it swallows a cancel that comes with the letter.
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters[run].discard(waiter)
            if not self._waiters[run]:
                del self._waiters[run]
        return True
