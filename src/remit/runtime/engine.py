"""The local engine: one driver per live run of this process, and the duties between them."""

import asyncio
from collections import Counter, OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field

from remit.errors import NotAllowed, NotFound, RemitError, SpecError, StoreError
from remit.journal.events import RunRecovered, RunStarted, SubrunRequested
from remit.journal.rows import Blob, NewRun, RunRow
from remit.machine.agent import Agent
from remit.machine.authority import mode_below
from remit.machine.inputs import Input
from remit.machine.plans import plan_below
from remit.machine.reverting import concerning
from remit.machine.spec import AgentSpec, canonical
from remit.machine.state import State, begin
from remit.policy.redact import Redactor
from remit.runtime.driver import Driver
from remit.runtime.lease import Seat
from remit.runtime.own_runs import OwnRuns
from remit.runtime.reader import Reader
from remit.runtime.services import LEASE_MS, Services
from remit.runtime.starting import (
    accounts_of,
    brief_of,
    check_compatible,
    environment_of,
    limit_prefixes,
    prices_of,
    spender_of,
)
from remit.values.message import Message, Origin, TextPart

# Declarations and redactors kept at hand: more than one process has agents and active tenants.
_CACHE = 512
_ENDED = ("completed", "stopped")
Key = tuple[str, str]


@dataclass(slots=True)
class Live:
    """A run that is being driven here."""

    task: asyncio.Task[None]
    root: Key
    driver: Driver | None = None
    again: bool = False
    """Something arrived for it while it was being let go."""


