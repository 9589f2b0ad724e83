"""The driver of one live run: drain the mailbox, decide, append once, start what was released.

Nobody else appends to the run.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from remit.errors import StoreError
from remit.journal.codec import seal
from remit.journal.events import (
    CheckRequested,
    Event,
    ModelRequested,
    ProbeRequested,
    RunStopping,
    SubrunRequested,
    ToolRequested,
)
from remit.journal.record import GENESIS, SALT_BYTES, Body, Header, Record
from remit.journal.rows import (
    Append,
    Appended,
    Blob,
    Exceeded,
    InboxRow,
    NewRun,
    VaultRow,
)
from remit.journal.transfers import transfers
from remit.machine.agent import Agent
from remit.machine.decide import ENGINE
from remit.machine.inputs import Input, World
from remit.machine.schedule import wake_at_ms
from remit.machine.state import State
from remit.policy.redact import Redactor
from remit.runtime.cleaning import Cleaner
from remit.runtime.decisions import fold_decisions, status_of
from remit.runtime.hub import StreamEvent
from remit.runtime.letters import child_letters, end_letter, read_letter
from remit.runtime.outcome import Outcome
from remit.runtime.perform import Performer
from remit.runtime.services import LEASE_MS, Services
from remit.runtime.toolgate import ToolGate
from remit.values.account import resolve

# Decisions on one input after refused holds; then the budget counts as exhausted.
_REFUSALS = 3
# Inputs folded into one record; more wait for the next, so that no record grows without bound.
_BATCH = 64
_LEASE_MARGIN_MS = 5_000


@dataclass(slots=True, kw_only=True)
class Seat:
    """Where a driver sits: its run, and what it must show to append."""

    tenant: str
    run: str
    epoch: int = 1
    version: int = 0
    last_hash: bytes = GENESIS
    lease_until_ms: int = 0
    new: NewRun | None = None
    blobs: tuple[Blob, ...] = ()


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
        self._start_child = start_child
        self._ring_other = ring
        self._bell = asyncio.Event()
        self._mailbox: deque[Outcome] = deque()
        self._letters = True  # look once at the start
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._broken: BaseException | None = None
        self.fenced = False

        def cleaner() -> Cleaner:
            return Cleaner(redactor, services.vault, seat.tenant, seat.run)

        self._performer = Performer(
            services=services, agent=agent, redactor=redactor, cleaner=cleaner
        )
        self._gate = ToolGate(services=services, agent=agent, cleaner=cleaner, fence=seat.epoch)

    # ------------------------------------------------------------ from outside

    def ring(self) -> None:
        """Something may lie in the inbox, or the switches changed."""
        self._letters = True
        self._bell.set()

    @property
    def has_letters(self) -> bool:
        """A letter arrived that was not looked for yet."""
        return self._letters

    async def drive(self, first: Input) -> None:
        """Drive from `first` on. Returns when the run ended, waits for others, or was lost.

        Raises `StoreError` when the journal fails; what is in flight is cut and in doubt then.
        """
        background = [
            asyncio.create_task(self._watch_mail()),
            asyncio.create_task(self._renew()),
        ]
        self._mailbox.append(Outcome(first))
        try:
            while await self._turn():
                pass
        finally:
            for task in (*background, *self._tasks.values()):
                task.cancel()
            if self._timer is not None:
                self._timer.cancel()
            await asyncio.gather(*background, *self._tasks.values(), return_exceptions=True)

    # ------------------------------------------------------------ the loop

    async def _turn(self) -> bool:
        """One round; False when there is nothing more to drive here."""
        if not (self._mailbox or self._letters or self._is_due()):
            self._arm()
            await self._bell.wait()
        self._bell.clear()
        if self._broken is not None:
            raise self._broken
        outcomes = [self._mailbox.popleft() for _ in range(min(_BATCH, len(self._mailbox)))]
        rows: list[InboxRow] = []
        if self._letters and self.seat.version > 0:
            self._letters = False
            rows = (await self.services.store.inbox(self.seat.tenant, self.seat.run))[:_BATCH]
        inputs = [outcome.input for outcome in outcomes]
        inputs += [await read_letter(row, self.state, self.agent) for row in rows]
        if not inputs:
            inputs = [Input(kind="wake")]
        await self._record(inputs, outcomes, rows)
        if self.fenced or self.state.phase == "ended":
            return False
        idle = self.state.waits_for_others and not self._tasks and not self._mailbox
        return not (idle and not self._letters)

    def _is_due(self) -> bool:
        now_ms = self.services.clock.now_ms()
        stale = self.services.switchboard.stale
        at_ms = wake_at_ms(self.state, now_ms, stale_switches=stale)
        return at_ms is not None and now_ms >= at_ms

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_ms = self.services.clock.now_ms()
        stale = self.services.switchboard.stale
        at_ms = wake_at_ms(self.state, now_ms, stale_switches=stale)
        if at_ms is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, at_ms - now_ms) / 1000, self._bell.set)

    def _world(self, refused: dict[str, int], *, last_try: bool) -> World:
        board = self.services.switchboard
        return World(
            now_ms=self.services.clock.now_ms(),
            jitter=self.services.dice.jitter(),
            off=board.off(self.seat.tenant, self.state.spec.name),
            stale_switches=board.stale,
            refused=refused,
            last_try=last_try,
        )

    async def _record(
        self, inputs: list[Input], outcomes: list[Outcome], rows: list[InboxRow]
    ) -> None:
        """Decide, append once, and start what was released."""
        refused: dict[str, int] = {}
        for refusal in range(_REFUSALS + 1):
            world = self._world(refused, last_try=refusal == _REFUSALS)
            state, body = fold_decisions(self.state, inputs, world)
            if not body.events and not rows:
                return
            record = self._seal(body, world.now_ms)
            answer = await self.services.store.append(
                self._append(record, body, state, outcomes, rows)
            )
            if isinstance(answer, Exceeded):
                refused = self._affords(answer, state)
                continue
            if not isinstance(answer, Appended):
                self.fenced = True
                return
            self._settle_in(record, state, letters=bool(answer.crossed))
            await self._after(body)
            return
        raise StoreError(f"{self.seat.run}: the store refuses holds that were not asked for")

    def _affords(self, answer: Exceeded, state: State) -> dict[str, int]:
        """What the run's accounts still afford, by the names that its events use."""
        rooms = {balance.account: balance.available for balance in answer.balances}
        names = {known.account: resolve(known.account, state.run) for known in state.accounts}
        return {name: rooms[full] for name, full in names.items() if full in rooms}

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
    ) -> Append:
        seat = self.seat
        holds, posts = transfers(seat.run, body.events)
        vault: tuple[VaultRow, ...] = ()
        blobs = seat.blobs if seat.version == 0 else ()
        for outcome in outcomes:
            vault += outcome.vault
            blobs += outcome.blobs
        sends = child_letters(body.events, state) + end_letter(body.events, state)
        return Append(
            record=record,
            status=status_of(state),
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
        self.state = state
        self._letters = self._letters or letters

    async def _after(self, body: Body) -> None:
        seat, hub = self.seat, self.services.hub
        for index, event in enumerate(body.events):
            item = StreamEvent(seat.run, seat.version, index, event)
            hub.publish(seat.tenant, self.state.root, item)
        for letter in child_letters(body.events, self.state) + end_letter(body.events, self.state):
            self._ring_other(seat.tenant, letter.run)
        if any(isinstance(event, RunStopping) for event in body.events):
            for task in self._tasks.values():
                task.cancel()
        for event in body.events:
            await self._start(event)

    # ------------------------------------------------------------ intents

    async def _start(self, event: Event) -> None:
        """Start what was released, if it still stands after the whole decision."""
        state = self.state
        match event:
            case ModelRequested():
                model = state.model
                if model and (model.call, model.attempt) == (event.call, event.attempt):
                    await self._ensure_lease(state.deadline_ms)
                    self._launch(("model", event.call), self._performer.ask_model(state, event))
            case ToolRequested():
                call = state.find(event.call)
                if call and call.status == "released" and call.attempt == event.attempt:
                    await self._ensure_lease(event.until_ms)
                    self._launch(("tool", event.call), self._gate.call(state, call, event))
            case ProbeRequested():
                call = state.find(event.call)
                if call and call.status == "probing":
                    self._launch(("probe", event.call), self._gate.probe(state, call, event))
            case CheckRequested():
                if state.checking:
                    self._launch(("check", event.call), self._performer.check(state, event))
            case SubrunRequested():
                await self._start_child(state, event)
            case _:
                pass

    def _launch(self, key: tuple[str, str], work: Awaitable[Outcome]) -> None:
        async def carry_out() -> None:
            try:
                outcome = await work
            except asyncio.CancelledError:
                raise
            except BaseException as exc:  # noqa: BLE001  # a bug in the shell must not hang the run
                self._broken = exc
            else:
                self._mailbox.append(outcome)
            finally:
                if self._tasks.get(key) is asyncio.current_task():
                    del self._tasks[key]
                self._bell.set()

        self._tasks[key] = asyncio.create_task(carry_out())

    # ------------------------------------------------------------ lease and mail

    async def _ensure_lease(self, until_ms: int) -> None:
        """An effect starts only if the lease outlives it."""
        if self.seat.lease_until_ms <= until_ms:
            await self._prolong(until_ms + _LEASE_MARGIN_MS)

    async def _prolong(self, least_ms: int = 0) -> None:
        until_ms = max(self.services.clock.now_ms() + LEASE_MS, least_ms)
        seat = self.seat
        kept = await self.services.store.renew(
            seat.tenant, seat.run, epoch=seat.epoch, lease_until_ms=until_ms
        )
        if not kept and self.state.phase != "ended":
            self.fenced = True
            for task in self._tasks.values():
                task.cancel()
            return
        seat.lease_until_ms = until_ms

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_MS / 3000)
            left_ms = self.seat.lease_until_ms - self.services.clock.now_ms()
            if self.seat.version > 0 and left_ms < LEASE_MS:
                await self._prolong()

    async def _watch_mail(self) -> None:
        seat = self.seat
        while True:
            came = await self.services.store.waiting(
                seat.tenant, seat.run, timeout_s=LEASE_MS / 3000
            )
            if came:
                self.ring()
                await asyncio.sleep(_MAIL_PAUSE_S)


# Between two looks for letters, while what the first found is being consumed.
_MAIL_PAUSE_S = 0.02
