"""The lease: prolonged before it must be, lost once, and never believed when it is over."""

import asyncio
from itertools import count

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreBusy
from remit.runtime import lease as module
from remit.runtime.lease import SKEW_MS, Lease, Seat
from remit.runtime.services import LEASE_MS
from tests.runtime.kit import NOW, RUN, TENANT, HandClock, services_on
from tests.runtime.stage import PATIENCE_S


class Renewals(MemoryStore):
    """A store that answers renewals as a test says, and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bool | Exception] = []
        self.until_ms: list[int] = []

    @override
    async def renew(self, tenant: str, run: str, *, epoch: int, lease_until_ms: int) -> bool:
        self.until_ms.append(lease_until_ms)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


def a_lease(*answers: bool | Exception, until_ms: int = NOW + LEASE_MS) -> "Bench":
    return Bench(list(answers), until_ms)


class Bench:
    def __init__(self, answers: list[bool | Exception], until_ms: int) -> None:
        self.store, self.clock = Renewals(), HandClock()
        self.store.answers = answers
        self.seat = Seat(tenant=TENANT, run=RUN, version=1, lease_until_ms=until_ms)
        self.losses: list[str] = []
        services = services_on(self.store, clock=self.clock)
        self.lease = Lease(services, self.seat, lambda: self.losses.append("lost"))


async def test_an_effect_within_the_lease_needs_no_renewal() -> None:
    bench = a_lease()
    assert await bench.lease.covers(NOW + LEASE_MS - SKEW_MS)
    assert await bench.lease.lives()
    assert bench.store.until_ms == []


@pytest.mark.requirement("DUR-6")
async def test_the_lease_outlives_the_effect_and_the_skew_of_clocks() -> None:
    bench = a_lease()
    assert await bench.lease.covers(NOW + 3_600_000)
    assert bench.store.until_ms == [NOW + 3_600_000 + SKEW_MS]
    assert bench.seat.lease_until_ms == NOW + 3_600_000 + SKEW_MS


async def test_a_renewal_never_shortens() -> None:
    bench = a_lease(until_ms=NOW + 10 * LEASE_MS)
    await bench.lease._prolong(0)
    assert bench.seat.lease_until_ms == NOW + 10 * LEASE_MS


@pytest.mark.requirement("DUR-6")
async def test_nothing_starts_once_another_driver_has_the_run() -> None:
    bench = a_lease(False, until_ms=NOW)
    assert not await bench.lease.lives()
    assert not await bench.lease.covers(NOW)
    assert len(bench.store.until_ms) == 1  # not even asked again
    assert bench.losses == ["lost"]


async def test_a_store_that_fails_is_told_to_who_wants_to_start() -> None:
    bench = a_lease(StoreBusy("locked"), until_ms=NOW)
    with pytest.raises(StoreBusy):
        await bench.lease.lives()
    assert await bench.lease.lives()  # and may be asked again


async def test_keeping_goes_on_when_the_store_stumbles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE_MS", 30)
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    bench = a_lease(True, StoreBusy("locked"), StoreBusy("locked"), True, False, until_ms=NOW)
    monkeypatch.setattr(bench.clock, "now_ms", count(NOW, 20).__next__)
    await asyncio.wait_for(bench.lease.keep(), PATIENCE_S)  # ends when the lease is lost
    assert len(bench.store.until_ms) == 5
    assert bench.losses == ["lost"]


async def test_a_run_that_is_not_durable_yet_is_not_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LEASE_MS", 3)
    bench = a_lease(until_ms=NOW)
    bench.seat.version = 0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bench.lease.keep(), 0.03)
    assert bench.store.until_ms == []