@dataclass(slots=True)
class Engine:
    """Starts, resumes and wakes the drivers of this process."""

    services: Services
    reader: Reader
    live: dict[Key, Live] = field(default_factory=dict)
    mine: OwnRuns = field(default_factory=OwnRuns)
    """Root runs that this process started or resumed and that have not ended."""
    errors: OrderedDict[Key, Exception] = field(default_factory=OrderedDict)
    """Why the last drive of a run ended badly, until somebody is told."""
    _trees: Counter[Key] = field(default_factory=Counter)
    """Runs driven here by their root."""
    _idle: dict[Key, asyncio.Event] = field(default_factory=dict)
    """For those who wait until a tree is not driven here any more."""
    final: OrderedDict[Key, State] = field(default_factory=OrderedDict)
    """States in which drivers of root runs left, for those who wait for them."""
    _redactors: OrderedDict[str, Redactor] = field(default_factory=OrderedDict)
    resting: bool = False
    """This process is about to end: it takes up no run that somebody else can take up."""
    _closing: bool = False

    # ------------------------------------------------------------ starting

    def start(
        self,
        agent: Agent[object],
        spec: AgentSpec,
        seat: Seat,
        started: RunStarted,
        history: tuple[Message, ...] = (),
    ) -> None:
        """Begin a run: its first append makes it durable."""
        content = canonical(spec)
        seat.blobs = (Blob(spec.digest, content), *seat.blobs)
        seat.new = NewRun(
            root=started.root,
            parent=started.parent,
            agent=started.agent,
            spec=started.spec,
            user=started.user,
            session=started.session,
        )
        seat.lease_until_ms = self.services.clock.now_ms() + LEASE_MS
        state = begin(seat.tenant, seat.run, spec, history)
        driver = self._driver(agent, seat, state)
        self._launch(seat, started.root, driver, Input(kind="start", fact=started))

    def _driver(self, agent: Agent[object], seat: Seat, state: State) -> Driver:
        return Driver(
            self.services,
            agent,
            seat,
            state,
            redactor=self.redactor(seat.tenant),
            start_child=self._start_child,
            ring=self.wake,
        )

    def _launch(self, seat: Seat, root: str, driver: Driver, first: Input) -> None:
        key = (seat.tenant, seat.run)
        task = asyncio.create_task(self._drive(key, driver, first))
        self._enter(key, Live(task, (seat.tenant, root), driver))

    def _enter(self, key: Key, live: Live) -> None:
        self.live[key] = live
        self._trees[live.root] += 1

    def _leave(self, key: Key) -> None:
        live = self.live.pop(key)
        self.services.hub.let_go(*live.root, key[1])
        if live.again and not self._closing:
            self.wake(*key)
        self._trees[live.root] -= 1
        if not self._trees[live.root]:
            del self._trees[live.root]
            idle = self._idle.pop(live.root, None)
            if idle is not None:
                idle.set()

    async def _drive(self, key: Key, driver: Driver, first: Input) -> None:
        try:
            await driver.drive(first)
            self.errors.pop(key, None)
            if driver.state.phase == "ended":
                self.mine.discard(key)
            if driver.state.parent is None:
                self._remember(key, driver)
        except Exception as exc:  # noqa: BLE001  # whoever waits for the run is told
            self._broke(key, exc)
        finally:
            try:
                await self._let_go(key, driver)
            except Exception as exc:  # noqa: BLE001  # whoever waits for the run is told
                self._broke(key, exc)
            finally:
                live = self.live.get(key)
                if live is not None and driver.has_letters and driver.state.phase != "ended":
                    live.again = key not in self.errors
                self._leave(key)

    async def _let_go(self, key: Key, driver: Driver) -> None:
        """Give the lease up, so that the next driver need not wait for its end.

        Not while something cut may still go on: the lease keeps others away to its end then.
        """
        if driver.fenced or driver.seat.version == 0 or driver.state.phase == "ended":
            return  # nothing to give up: an ended run has no driver
        if driver.under_way or self.services.cut_threads.busy(*key):
            return
        with suppress(StoreError):  # then it runs out by itself
            await self.services.store.release(*key, epoch=driver.seat.epoch)

    def _broke(self, key: Key, error: Exception) -> None:
        self.errors[key] = error
        self.errors.move_to_end(key)
        while len(self.errors) > _CACHE:
            self.errors.popitem(last=False)

    def _remember(self, key: Key, driver: Driver) -> None:
        self.final[key] = driver.state
        self.final.move_to_end(key)
        while len(self.final) > _CACHE:
            self.final.popitem(last=False)

    # ------------------------------------------------------------ sub-runs

    async def _start_child(self, parent: State, event: SubrunRequested) -> None:
        """Start the sub-run of a call, unless it exists already. It is durable then."""
        services = self.services
        key = (parent.tenant, event.child)
        live = self.live.get(key)
        if live is not None and await _is_durable(live):
            return
        if await services.store.run(*key) is not None:
            self.wake(*key)
            return
        spec = parent.spec.agent(event.agent)
        agent = services.agents.get(event.agent)
        if spec is None or agent is None:
            raise SpecError(f"{parent.run}: the agent {event.agent!r} is not registered here")
        now_ms = services.clock.now_ms()
        # The parent keeps time back to say what became of it.
        until_ms = parent.soft_ms if now_ms < parent.soft_ms else parent.deadline_ms
        left_ms = max(1, until_ms - now_ms)
        origin = Origin(kind="agent", name=parent.spec.name)
        spender = spender_of(parent, spec.name)
        set_limits = await services.store.limits(parent.tenant, limit_prefixes(spender))
        started = RunStarted(
            agent=spec.name,
            spec=spec.digest,
            user=parent.user,
            session=parent.session,
            input=(TextPart(text=event.brief, origin=origin),),
            parent=parent.run,
            parent_call=event.call,
            root=parent.root,
            depth=parent.depth + 1,
            deadline_ms=now_ms + min(left_ms, spec.limits.timeout_ms),
            environment=environment_of(services),
            roles=parent.roles,
            mode=mode_below(parent, spec),
            prices=prices_of(services, spec),
            accounts=accounts_of(
                spec, spender, budgets=services.budgets, set_limits=set_limits, parent=parent
            ),
            labels=parent.labels,
            calendar=parent.calendar,
            plan=plan_below(parent),
            reverts=concerning(parent.reverts, spec),
        )
        self.start(agent, spec, Seat(tenant=parent.tenant, run=event.child), started)
        await self.begun(*key)

    # ------------------------------------------------------------ resuming

    def wake(self, tenant: str, run: str) -> None:
        """Something may be there for a run: ring its driver, or start one."""
        key = (tenant, run)
        live = self.live.get(key)
        if live is None:
            if not self._closing:
                task = asyncio.create_task(self._resume(key))
                self._enter(key, Live(task, (tenant, run.partition(".")[0])))
        elif live.driver is None or live.driver.fenced:
            live.again = True
        else:
            live.again = live.driver.state.phase != "ended" and live.task.done()
            live.driver.ring()

    def ring(self, tenant: str, run: str) -> None:
        """As `wake`, where the run is driven here; nobody starts to drive it for this."""
        if (tenant, run) in self.live:
            self.wake(tenant, run)

    async def _resume(self, key: Key) -> None:
        try:
            driver, first = await self._take(key)
        except Exception as exc:  # noqa: BLE001  # whoever waits for the run is told
            self._broke(key, exc)
            self._leave(key)
            return
        if driver is None or first is None:
            self._leave(key)
            return
        self.live[key].driver = driver
        self.live[key].again = False
        await self._drive(key, driver, first)

    async def _take(self, key: Key) -> tuple[Driver | None, Input | None]:
        services = self.services
        row = await services.store.run(*key)
        if row is None:
            raise NotFound(f"there is no run {key[1]} of tenant {key[0]}")
        if row.status in _ENDED:
            return None, None
        agent = services.agents.get(row.agent)
        if agent is None:
            raise SpecError(f"{row.run}: the agent {row.agent!r} is not registered here")
        now_ms = services.clock.now_ms()
        claimed = await services.store.claim(
            *key, owner=services.owner, now_ms=now_ms, lease_ms=LEASE_MS
        )
        if claimed is None:
            return None, None
        try:
            state, seat = await self._load(claimed.row)
            check_compatible(state.spec, agent)
        except RemitError:
            await services.store.release(*key, epoch=claimed.row.epoch)
            raise
        seat.lease_until_ms = now_ms + LEASE_MS
        if state.may_be_in_doubt or claimed.previous_owner is not None:
            first = Input(kind="recover", fact=RunRecovered(epoch=seat.epoch))
        else:
            first = Input(kind="wake")
        driver = self._driver(agent, seat, state)
        for call in state.calls:
            if call.child and call.status == "released":
                await self._revive_child(state, call.call, call.child)
        return driver, first

    async def _revive_child(self, state: State, call: str, child: str) -> None:
        row = await self.services.store.run(state.tenant, child)
        known = state.find(call)
        if row is None and state.phase == "stopping":
            return  # it never began, and shall not
        if row is None and known is not None and known.spec is not None:
            agent = known.spec.agent
            brief = brief_of(known.arguments)
            event = SubrunRequested(call=call, agent=agent, child=child, brief=brief)
            await self._start_child(state, event)
        elif row is not None and row.status == "running":
            self.wake(state.tenant, child)

    async def _load(self, row: RunRow) -> tuple[State, Seat]:
        past = await self.reader.past(row)
        seat = Seat(
            tenant=row.tenant,
            run=row.run,
            epoch=row.epoch,
            version=past.version,
            last_hash=past.last_hash,
            lease_until_ms=row.lease_until_ms,
            row_lags=row.status == "running" and past.state.waits_for_others,
        )
        return past.state, seat

    def redactor(self, tenant: str) -> Redactor:
        """The redactor of a tenant, whose placeholders are the tenant's own."""
        rules = self.services.secret_rules()
        known = self._redactors.get(tenant)
        if known is None or known.rules is not rules:
            vault = self.services.vault

            def placeholder(kind: str, secret: str) -> str:
                return vault.placeholder(tenant, kind, secret)

            known = Redactor(placeholder, rules)
            self._redactors[tenant] = known
            while len(self._redactors) > _CACHE:
                self._redactors.popitem(last=False)
        return known

    # ------------------------------------------------------------ waiting and closing

    async def begun(self, tenant: str, run: str) -> None:
        """Return once a run that was started here is durable. Raises what hindered it."""
        key = (tenant, run)
        live = self.live.get(key)
        if live is not None and live.driver is not None:
            await live.driver.begun.wait()
            if live.driver.seat.version > 0:
                return
            await asyncio.wait([live.task])
        error = self.errors.pop(key, None)
        if error is not None:
            raise error
        if await self.services.store.run(*key) is None:
            raise NotAllowed(f"{run} was not started: this app is being closed")

    async def settled(self, tenant: str, root: str) -> None:
        """Return once no run of this tree is driven here. Raises what broke a driver."""
        key = (tenant, root)
        while self._trees[key]:
            await self._idle.setdefault(key, asyncio.Event()).wait()
        for known in [k for k in self.errors if k[0] == tenant and k[1].partition(".")[0] == root]:
            raise self.errors.pop(known)

    def drives(self, tenant: str, root: str) -> bool:
        """Some run of this tree is driven here."""
        return self._trees[tenant, root] > 0

    def ring_all(self) -> None:
        """Let every driver look again: the switches changed."""
        for live in self.live.values():
            if live.driver is not None:
                live.driver.ring()

    async def close(self) -> None:
        """Let go of all runs; what is in flight is cut and recovered by the next driver."""
        self._closing = True
        tasks = [live.task for live in self.live.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.services.threads.shutdown(wait=False, cancel_futures=True)


async def _is_durable(live: Live) -> bool:
    """The run that is driven here has a row, once its first append is answered."""
    if live.driver is None:
        return True
    await live.driver.begun.wait()
    if live.driver.seat.version == 0:
        await asyncio.wait([live.task])
    return live.driver.seat.version > 0
