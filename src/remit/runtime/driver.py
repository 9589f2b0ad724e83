"""The driver of one live run: drain the mailbox, decide, append once, start what was released.

Nobody else appends to the run.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ParamSpec
from weakref import WeakMethod

from remit.errors import StoreError
from remit.journal.codec import seal
from remit.journal.events import PeersAborted, RunStopping, SubrunRequested
from remit.journal.record import SALT_BYTES, Body, Header, Record
from remit.journal.rows import (
    Append,
    Appended,
    Blob,
    Conflict,
    Exceeded,
    Fenced,
    InboxRow,
    Letter,
    NewRun,
    RunStatus,
)
from remit.journal.transfers import transfers
from remit.machine.agent import Agent
from remit.machine.decide import ENGINE
from remit.machine.inputs import Input, World
from remit.machine.schedule import wake_at_ms
from remit.machine.state import State
from remit.policy.redact import Redactor
from remit.runtime.cleaning import Cleaner
from remit.runtime.decisions import fold_decisions, in_order, status_of
from remit.runtime.hub import StreamEvent
from remit.runtime.inspecting import Inspector
from remit.runtime.intents import INTENTS, Intents
from remit.runtime.lease import Lease, Seat
from remit.runtime.letters import child_letters, end_letter, read_letter
from remit.runtime.outcome import Outcome
from remit.runtime.perform import Performer
from remit.runtime.previewing import whole_previews
from remit.runtime.resorts import Resorts
from remit.runtime.services import LEASE_MS, Services
from remit.runtime.shortage import Shortage, look_ahead, shortage_of
from remit.runtime.starting import session_is_active
from remit.runtime.toolgate import ToolGate

P = ParamSpec("P")
# Decisions on one input after refused holds; then the budget counts as exhausted.
_REFUSALS = 3
# Inputs folded into one record; more wait for the next, so that no record grows without bound.
_BATCH = 64
# Between two looks for letters: while what the first found is being consumed, or the store fails.
_MAIL_PAUSE_S = 0.02
_MAIL_RETRY_S = 1.0
# When time calls for a decision and there is none to make, the driver must not spin.
_NOTHING_S = 0.05


class Driver:
    """Drives one run until it ends, waits for others, or is taken over."""

    def __init__(
        self,
        services: Services,
        agent: Agent[object],
        seat: Seat,
        state: State,
        *,
        redactor: Redactor,
        start_child: Callable[[State, SubrunRequested], Awaitable[None]],
        ring: Callable[[str, str], None],
    ) -> None:
        self.services = services
        self.agent = agent
        self.seat = seat
        self.state = state
        self._ring_other = ring
        self._bell = asyncio.Event()
        self._mailbox: deque[Outcome] = deque()
        self._letters = True  # look once at the start
        self._timer: asyncio.TimerHandle | None = None
        self._broken: BaseException | None = None
        self._was_stale = False
        """The last decision had no fresh view of the switches: it released nothing."""
        self.fenced = False
        self.begun = asyncio.Event()
        """The run is durable, or this driver has left it."""
        # Weak, or each driver were a cycle: its run stayed in memory until those are looked for.
        hear: WeakMethod[Callable[[Outcome | BaseException], None]] = WeakMethod(self._hear)
        lose: WeakMethod[Callable[[], None]] = WeakMethod(self._lose)
        self.lease = Lease(services, seat, lambda: _call(lose))

        def cleaner() -> Cleaner:
            return Cleaner(redactor, services.vault, seat.tenant, seat.run)

        self._cleaner = cleaner
        self._intents = Intents(
            self.lease,
            Performer(services=services, agent=agent, redactor=redactor, cleaner=cleaner),
            ToolGate(services=services, agent=agent, cleaner=cleaner, fence=seat.epoch),
            Resorts(services=services, agent=agent, cleaner=cleaner),
            start_child=start_child,
            told=lambda told: _call(hear, told),
        )

    # ------------------------------------------------------------ from outside

    def ring(self) -> None:
        """Something may lie in the inbox, or the switches changed."""
        self._letters = True
        self._bell.set()

    @property
    def has_letters(self) -> bool:
        """A letter arrived that was not looked for yet."""
        return self._letters

    @property
    def under_way(self) -> bool:
        """Something that was started has not ended, not even by being cut."""
        return self._intents.under_way

    async def drive(self, first: Input) -> None:
        """Drive from `first` on. Returns when the run ended, waits for others, or was lost.

        Raises `StoreError` when the journal fails; what is in flight is cut and in doubt then.
        """
        background = [
            asyncio.create_task(self._watch_mail()),
            asyncio.create_task(self.lease.keep()),
        ]
        self._mailbox.append(Outcome(first))
        try:
            while await self._turn():
                pass
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self.begun.set()
            await self._intents.leave(background)

    # ------------------------------------------------------------ the loop

    async def _turn(self) -> bool:
        """One round; False when there is nothing more to drive here."""
        if self._is_due():
            self._letters = True  # time alone decides nothing that somebody has spoken on
        if not (self._mailbox or self._letters):
            self._arm()
            await self._bell.wait()
        self._bell.clear()
        if self._broken is not None:
            raise self._broken
        if self.fenced:
            return False
        if self.services.switchboard.stale:
            await self.services.switchboard.refresh()
        outcomes = [self._mailbox.popleft() for _ in range(min(_BATCH, len(self._mailbox)))]
        rows = await self._read_inbox()
        inputs = [outcome.input for outcome in outcomes]
        letters = self._cleaner()
        hooking = self.services.hooking
        inspector = Inspector(agent=self.agent, hooking=hooking, cleaner=letters)
        inputs += [await read_letter(row, self.state, inspector) for row in rows]
        if letters.rows:
            outcomes.append(Outcome(inputs[-1], letters.rows))
        if not inputs:
            inputs = [Input(kind="wake")]
        if not await self._record(in_order(inputs), outcomes, rows) and self._is_due():
            await asyncio.sleep(_NOTHING_S)
        if self.seat.row_lags and not self._goes_on():
            await self._let_wait()
        return self._goes_on()

    async def _read_inbox(self) -> list[InboxRow]:
        """The letters of this round, where any were heard of."""
        if not self._letters or self.seat.version == 0:
            return []
        self._letters = False
        rows = await self.services.store.inbox(self.seat.tenant, self.seat.run)
        self._letters = self._letters or len(rows) > _BATCH
        return rows[:_BATCH]

    def _goes_on(self) -> bool:
        if self.fenced:
            return False
        if self.state.phase == "ended":
            return self._letters  # the last append may have crossed a warning's threshold
        busy = self._intents.under_way or bool(self._mailbox) or self._letters
        return busy or not self.state.waits_for_others

    def _is_due(self) -> bool:
        now_ms = self.services.clock.now_ms()
        stale = self.services.switchboard.stale
        if self._was_stale and not stale:
            return True  # somebody else has read them since
        at_ms = wake_at_ms(self.state, now_ms, stale_switches=stale)
        return at_ms is not None and now_ms >= at_ms

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_ms = self.services.clock.now_ms()
        stale = self._was_stale or self.services.switchboard.stale
        at_ms = wake_at_ms(self.state, now_ms, stale_switches=stale)
        if at_ms is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, at_ms - now_ms) / 1000, self._bell.set)

    def _world(self, short: Shortage, *, last_try: bool) -> World:
        board = self.services.switchboard
        return World(
            now_ms=self.services.clock.now_ms(),
            jitter=self.services.dice.jitter(),
            off=board.off(self.seat.tenant, self.state.spec.name),
            stale_switches=board.stale,
            health=self.services.health.view(self.seat.run, self.state),
            since=self.services.health.since(self.state),
            refused=short.rooms,
            limits=short.limits,
            last_try=last_try,
        )

    async def _record(
        self, inputs: list[Input], outcomes: list[Outcome], rows: list[InboxRow]
    ) -> bool:
        """Decide, append once, and start what was released; False where nothing was decided."""
        short = Shortage()
        for refusal in range(_REFUSALS + 1):
            world = self._world(short, last_try=refusal == _REFUSALS)
            self._was_stale = world.stale_switches
            state, body = fold_decisions(self.state, inputs, world)
            if not body.events and not rows:
                return False
            record = self._seal(body, world.now_ms)
            asked = whole_previews(body.events, inputs)
            append = self._append(record, body, state, outcomes, rows, asked)
            answer = await self.services.store.append(append)
            if isinstance(answer, Exceeded):
                refused = shortage_of(answer, append, self.seat.run)
                short = await look_ahead(self.services.store, self.seat.tenant, refused, short)
                continue
            if not isinstance(answer, Appended):
                self.fenced = True
                _refuse_second_run(answer, self.seat.new)
                return True
            self.services.health.hear(body.events, self.state)
            self.services.last_good.hear(self.agent, self.state, record.header.version, body)
            self._settle_in(record, state, letters=bool(answer.crossed))
            self.seat.row_lags = append.status != status_of(state)
            await self._after(body, append.sends, world.now_ms)
            return True
        raise StoreError(f"{self.seat.run}: the store refuses holds that were not asked for")

    async def _let_wait(self) -> None:
        """Let the run's row say that it waits; the sub-runs it waits for are durable by now."""
        body = Body(causes=(), events=())
        record = self._seal(body, self.services.clock.now_ms())
        answer = await self.services.store.append(self._append(record, body, self.state, [], []))
        if isinstance(answer, Appended):
            self.seat.row_lags = False
            self._settle_in(record, self.state, letters=bool(answer.crossed))
        else:
            self.fenced = True

    def _seal(self, body: Body, now_ms: int) -> Record:
        seat, signer = self.seat, self.services.signer
        header = Header(
            tenant=seat.tenant,
            run=seat.run,
            version=seat.version + 1,
            epoch=seat.epoch,
            time_ms=now_ms,
            engine=ENGINE,
        )
        salt = self.services.dice.entropy(SALT_BYTES)
        return seal(
            header, body, previous=seat.last_hash, salt=salt, key=signer.key, key_id=signer.key_id
        )

    def _append(
        self,
        record: Record,
        body: Body,
        state: State,
        outcomes: list[Outcome],
        rows: list[InboxRow],
        asked: tuple[Blob, ...] = (),
    ) -> Append:
        seat = self.seat
        holds, posts = transfers(seat.run, body.events)
        vault = seat.vault if seat.version == 0 else ()
        blobs = asked + (seat.blobs if seat.version == 0 else ())
        for outcome in outcomes:
            vault += outcome.vault
            blobs += outcome.blobs
        sends = child_letters(body.events, state) + end_letter(body.events, state)
        return Append(
            record=record,
            status=_status(state, body),
            wake_at_ms=wake_at_ms(state, record.header.time_ms),
            holds=tuple(holds),
            posts=tuple(posts),
            consumed=tuple(row.number for row in rows),
            sends=sends,
            vault=vault,
            blobs=blobs,
            new=seat.new if seat.version == 0 else None,
            lease=(self.services.owner, seat.lease_until_ms) if seat.version == 0 else None,
        )

    def _settle_in(self, record: Record, state: State, *, letters: bool) -> None:
        self.seat.version = record.header.version
        self.seat.last_hash = record.hash
        self.seat.blobs = ()  # they are durable: an image is not kept in memory as long as its run
        self.state = state
        self._letters = self._letters or letters
        self.begun.set()

    async def _after(self, body: Body, sent: tuple[Letter, ...], time_ms: int) -> None:
        seat, hub = self.seat, self.services.hub
        for index, event in enumerate(body.events):
            item = StreamEvent(seat.run, seat.version, index, event, time_ms)
            hub.publish(seat.tenant, self.state.root, item)
        for letter in sent:
            self._ring_other(seat.tenant, letter.run)
        if any(isinstance(event, RunStopping) for event in body.events):
            self._intents.cut()
        for event in body.events:
            if isinstance(event, PeersAborted):
                self._intents.cut_calls(event.peers)
            if isinstance(event, INTENTS) and not self.fenced:
                await self._intents.start(event, self.state)

    # ------------------------------------------------------------ lease and mail

    def _lose(self) -> None:
        """Somebody else drives the run, or it has ended: start nothing more."""
        if self.state.phase != "ended":
            self.fenced = True
            self._intents.cut()
            self._bell.set()

    def _hear(self, told: Outcome | BaseException) -> None:
        if isinstance(told, BaseException):
            self._broken = told
        else:
            self._mailbox.append(told)
        self._bell.set()

    async def _watch_mail(self) -> None:
        seat = self.seat
        while True:
            try:
                came = await self.services.store.waiting(
                    seat.tenant, seat.run, timeout_s=LEASE_MS / 3000
                )
            except StoreError:
                await asyncio.sleep(_MAIL_RETRY_S)  # the next append tells, if it lasts
                continue
            if came:
                self.ring()
                await asyncio.sleep(_MAIL_PAUSE_S)


def _call(method: WeakMethod[Callable[P, None]], /, *args: P.args, **named: P.kwargs) -> None:
    """Call a method of something that may be gone; then there is nobody to tell."""
    alive = method()
    if alive is not None:
        alive(*args, **named)


def _status(state: State, body: Body) -> RunStatus:
    """What the row says after a record: a run does not wait for a sub-run that may not exist yet.

    Nobody would look at a waiting run again if its driver was lost before the sub-run was durable.
    """
    status = status_of(state)
    begins = any(isinstance(event, SubrunRequested) for event in body.events)
    return "running" if begins and status == "waiting" else status


def _refuse_second_run(answer: Conflict | Fenced, new: NewRun | None) -> None:
    """Raise `NotAllowed` if the first append failed because the session has an active run."""
    if isinstance(answer, Conflict) and answer.kind == "session" and new is not None:
        raise session_is_active(new.session, answer.run)
