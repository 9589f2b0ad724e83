"""Lanes: at least once, one process at a time, in quiet hours only what would expire."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from remit.adapters.memory.store import MemoryStore
from remit.errors import NotDelivered
from remit.journal.events import ApprovalRequested
from remit.projections.asking import Asked
from remit.runtime.notifying import ATTEMPTS, LEASE_MS, MAX_PAUSE_S, SKEW_MS, Lane
from remit.values.clean import Clean
from remit.values.notice import Notice
from tests.adapters.store.chains import NOW, Chain

pytestmark = pytest.mark.requirement("APR-2")


@dataclass
class Fakes:
    """Clock, dice, notifier and book in one, and what they were told."""

    now: int = 1_000_000_000_000
    told: list[str] = field(default_factory=list)
    failures: list[NotDelivered] = field(default_factory=list)
    given_up: list[tuple[str, int, str]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    pending: bool = True

    def now_ms(self) -> int:
        return self.now

    def entropy(self, count: int) -> bytes:
        return b"\x07" * count

    def jitter(self) -> int:
        return 0

    async def tell(self, notice: Notice, *, deadline_s: float) -> None:
        assert deadline_s > 0
        self.told.append(notice.key)
        if self.failures:
            raise self.failures.pop(0)

    async def close(self) -> None:
        return None

    async def failed(self, channel: str, notice: Notice, attempts: int, error: str) -> None:
        assert channel == "hook"
        self.given_up.append((notice.ref, attempts, error))

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def notices(self, request: Asked) -> Sequence[Notice]:
        if not self.pending:
            return []
        return [
            Notice(
                key=f"key-{request.ref}",
                kind=request.kind,
                tenant=request.tenant,
                run=request.run,
                ref=request.ref,
                agent="a",
                tool="t",
                text="{}",
                user="ann",
            )
        ]


def lane(store: MemoryStore, fakes: Fakes, quiet_ms: int | None = None) -> Lane:
    return Lane(
        name="notify:hook",
        channel="hook",
        notifier=fakes,
        notices=fakes.notices,
        quiet_until=lambda _: quiet_ms,
        store=store,
        clock=fakes,
        dice=fakes,
        book=fakes,
        pause=fakes.pause,
    )


async def a_store(*requests: str) -> MemoryStore:
    """A journal in which a run asked for these approvals."""
    store = MemoryStore()
    await store.open()
    chain = Chain()
    for ref in requests:
        chain.facts = (
            ApprovalRequested(
                approval=ref,
                call="c1-1",
                tool="t",
                digest="0" * 64,
                needed=1,
                rule="r",
                reason=Clean.vouch("why"),
                expires_ms=NOW,
            ),
        )
        await chain.write(store)
    return store


async def test_each_request_is_told_once_and_the_cursor_stands_behind_it() -> None:
    store, fakes = await a_store("a1", "a2"), Fakes()
    one = lane(store, fakes)
    assert await one.turn()
    assert fakes.told == ["key-a1", "key-a2"]
    assert not await one.turn()
    assert not await lane(store, fakes).turn()
    assert fakes.told == ["key-a1", "key-a2"]


async def test_what_waits_no_longer_is_not_told() -> None:
    store, fakes = await a_store("a1"), Fakes(pending=False)
    assert await lane(store, fakes).turn()
    assert fakes.told == []


async def test_a_process_that_dies_between_telling_and_the_cursor_is_followed() -> None:
    """At least once: the next one tells it again, under the same key."""
    store, fakes = await a_store("a1"), Fakes()
    first = lane(store, fakes)
    moved = store.set_cursor

    async def dies(name: str, position: int, *, expect: int | None = None) -> bool:
        if name == "notify:hook":
            raise KeyError("killed")
        return await moved(name, position, expect=expect)

    store.set_cursor = dies  # type: ignore[method-assign]  # the process ends here
    with pytest.raises(KeyError):
        await first.turn()
    store.set_cursor = moved  # type: ignore[method-assign]  # another process
    second = lane(store, fakes)
    assert not await second.turn(), "the lease of the dead one still holds"
    fakes.now += LEASE_MS + SKEW_MS
    assert await second.turn()
    assert fakes.told == ["key-a1", "key-a1"]


async def test_one_process_at_a_time_delivers_and_lets_go() -> None:
    store, fakes = await a_store("a1"), Fakes()
    one, two = lane(store, fakes), lane(store, fakes)
    assert await one.turn()
    assert not await two.turn()
    await one.let_go()
    assert not await two.turn(), "it holds the lease now, and nothing is left"
    assert not await one.turn()
    fakes.now += LEASE_MS + SKEW_MS
    await one.turn()
    await two.let_go()
    assert await store.cursor("notify:hook/lease") != 0, "nobody lets go of another's lease"


async def test_retries_wait_longer_each_time_and_end() -> None:
    store = await a_store("a1")
    fakes = Fakes(failures=[NotDelivered("away", again=True) for _ in range(ATTEMPTS)])
    assert await lane(store, fakes).turn()
    assert fakes.pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert fakes.given_up == [("a1", ATTEMPTS, "away")]
    assert not await lane(store, Fakes()).turn()


async def test_a_receiver_says_when_to_come_again_within_bounds() -> None:
    store = await a_store("a1")
    again = [NotDelivered("slow", again=True, after_s=each) for each in (7.0, 9_999.0)]
    fakes = Fakes(failures=again)
    assert await lane(store, fakes).turn()
    assert fakes.pauses == [7.0, MAX_PAUSE_S]
    assert fakes.given_up == []


async def test_what_another_try_does_not_mend_is_given_up_at_once() -> None:
    store = await a_store("a1", "a2")
    fakes = Fakes(failures=[NotDelivered("no such place", again=False)])
    assert await lane(store, fakes).turn()
    assert fakes.given_up == [("a1", 1, "no such place")]
    assert fakes.told == ["key-a1", "key-a2"]


async def test_in_quiet_hours_only_what_would_expire_is_told_and_once() -> None:
    store, fakes = await a_store("a1", "a2"), Fakes()
    quiet = lane(store, fakes, quiet_ms=NOW - 1)
    assert await quiet.turn()
    assert fakes.told == []
    await quiet.let_go()
    loud = lane(store, fakes)
    assert await loud.turn()
    assert fakes.told == ["key-a1", "key-a2"]
    urgent = Fakes()
    late = lane(await a_store("a1"), urgent, quiet_ms=NOW)
    assert await late.turn()
    assert not await late.turn()
    assert urgent.told == ["key-a1"]
    late.quiet_until = lambda _: None
    assert await late.turn()
    assert urgent.told == ["key-a1"], "who was told at night is not told again in the morning"
