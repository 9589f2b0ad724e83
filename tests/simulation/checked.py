"""The shared store of all simulated processes; it checks the invariants after every append."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping

from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import StoreCorrupt
from remit.journal.codec import decompress, open_record
from remit.journal.events import (
    BudgetRefused,
    Event,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    RunEnded,
    RunStarted,
    ToolCompleted,
    ToolDegraded,
    ToolFailed,
    ToolPostponed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.record import GENESIS, Body, check_link, check_mac
from remit.journal.rows import Answer, Append, Appended, RunRow
from remit.journal.transfers import booking_id, hold_id
from remit.machine.call import Call
from remit.machine.conversation import history_of
from remit.machine.evolve import evolve
from remit.machine.lexemes import compact
from remit.machine.spec import AgentSpec
from remit.machine.state import CallState, State, begin
from remit.machine.tools import call_digest
from remit.values.account import account, is_rate, keeper, resolve
from remit.values.ids import parent_of, root_of
from remit.values.message import Message
from tests.simulation.agents import ACCESS, POLICY, PRICE, REPORTS, authority_of
from tests.simulation.rated import Counted, check_rates
from tests.simulation.world import SECRET, Effect, Node, Violation, World, ensure, same

MACS = {"sim": b"m" * 32}
_TOKEN = re.compile(rb"tok\d{6}x")
# Everything of a record that does not grow with what was said in it.
_FRAME_BYTES = 6_000
RunKey = tuple[str, str]


class CheckedStore(MemoryStore):
    """A `MemoryStore` that folds every run beside the drivers and compares."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.states: dict[RunKey, State] = {}
        self.events: dict[RunKey, list[tuple[int, int, Event]]] = defaultdict(list)
        self._heads_of: dict[RunKey, bytes] = {}
        self._seen: dict[RunKey, set[bytes]] = defaultdict(set)
        self._posted: dict[RunKey, int] = defaultdict(int)
        self._reserved: dict[tuple[str, str, str], int] = {}
        """(tenant, hold, account) -> amount, from events alone."""
        self._above: dict[RunKey, int] = defaultdict(int)
        """(tenant, account) -> what tools reported above their prices, and what providers counted
        too little: that may overdraw."""
        self._counted: Counted = set()
        """Calls that count on their rates."""
        self._paid: dict[tuple[str, str, str], int] = defaultdict(int)
        """(tenant, run, call) -> what the journal says that a tool call cost."""

    # ------------------------------------------------------------ appends

    @override
    async def append(self, append: Append) -> Answer:
        header = append.record.header
        key = (header.tenant, header.run)
        before = self._runs.get(key)
        answer = await super().append(append)
        after = self._runs.get(key)
        if isinstance(answer, Appended) and after is not before:
            self._check(append, before)
        return answer

    def _check(self, append: Append, before: RunRow | None) -> None:
        record, header = append.record, append.record.header
        key = (header.tenant, header.run)
        epoch, version = (1, 0) if before is None else (before.epoch, before.version)
        ensure(header.epoch == epoch, f"{key}: written in epoch {header.epoch}, not {epoch}")
        ensure(header.version == version + 1, f"{key}: version {header.version} after {version}")
        plain = decompress(record.payload)
        check_link(record, self._heads_of.get(key, GENESIS), plain)
        check_mac(record, MACS)
        self._heads_of[key] = record.hash
        body = open_record(record)
        ensure(body is not None, f"{key}: a record without a body")
        if body is not None:
            self._follow(key, body, header.version)
            self._check_money(key, body)
            self._check_size(key, plain, body)
            state = self.states[key]
            ended = state.phase == "ended"
            ensure(ended == (append.status in ("completed", "stopped")), f"{key}: wrong status")
            ensure(not (ended and self._holds_of(key)), f"{key}: ended with open holds")
        ensure(SECRET.encode() not in plain, f"{key}: a secret in clear")

    def _follow(self, key: RunKey, body: Body, version: int) -> None:
        events = iter(enumerate(body.events))
        for cause in body.causes:
            for _ in range(cause.count):
                index, event = next(events)
                if isinstance(event, RunStarted):
                    self._start(key, event)
                try:
                    self.states[key] = evolve(self.states[key], event, cause.now_ms)
                except StoreCorrupt as exc:
                    raise Violation(f"the journal cannot be folded: {exc}") from exc
                self.events[key].append((version, index, event))
        ensure(next(events, None) is None, f"{key}: events that no cause counts")

    def _start(self, key: RunKey, event: RunStarted) -> None:
        tenant, run = key
        spec = AgentSpec.model_validate_json(self._blobs[tenant, event.spec])
        history: tuple[Message, ...] = ()
        if event.continues is not None:
            earlier = self.states[tenant, event.continues]
            ensure(earlier.session == event.session, f"{key}: continues another session")
            ensure(earlier.phase == "ended", f"{key}: continues a run that has not ended")
            history = history_of(earlier)
        ensure(event.root == root_of(run), f"{key}: another root")
        self.states[key] = begin(tenant, run, spec, history)

    # ------------------------------------------------------------ money

    def _drawn_on(self, key: RunKey) -> set[str]:
        """The accounts that a model call of the run must be held on."""
        tenant, run = key
        own: str | None = run
        found = set()
        while own is not None:
            limits = self.states[tenant, own].spec.limits
            found.add(account("run", own, "nano"))
            if limits.tokens is not None:
                found.add(account("run", own, "tokens"))
            session = self.states[tenant, own].session
            if limits.session_cost_nano is not None:
                found.add(account("session", session, "nano"))
            if limits.session_tokens is not None:
                found.add(account("session", session, "tokens"))
            above = parent_of(own)
            own = None if above is None else above[0]
        return found

    def _check_money(self, key: RunKey, body: Body) -> None:
        tenant, _ = key
        touched: set[str] = set()
        for event in body.events:
            match event:
                case ModelRequested() | ToolRequested():
                    touched |= self._reserve(key, event)
                case ToolPostponed() | ToolQueued():
                    touched |= self._book(key, event)
                case ModelCompleted() | ModelFailed():
                    touched |= self._settle(key, event)
                case ToolCompleted() | ToolFailed() | ToolUnknown() | InputRequested():
                    self._paid[(*key, event.call)] += event.cost
                    if event.posts:
                        touched |= self._settle(key, event)
                case ProbeCompleted() | ToolResolved():
                    touched |= self._take_back(key, event)
                case ToolDegraded() | BudgetRefused():
                    what = "degraded" if isinstance(event, ToolDegraded) else "refused tools"
                    self._world.counts[what] += "-" in event.call
                case _:
                    pass
        for name in touched:
            self._check_account(key, tenant, name)
        state = self.states[key]
        limit = state.spec.limits.cost_nano + self._above[tenant, account("run", key[1], "nano")]
        ensure(state.cost <= limit, f"{key}: spent {state.cost} of {limit}")

    def _reserve(self, key: RunKey, event: ModelRequested | ToolRequested) -> set[str]:
        tenant, run = key
        names = {resolve(hold.account, run) for hold in event.holds if not is_rate(hold.account)}
        due = self._drawn_on(key)
        if isinstance(event, ToolRequested):
            known = self.states[key].find(event.call)
            price = 0 if known is None else PRICE[known.tool]
            due = {name for name in due if name.endswith("|nano")} if price else set()
            amounts = {hold.amount for hold in event.holds if not is_rate(hold.account)}
            check_rates(self._counted, self.states[key], event, known)
            ensure(amounts <= {price}, f"{key}: a call of {price} holds {amounts}")
        ensure(names == due, f"{key}: held on {sorted(names)}, not {sorted(due)}")
        mark = hold_id(run, event.call, event.attempt)
        for hold in event.holds:
            self._reserved[tenant, mark, resolve(hold.account, run)] = hold.amount
        return {resolve(hold.account, run) for hold in event.holds}

    def _book(self, key: RunKey, event: ToolPostponed | ToolQueued) -> set[str]:
        mark = booking_id(key[1], event.call)
        if isinstance(event, ToolPostponed):
            self._reserved |= {(key[0], mark, each.account): each.amount for each in event.holds}
            self._world.counts["postponed"] += 1
            return {hold.account for hold in event.holds}
        for post in event.posts:
            ensure(post.amount == 0, f"{key}: {event.call} counts before it leaves")
            self._reserved.pop((key[0], mark, post.account))
        return {post.account for post in event.posts}

    def _settle(
        self,
        key: RunKey,
        event: ModelCompleted
        | ModelFailed
        | ToolCompleted
        | ToolFailed
        | ToolUnknown
        | InputRequested,
    ) -> set[str]:
        tenant, run = key
        mark = hold_id(run, event.call, event.attempt)
        tells = not isinstance(event, ModelCompleted | ModelFailed)
        counts = self.states[key].spec.input_count != "bound"
        trusted = tells or (isinstance(event, ModelCompleted) and event.over_hold and counts)
        for post in event.posts:
            name = resolve(post.account, run)
            above = post.amount - self._reserved.pop((tenant, mark, name))
            ensure(above <= 0 or trusted, f"{key}: posted {above} more than was held")
            self._posted[tenant, name] += post.amount
            self._above[tenant, name] += max(0, above)
            self._world.counts["above the hold"] += above > 0
        if tells:
            money = [post for post in event.posts if not is_rate(post.account)]
            ensure(all(post.amount == event.cost for post in money), f"{key}: wrong posts")
            self._world.counts["paid tools"] += bool(money)
            if any(not post.amount for post in event.posts if is_rate(post.account)):
                self._counted -= {mark for mark in self._counted if mark[:3] == (*key, event.call)}
        return {resolve(post.account, run) for post in event.posts}

    def _take_back(self, key: RunKey, event: ProbeCompleted | ToolResolved) -> set[str]:
        tenant, run = key
        for post in event.posts:
            self._posted[tenant, resolve(post.account, run)] += post.amount
            self._world.counts["taken back"] += 1
        self._paid[(*key, event.call)] += event.cost
        ensure(self._paid[(*key, event.call)] >= 0, f"{key}: {event.call} costs less than nothing")
        return {resolve(post.account, run) for post in event.posts}

    def _check_account(self, key: RunKey, tenant: str, name: str) -> None:
        now = self._accounts._standings[keeper(tenant, name)][name]
        held = sum(
            amount for (t, _, a), amount in self._reserved.items() if (t, a) == (tenant, name)
        )
        most = now.limit + self._above[tenant, name]
        ensure(now.posted + now.held <= most, f"{key}: {name} is overdrawn: {now}")
        ensure(now.held == held, f"{key}: {name} holds {now.held}, the journal says {held}")
        posted = self._posted[tenant, name]
        ensure(now.posted == posted, f"{key}: {name} has {now.posted}, not {posted}")

    def _holds_of(self, key: RunKey) -> list[str]:
        return [hold for tenant, hold, _ in self._reserved if (tenant, hold.split(":")[0]) == key]

    # ------------------------------------------------------------ storage

    def _check_size(self, key: RunKey, plain: bytes, body: Body) -> None:
        found = set(_TOKEN.findall(plain))
        again = found & self._seen[key]
        last = any(isinstance(event, RunEnded) for event in body.events)
        ensure(last or not again, f"{key}: {sorted(again)} stored once more")
        self._seen[key] |= found

    # ------------------------------------------------------------ tools

    def epoch_of(self, tenant: str, run: str) -> int:
        """The epoch of a run."""
        return self._runs[tenant, run].epoch

    def check_entry(
        self, node: Node, call: Call, tool: str, arguments: Mapping[str, object]
    ) -> None:
        """A tool begins here: what allows it must stand in the journal."""
        key = (call.tenant, call.run)
        state = self.states.get(key)
        known = None if state is None else state.find(call.call)
        where = f"{key} {call.call} {tool} attempt {call.attempt}"
        if state is None or known is None:
            raise Violation(f"{where}: begins without an intent in the journal")
        ensure(self.epoch_of(*key) == call.fence, f"{where}: begun by a fenced driver")
        ensure(known.status == "released", f"{where}: begins while its call is {known.status}")
        ensure(known.attempt == call.attempt, f"{where}: attempt {known.attempt} was released")
        ensure(known.tool == tool, f"{where}: {known.tool} was released")
        ensure(node.now_ms() < call.until_ms, f"{where}: begins after its time")
        ensure(node.now_ms() >= known.not_before_ms, f"{where}: begins before its instant")
        ensure(same(arguments, known.arguments), f"{where}: other arguments than {known.arguments}")
        ensure((state.user, state.session) == (call.user, call.session), f"{where}: wrong user")
        self._check_authority(where, state, known)
        self._check_overlap(where, node, state, known)
        if ACCESS[tool] == "write":
            self._check_repeat(where, call, tool, known)

    def _check_authority(self, where: str, state: State, known: CallState) -> None:
        needed = authority_of(state.spec.name).needed(known.tool, json.loads(known.arguments))
        if needed is None:
            raise Violation(f"{where}: nobody may ever do this")
        key = f"{state.tenant}/{state.run}:{known.call}"
        contract = "" if known.spec is None else known.spec.contract
        depends = self._world.tree if known.tool == "wire" else ""
        digest = call_digest(contract, compact(known.arguments), depends)
        people = {
            given.principal
            for given in self._world.agreed[key]
            if same(given.arguments, known.arguments) and given.digest in (None, digest)
        }
        ensure(len(people) >= needed, f"{where}: {sorted(people)} agreed, {needed} must")

    def _check_overlap(self, where: str, node: Node, state: State, known: CallState) -> None:
        """Nothing that this driver has under way may conflict with what begins (TOOL-6)."""
        if known.spec is None or known.spec.access == "read":
            return
        for other in state.calls:
            idle = other.call == known.call or other.status != "released" or other.child
            if idle or other.spec is None or other.spec.access == "read":
                continue
            key = f"{state.run}:{other.call}"
            if node not in self._world.under_way[key]:
                continue
            mine, others = set(known.resources), set(other.resources)
            ensure(mine and others and not mine & others, f"{where}: overlaps {other.call}")

    def _check_repeat(self, where: str, call: Call, tool: str, known: CallState) -> None:
        """A write that may have happened begins again only as its tool says."""
        if POLICY[tool] == "repeat":
            return
        done = [effect for effect in self._world.by_key[call.idempotency_key] if not effect.late]
        ensure(not done, f"{where}: begins although it has happened: silent repeat")

    def check_effects(self, done: Effect) -> None:
        """No write happens twice unless its tool says that twice is once."""
        if done.late or POLICY[done.tool] == "repeat":
            return
        times = [effect for effect in self._world.by_key[done.key] if not effect.late]
        ensure(len(times) == 1, f"{done.key} {done.tool}: happened {len(times)} times")

    # ------------------------------------------------------------ at the end

    def check_end(self) -> None:
        """Every run has ended, nothing is held, every effect is accounted for."""
        for key, state in self.states.items():
            ensure(state.phase == "ended", f"{key}: is {state.phase} for ever: {_why(state)}")
            ensure(not self._holds_of(key), f"{key}: open holds")
        ensure(not self._reserved, f"open holds: {self._reserved}")
        for tenant, accounts in self._accounts._standings.items():
            held = {name: now.held for name, now in accounts.items() if now.held}
            ensure(not held, f"{tenant}: still held: {held}")
            ensure(
                not self._accounts._holds[tenant],
                f"{tenant}: holds left: {self._accounts._holds[tenant]}",
            )
        self._check_outcomes()

    def _check_outcomes(self) -> None:
        told: dict[str, set[str]] = defaultdict(set)
        for (_, run), events in self.events.items():
            for _, _, event in events:
                if event.type in ("ToolCompleted", "ToolFailed", "ToolUnknown", "ToolResolved"):
                    word: str = event.type
                    if getattr(event, "recorded_only", False):
                        word = "recorded"
                    told[f"{run}:{getattr(event, 'call', '')}"].add(word)
        self._check_payments(told)
        for effect in self._world.effects:
            words = told[effect.key]
            sure = words & {"ToolCompleted", "ToolUnknown"}
            ensure(sure, f"{effect.key} {effect.tool}: happened, the journal says {sorted(words)}")
            ensure("recorded" not in words, f"{effect.key}: happened in phase shadow")

    def _check_payments(self, told: Mapping[str, set[str]]) -> None:
        """What happened at a fixed price was paid, as often as it happened."""
        paid = {f"{run}:{call}": cost for (_, run, call), cost in self._paid.items()}
        for key, effects in self._world.by_key.items():
            if not effects:
                continue
            timely = [effect for effect in effects if not effect.late]
            fixed = not REPORTS[effects[0].tool]
            # A person may have said by mistake that it did not happen.
            if fixed and "ToolResolved" not in told[key]:
                due = PRICE[effects[0].tool] * len(timely)
                ensure(paid.get(key, 0) >= due, f"{key}: {paid.get(key, 0)} paid of {due}")


def _why(state: State) -> str:
    calls = [(call.call, call.tool, call.status) for call in state.unfinished]
    return json.dumps({"model": str(state.model), "calls": calls, "stopping": state.stopping})
