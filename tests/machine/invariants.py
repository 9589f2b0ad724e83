"""What must hold after every step of a run, whatever happened."""

from collections import Counter

from hypothesis.stateful import RuleBasedStateMachine, invariant

from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    CallRecalled,
    CountRequested,
    InputRequested,
    ModelCompleted,
    ModelRequested,
    OutputEscalated,
    PeersAborted,
    ProbeCompleted,
    ProbeRequested,
    RunEnded,
    RunRecovered,
    RunStopping,
    SubrunEnded,
    SubrunRequested,
    ToolDelayed,
    ToolFailed,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.transfers import booking_id, hold_id, transfers
from remit.machine.state import conflicts, is_out
from remit.values.account import is_rate, undated
from remit.values.message import CallPart
from tests.machine.bench import MONEY, Bench


class Invariants(RuleBasedStateMachine):
    """A run under any rules; the invariants read its journal and its state."""

    bench: Bench

    @property
    def thinks(self) -> bool:
        """A model call is out."""
        model = self.bench.state.model
        return model is not None and model.retry_at_ms is None

    @invariant()
    def the_journal_is_the_state(self) -> None:
        assert self.bench.replayed() == self.bench.state

    @invariant()
    def every_proposed_call_has_one_verdict(self) -> None:
        dropped = {event.call for event in self.bench.all_of(OutputEscalated)}
        proposed = [
            part.call
            for event in self.bench.all_of(ModelCompleted)
            if event.call not in dropped
            for part in event.parts
            if isinstance(part, CallPart)
        ]
        judged = [event.call for event in self.bench.all_of(CallJudged)]
        assert judged == proposed

    @invariant()
    def nothing_goes_without_leave(self) -> None:
        verdicts = {event.call: event for event in self.bench.all_of(CallJudged)}
        asked: dict[str, ApprovalRequested] = {}
        agreed: dict[str, set[str]] = {}
        digests: dict[str, str] = {}
        for event in self.bench.log:
            match event:
                case ApprovalRequested():
                    asked[event.call] = event
                    agreed[event.approval] = set()
                    digests[event.approval] = event.digest
                case ApprovalGiven():
                    if event.digest != digests[event.approval]:
                        assert event.arguments is not None
                        agreed[event.approval] = set()
                    digests[event.approval] = event.digest
                    agreed[event.approval].add(event.principal)
                    assert event.principal != "mallory"
                case ToolRequested() | SubrunRequested():
                    if verdicts[event.call].effect == "ask":
                        request = asked[event.call]
                        assert len(agreed[request.approval]) >= request.needed
                    else:
                        assert verdicts[event.call].effect == "allow"
                case _:
                    pass

    @invariant()
    def no_write_is_repeated_silently(self) -> None:
        released: set[str] = set()
        cleared: set[str] = set()
        writes = {e.call: e.tool for e in self.bench.all_of(CallJudged) if e.access == "write"}
        for event in self.bench.log:
            match event:
                case ToolRequested() if event.call in writes:
                    repeats = writes[event.call] == "set_flag"
                    assert event.call not in released or event.call in cleared or repeats
                    released.add(event.call)
                    cleared.discard(event.call)
                case ToolFailed(kind="denied"):
                    # To call it refused would say that it did not happen.
                    assert event.call not in released or event.call in cleared
                case ToolResolved(happened=False) | ProbeCompleted(verdict="absent"):
                    cleared.add(event.call)
                case InputRequested():
                    # A tool asks before it changes anything; it starts again with the answer.
                    cleared.add(event.call)
                case _:
                    pass

    @invariant()
    def every_attempt_has_its_own_number(self) -> None:
        tried = Counter((e.call, e.attempt) for e in self.bench.all_of(ToolRequested))
        assert max(tried.values(), default=1) == 1

    @invariant()
    def nothing_leaves_before_its_instant_or_after_it_was_called_back(self) -> None:
        until: dict[str, int] = {}
        recalled: set[str] = set()
        for _, _, world, events in self.bench.inputs:
            for event in events:
                match event:
                    case ToolDelayed():
                        assert event.call not in until
                        until[event.call] = event.until_ms
                    case CallRecalled():
                        recalled.add(event.call)
                    case ToolRequested():
                        assert event.call not in recalled
                        assert world.now_ms >= until.get(event.call, 0)
                    case _:
                        pass

    @invariant()
    def what_was_given_up_is_never_made_again(self) -> None:
        given_up: set[str] = set()
        for event in self.bench.log:
            if isinstance(event, PeersAborted):
                assert event.call not in event.peers
                assert not given_up & set(event.peers)
                given_up |= set(event.peers)
            elif isinstance(event, ToolRequested | SubrunRequested):
                assert event.call not in given_up

    @invariant()
    def conflicting_writes_never_overlap(self) -> None:
        out = [call for call in self.bench.state.calls if is_out(call) and not call.child]
        for index, first in enumerate(out):
            assert not any(conflicts(first, second) for second in out[index + 1 :])

    @invariant()
    def limits_hold(self) -> None:
        limits, state = self.bench.spec.limits, self.bench.state
        assert sum(1 for call in state.calls if is_out(call)) <= limits.parallel_calls
        assert state.turns <= limits.turns
        tools, children = self.bench.all_of(ToolRequested), self.bench.all_of(SubrunRequested)
        made = {event.call for event in tools} | {event.call for event in children}
        assert len(made) == state.tool_calls <= limits.tool_calls
        tries = [event.attempt for event in self.bench.all_of(ModelRequested)]
        assert max(tries, default=1) <= limits.model_attempts

    @invariant()
    def nothing_is_released_once_a_run_stops(self) -> None:
        stopped = False
        for event in self.bench.log:
            stopped = stopped or isinstance(event, RunStopping | RunEnded)
            intents = (
                CountRequested | ModelRequested | ToolRequested | SubrunRequested | ProbeRequested
            )
            assert not (stopped and isinstance(event, intents))

    @invariant()
    def nothing_outlives_the_deadline(self) -> None:
        state, now = self.bench.state, self.bench.world.now_ms
        for event in self.bench.all_of(ToolRequested):
            assert event.until_ms <= state.deadline_ms
        last = self.bench.inputs[-1][2].now_ms == now
        if last and state.paused_ms is None and state.phase not in ("stopping", "ended"):
            assert now < state.deadline_ms

    @invariant()
    def the_clock_runs_while_work_is_done(self) -> None:
        state = self.bench.state
        assert (state.paused_ms is not None) == state.waits_for_others or state.phase in (
            "stopping",
            "ended",
        )

    @invariant()
    def holds_and_posts_balance(self) -> None:
        holds, posts = transfers("run_1", self.bench.log)
        opened = Counter((line.hold, line.account) for line in holds)
        closed = Counter((line.hold, line.account) for line in posts)
        assert all(count == 1 or key[0].endswith(":booked") for key, count in opened.items())
        taken_back = {key for key in closed if key[0].endswith(":absent")}
        assert all(closed[key] <= opened[key] for key in closed.keys() - taken_back)
        state = self.bench.state
        open_now = {(call.call, call.attempt) for call in state.calls if call.holds}
        if self.thinks and state.model is not None:
            open_now.add((state.model.call, state.model.attempt))
        still = {key[0] for key in opened if closed[key] < opened[key]}
        booked = {booking_id("run_1", call.call) for call in state.calls if call.booked}
        assert still == {hold_id("run_1", *key) for key in open_now} | booked

    @invariant()
    def a_request_is_counted_before_it_is_made_and_at_most_once(self) -> None:
        recovered: set[tuple[str, str]] = set()
        asked: set[tuple[str, str]] = set()
        for event in self.bench.log:
            match event:
                case CountRequested():
                    key = (event.call, event.model)
                    assert key not in asked or key in recovered
                    asked.add(key)
                    recovered.discard(key)
                case RunRecovered():
                    recovered |= asked
                case ModelRequested() if self.bench.spec.input_count == "always":
                    assert (event.call, event.model) in asked
                case _:
                    pass

    @invariant()
    def only_what_is_out_holds_anything(self) -> None:
        for call in self.bench.state.calls:
            priced = call.spec is not None and call.spec.price_nano > 0
            assert call.status == "released" or not call.holds
            assert call.holds or not (priced and call.status == "released")
            assert call.status == "delayed" or not call.booked

    @invariant()
    def a_call_counts_on_its_rates_once(self) -> None:
        counted = Counter(
            (line.hold.rsplit(":", 1)[0], undated(line.account))
            for line in transfers("run_1", self.bench.log)[1]
            if is_rate(line.account) and line.amount
        )
        assert max(counted.values(), default=1) == 1

    @invariant()
    def the_cost_is_what_was_posted(self) -> None:
        _, posts = transfers("run_1", self.bench.log)
        paid = sum(line.amount for line in posts if line.account == MONEY)
        below = sum(event.cost for event in self.bench.all_of(SubrunEnded))
        assert self.bench.state.cost == paid + below

    @invariant()
    def nothing_is_taken_back_that_was_not_assumed(self) -> None:
        net: Counter[str] = Counter()
        for event in self.bench.log:
            if isinstance(event, ToolUnknown | ProbeCompleted | ToolResolved):
                net[event.call] += event.cost
                assert event.cost >= 0 or net[event.call] == 0
        assert min(net.values(), default=0) >= 0

    @invariant()
    def a_warning_comes_once(self) -> None:
        warned = Counter((account, limit) for account, _, limit in self.bench.state.warned)
        assert max(warned.values(), default=1) == 1

    def everything_holds(self) -> None:
        """All of these, also after what happens outside of the rules."""
        self.the_journal_is_the_state()
        self.every_proposed_call_has_one_verdict()
        self.nothing_goes_without_leave()
        self.no_write_is_repeated_silently()
        self.every_attempt_has_its_own_number()
        self.nothing_leaves_before_its_instant_or_after_it_was_called_back()
        self.what_was_given_up_is_never_made_again()
        self.conflicting_writes_never_overlap()
        self.limits_hold()
        self.nothing_is_released_once_a_run_stops()
        self.nothing_outlives_the_deadline()
        self.the_clock_runs_while_work_is_done()
        self.holds_and_posts_balance()
        self.a_request_is_counted_before_it_is_made_and_at_most_once()
        self.only_what_is_out_holds_anything()
        self.a_call_counts_on_its_rates_once()
        self.the_cost_is_what_was_posted()
        self.nothing_is_taken_back_that_was_not_assumed()
        self.a_warning_comes_once()
