"""A view of the switches that is at most a second old; an unreadable one counts as refusal."""

import asyncio

from remit.errors import StoreError
from remit.journal.rows import Switch
from remit.policy.revert import InForce, in_force
from remit.ports import Clock, Store

MAX_AGE_MS = 1_000
REFRESH_S = 0.4  # twice within the second, so that one slow read does not stop the world


class Switchboard:
    """What is switched off, as last read."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._switches: tuple[Switch, ...] = ()
        self._read_ms: int | None = None
        self._reading: asyncio.Event | None = None
        self.changes = 0
        """How often a look found something else than the one before."""

    async def refresh(self) -> bool:
        """Read the switches; True when they changed. A failure leaves the view to grow stale.

        Whoever asks while they are being read waits for that: hundreds of drivers that find the
        view stale at one instant are one question to the store.
        """
        before = self.changes
        if self._reading is not None:
            await self._reading.wait()
            return self.changes != before
        self._reading = asyncio.Event()
        try:
            await self._read()
        finally:
            self._reading.set()
            self._reading = None
        return self.changes != before

    async def reread(self) -> bool:
        """As `refresh`, but never a look that began before: what is written by now is seen."""
        if self._reading is not None:
            await self._reading.wait()
        return await self.refresh()

    async def _read(self) -> None:
        asked_ms = self._clock.now_ms()
        try:
            switches = tuple(await self._store.switches())
        except StoreError:
            return
        if switches != self._switches:
            self.changes += 1
        self._switches, self._read_ms = switches, asked_ms

    @property
    def stale(self) -> bool:
        """The view is too old to act on."""
        return self._read_ms is None or self._clock.now_ms() - self._read_ms > MAX_AGE_MS

    def off(self, tenant: str, agent: str) -> frozenset[str]:
        """What concerns an agent of a tenant; tools as `tool:name`, modes as `mode:name`."""
        now_ms = self._clock.now_ms()
        found = set()
        for switch in self._switches:
            if switch.until_ms is not None and switch.until_ms <= now_ms:
                continue
            target = switch.target.removeprefix(f"tenant:{tenant}/")
            mine = target in ("all", f"agent:{agent}", f"tenant:{tenant}")
            if mine or target.startswith(("tool:", "mode:")):
                found.add(target)
        return frozenset(found)

    async def reverts(self, tenant: str) -> tuple[InForce, ...]:
        """The prompts and models that are reverted for a tenant, by a view fit to act on.

        Raises `StoreError` where the switches cannot be read: what somebody took back must not
        come into use again by a failure.
        """
        if self.stale:
            await self.refresh()
        if self.stale:
            raise StoreError(
                "the switches cannot be read, so nobody knows whether a prompt or a model is "
                "reverted; nothing is started until they can"
            )
        return in_force(self._switches, tenant, self._clock.now_ms())

    def concerning(self, tenant: str) -> tuple[Switch, ...]:
        """What is off now for a tenant, for all of it or for something of it."""
        now_ms = self._clock.now_ms()
        return tuple(
            switch
            for switch in self._switches
            if (switch.until_ms is None or switch.until_ms > now_ms)
            and (
                not switch.target.startswith("tenant:")
                or switch.target == f"tenant:{tenant}"
                or switch.target.startswith(f"tenant:{tenant}/")
            )
        )
