"""The lease of a driver: an effect starts only while nobody else can drive the run."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from remit.errors import StoreError
from remit.journal.record import GENESIS
from remit.journal.rows import Blob, NewRun, VaultRow
from remit.runtime.services import LEASE_MS, Services

# Clocks of two machines may differ by less than this; with NTP they differ by milliseconds.
SKEW_MS = 5_000
# Between two tries of a renewal that the store could not do.
_RETRY_S = 1.0


@dataclass(slots=True, kw_only=True)
class Seat:
    """Where a driver sits: its run, and what it must show to append."""

    tenant: str
    run: str
    epoch: int = 1
    version: int = 0
    last_hash: bytes = GENESIS
    lease_until_ms: int = 0
    row_lags: bool = False
    """The row says `running` though only others can move the run on."""
    new: NewRun | None = None
    blobs: tuple[Blob, ...] = ()
    vault: tuple[VaultRow, ...] = ()
    """With `blobs`: what becomes durable with the first record."""


class Lease:
    """Keeps the lease of one driver; `lost` is told once, when another driver has the run."""

    def __init__(self, services: Services, seat: Seat, lost: Callable[[], None]) -> None:
        self._services = services
        self._seat = seat
        self._tell_lost = lost
        self._is_lost = False

    async def covers(self, until_ms: int) -> bool:
        """Nobody else can drive the run before `until_ms`; the lease is prolonged where it must be.

        False when somebody else has the run already. Raises `StoreError`.
        """
        if not self._is_lost and self._seat.lease_until_ms < until_ms + SKEW_MS:
            await self._prolong(until_ms + SKEW_MS)
        return not self._is_lost

    async def lives(self) -> bool:
        """Nobody else drives the run now. Raises `StoreError`."""
        return await self.covers(self._services.clock.now_ms())

    async def keep(self) -> None:
        """Renew the lease three times as often as it would end, for ever."""
        while not self._is_lost:
            await asyncio.sleep(LEASE_MS / 3000)
            left_ms = self._seat.lease_until_ms - self._services.clock.now_ms()
            while self._seat.version > 0 and left_ms < LEASE_MS:
                try:
                    await self._prolong(0)
                except StoreError:
                    await asyncio.sleep(_RETRY_S)  # the append tells the driver, if it lasts
                else:
                    break

    async def _prolong(self, least_ms: int) -> None:
        seat = self._seat
        until_ms = max(self._services.clock.now_ms() + LEASE_MS, least_ms)
        kept = await self._services.store.renew(
            seat.tenant, seat.run, epoch=seat.epoch, lease_until_ms=until_ms
        )
        if kept:
            seat.lease_until_ms = max(seat.lease_until_ms, until_ms)
        elif not self._is_lost:
            self._is_lost = True
            self._tell_lost()
