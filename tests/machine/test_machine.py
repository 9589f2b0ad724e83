"""Whatever the model, tools, people, crashes and clock do, the invariants of a run hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from typing_extensions import override

from remit.journal.events import (
    ApprovalGiven,
    CheckCompleted,
    Event,
    ModelFailed,
    ModelRequested,
    RunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolQueued,
    ToolRequested,
)
from remit.machine.agent import Remit
from remit.machine.conversation import with_results
from remit.machine.ending import STOP_GRACE_MS
from remit.machine.inputs import Inspection
from remit.machine.spec import InputCount
from remit.machine.turns import input_bound
from remit.values.account import dated
from remit.values.model import FailureKind, StopReason
from remit.values.usage import Usage
from tests.machine.bench import MONEY, TOKENS, Bench
from tests.machine.hooked import changes, holds, holds_and_changes, lets_go, refuses
from tests.machine.invariants import Invariants
from tests.machine.people import clean
from tests.machine.surroundings import (
    ACCOUNTS,
    CALLS,
    CHANGED,
    COUNTS,
    EXAMPLES,
    FIRST,
    GATED,
    HUMANS,
    LONG,
    REMITS,
    STEPS,
    WORLDS,
    worker,
)
from tests.machine.toolbox import (
    Tree,
)


class Runs(Invariants):
    """One run, to which anything may happen in any order."""

    @initialize(remit=REMITS, typed=st.booleans(), calls=FIRST, count=COUNTS)
    def begin(
        self, remit: Remit, typed: bool, calls: list[tuple[str, str]], count: InputCount
    ) -> None:
        Tree.state = "tree-1"
        self.bench = Bench(worker(remit, typed=typed, count=count), accounts=ACCOUNTS)
        self.typed = typed
        self.bench.start()
        if self.bench.state.counting:
            self.bench.counted()
        if calls:
            self.bench.answer("", *calls)

    # ------------------------------------------------------------ what may happen

    def _calls(self, *statuses: str, child: bool = False) -> list[int]:
        calls = enumerate(self.bench.state.calls, start=1)
        return [n for n, c in calls if c.status in statuses and bool(c.child) is child]

    def _pick(self, data: st.DataObject, *statuses: str, child: bool = False) -> int:
        return data.draw(st.sampled_from(self._calls(*statuses, child=child)))

    @contextmanager
    def _in(self, kind: str) -> Iterator[None]:
        """The world of one decision."""
        plain = self.bench.world
        room = {"poor": input_bound(with_results(self.bench.state)) + 1_500, "broke": 0}
        refused = {} if kind in ("plain", "stale") else dict.fromkeys((MONEY, TOKENS), 10**6)
        if kind == "crowded":
            refused = self._used_up()
        if kind in room:
            refused = dict.fromkeys((MONEY, TOKENS), room[kind])
        self.bench.world = replace(
            plain, refused=refused, last_try=kind == "last", stale_switches=kind == "stale"
        )
        before = len(self.bench.log)
        yield
        if kind == "stale":
            released = ModelRequested | ToolRequested | SubrunRequested
            assert not any(isinstance(event, released) for event in self.bench.log[before:])
        self.bench.world = plain

    def _used_up(self) -> dict[str, int]:
        """The windows of all rates that are open now."""
        state, now_ms = self.bench.state, self.bench.world.now_ms
        rates = [r for tool in state.spec.tools for r in state.spec.rates_of(tool, "acme", "ann")]
        return {dated(rate.account, now_ms, state.calendar): 0 for rate in rates}

    @precondition(lambda self: self.thinks)
    @rule(
        text=st.sampled_from(["", "Well."]),
        calls=st.lists(CALLS, max_size=4),
        stop=st.sampled_from([None] * 9 + ["max_tokens", "refusal", "pause"]),
        used=st.integers(0, 900),
        world=WORLDS,
    )
    def model_answers(
        self, text: str, calls: list[tuple[str, str]], stop: str | None, used: int, world: str
    ) -> None:
        model = self.bench.state.model
        assert model is not None
        usage = Usage(input=min(used, model.input_bound), output=min(used, model.max_output_tokens))
        if self.typed and not calls and used % 2:
            calls = [("final_answer", '{"answer":5}' if used % 3 else '{"answer":"x"}')]
        with self._in(world):
            self.bench.answer(text, *calls, stop=cast("StopReason | None", stop), usage=usage)

    @precondition(lambda self: self.thinks)
    @rule(hook=st.sampled_from([lets_go, lets_go, holds, refuses, changes, holds_and_changes]))
    def hooks_think_otherwise(self, hook: Callable[[Bench, str, Inspection], Inspection]) -> None:
        self.bench.hook = hook

    @precondition(lambda self: self.bench.state.counting)
    @rule(tokens=st.sampled_from([None, 1, 300, 10**6]), world=WORLDS)
    def provider_counts(self, tokens: int | None, world: str) -> None:
        with self._in(world):
            self.bench.counted(tokens)

    @precondition(lambda self: self.thinks and len(self.bench.inputs) % 3 == 0)
    @rule(
        kind=st.sampled_from(["rate_limited", "overloaded", "timeout", "auth", "unknown"]),
        usage=st.sampled_from([None, Usage(input=5, output=5)]),
    )
    def model_fails(self, kind: str, usage: Usage | None) -> None:
        self.bench.model_fails(cast("FailureKind", kind), usage=usage)

    @rule(data=st.data(), happened=st.booleans(), who=st.sampled_from(["ann", "boss"]))
    def something_goes_on(self, data: st.DataObject, happened: bool, who: str) -> None:
        """Whatever the run waits for comes, as it mostly does."""
        state, bench = self.bench.state, self.bench
        steps: list[Callable[[], object]] = []
        for number, call in enumerate(state.calls, start=1):
            steps += {
                "asking": [partial(bench.approve, who, number)],
                "input": [partial(bench.says, "3", number)],
                "doubt": [partial(bench.resolved, happened=happened, number=number)],
                "probing": [partial(bench.probed, "happened" if happened else "absent", number)],
                "released": [partial(bench.child_ends if call.child else bench.done, number)]
                + [partial(bench.cut, number)] * (not happened and not call.child),
            }.get(call.status, [])
        if self.thinks:
            last = [("final_answer", '{"answer":5}')] if self.typed else []
            calls = data.draw(st.lists(st.one_of(GATED, CALLS), max_size=3)) or last
            steps.append(partial(bench.answer, "Well.", *calls))
        if state.counting:
            steps.append(bench.counted)
        if state.checking:
            steps.append(partial(bench.give, CheckCompleted(call=state.checking, passed=happened)))
        if steps:
            data.draw(st.sampled_from(steps))()

    something_else_goes_on = something_goes_on

    @precondition(lambda self: self._calls("released"))
    @rule(
        data=st.data(),
        how=st.sampled_from(["done", "done", "done", "failed", "cut", "asks"]),
        charged=st.sampled_from([None, 0, 700, 3_000_000]),
        world=WORLDS,
    )
    def tool_ends(self, data: st.DataObject, how: str, charged: int | None, world: str) -> None:
        ends: dict[str, Callable[..., object]] = {
            "done": self.bench.done,
            "failed": self.bench.failed,
            "cut": self.bench.cut,
            "asks": self.bench.asks,
        }
        with self._in(world):
            ends[how](self._pick(data, "released"), charged=charged)

    @precondition(lambda self: self._calls("probing"))
    @rule(data=st.data(), verdict=st.sampled_from(["happened", "absent", "unknown"]))
    def probe_ends(self, data: st.DataObject, verdict: str) -> None:
        self.bench.probed(verdict, self._pick(data, "probing"))

    @precondition(lambda self: self._calls("released", child=True))
    @rule(data=st.data(), completed=st.booleans())
    def child_ends(self, data: st.DataObject, completed: bool) -> None:
        number = self._pick(data, "released", child=True)
        self.bench.child_ends(number, completed=completed, active_ms=500)

    @precondition(lambda self: self.bench.state.checking)
    @rule(passed=st.booleans())
    def check_ends(self, passed: bool) -> None:
        self.bench.give(CheckCompleted(call=self.bench.state.checking, passed=passed))

    @precondition(lambda self: self._calls("asking"))
    @rule(
        data=st.data(),
        who=st.sampled_from(["ann", "boss", "ann", "boss", "mallory"]),
        form=st.sampled_from(
            ["right", "right", "wrong", "changed", "invalid", "twice", "moved", "late"]
        ),
    )
    def human_agrees(self, data: st.DataObject, who: str, form: str) -> None:
        number = self._pick(data, "asking")
        call = self.bench.call(number)
        changed = {"changed": CHANGED.get(call.tool), "invalid": '{"amount":[]}'}.get(form)
        digest = "0" * 32 if form == "wrong" else None
        if form == "moved":
            Tree.state = "tree-2" if Tree.state == "tree-1" else "tree-1"
        if form == "late":
            self.bench.pass_ms(self.bench.spec.limits.approval_ms)
        late = self.bench.world.now_ms >= call.expires_ms
        for _ in range(1 + (form == "twice")):
            if any(known.approval == call.approval for known in self.bench.state.calls):
                events = self.bench.approve(
                    who, number, digest=digest, arguments=changed, approval=call.approval
                )
                agreed = any(isinstance(event, ApprovalGiven) for event in events)
                assert not (agreed and (late or who == "mallory" or form in ("wrong", "invalid")))
                self._check_agreed(events)

    def _check_agreed(self, events: list[Event]) -> None:
        """What goes on is the call as its tool sees it now, with all it depends on."""
        for event in events:
            call = self.bench.state.find(event.call) if isinstance(event, ToolQueued) else None
            if call is not None:
                seen = self.bench.inspect(call.call, call.tool, call.arguments)
                assert call.digest == seen.digest

    @precondition(
        lambda self: self._calls("queued", "released", "done") and len(self.bench.inputs) % 4 == 0
    )
    @rule(data=st.data(), who=HUMANS)
    def human_agrees_to_what_nobody_asked(self, data: st.DataObject, who: str) -> None:
        number = self._pick(data, "queued", "released", "done")
        events = self.bench.approve(who, number, approval="run_1:nothing")
        assert events[0].type == "InboxIgnored"

    @precondition(lambda self: self._calls("asking") and len(self.bench.inputs) % 3 == 0)
    @rule(data=st.data(), who=HUMANS)
    def human_refuses(self, data: st.DataObject, who: str) -> None:
        self.bench.deny(who, self._pick(data, "asking"))

    @precondition(lambda self: self._calls("delayed"))
    @rule(data=st.data(), late=st.booleans())
    def human_calls_back(self, data: st.DataObject, late: bool) -> None:
        number = self._pick(data, "delayed")
        call = self.bench.call(number)
        if late:
            self.bench.wake(max(0, call.not_before_ms - self.bench.world.now_ms))
            if self.bench.state.find(call.call) is None:
                return
        events = self.bench.recall("ann", number)
        left = any(event.call == call.call for event in self.bench.all_of(ToolRequested))
        assert not (left and events[0].type == "CallRecalled")

    @precondition(lambda self: self._calls("input"))
    @rule(data=st.data(), late=st.booleans())
    def human_answers(self, data: st.DataObject, late: bool) -> None:
        number = self._pick(data, "input")
        question = self.bench.call(number).question
        self.bench.says("3", number, question=question)
        if late:
            self.bench.says("4", 1, question=question)

    @precondition(lambda self: self._calls("doubt"))
    @rule(data=st.data(), happened=st.booleans())
    def human_resolves(self, data: st.DataObject, happened: bool) -> None:
        self.bench.resolved(happened=happened, number=self._pick(data, "doubt"))

    @precondition(lambda self: len(self.bench.inputs) % 5 == 0)
    @rule(data=st.data())
    def an_outcome_arrives_late(self, data: st.DataObject) -> None:
        out = {(c.call, c.attempt) for c in self.bench.state.calls if c.status == "released"}
        tools = [(e.call, e.attempt) for e in self.bench.all_of(ToolRequested)]
        models = [(e.call, e.attempt) for e in self.bench.all_of(ModelRequested)]
        late: list[ToolCompleted | ModelFailed] = [
            ToolCompleted(call=call, attempt=attempt, text=clean("late"))
            for call, attempt in tools
            if (call, attempt) not in out
        ]
        late += [
            ModelFailed(call=call, attempt=attempt, kind="server") for call, attempt in models[:-1]
        ]
        if late:
            fact = data.draw(st.sampled_from(late))
            events = self.bench.give(fact)
            told = [(e.type, getattr(e, "call", ""), getattr(e, "attempt", 0)) for e in events]
            assert (fact.type, fact.call, fact.attempt) not in told

    @precondition(lambda self: self.bench.state.in_flight and len(self.bench.inputs) % 3 == 1)
    @rule(world=WORLDS)
    def the_driver_is_lost(self, world: str) -> None:
        with self._in(world):
            self.bench.recover()

    @precondition(lambda self: not self.thinks)
    @rule(ms=st.sampled_from([0, 1, 500, 2_000, 30_000]), world=WORLDS)
    def time_passes(self, ms: int, world: str) -> None:
        with self._in(world):
            self.bench.pass_ms(ms)
            self.bench.give(None, "wake")
        self.bench.pass_ms(ms)

    @precondition(lambda self: self.bench.state.waits_for_others or len(self.bench.inputs) > LONG)
    @rule(ms=st.sampled_from([300_000, 3_600_000]))
    def hours_pass(self, ms: int) -> None:
        self.bench.wake(ms)

    @rule(names=st.sets(st.sampled_from(["tool:send_mail", "tool:set_flag", "tool:pay_bill"])))
    def tools_are_switched(self, names: set[str]) -> None:
        self.bench.off(*names)

    @precondition(lambda self: len(self.bench.inputs) > LONG)
    @rule(how=st.sampled_from(["cancel", "agent:worker"]))
    def somebody_stops_it(self, how: str) -> None:
        if how == "cancel":
            self.bench.cancel("enough")
        else:
            self.bench.off(how)
            self.bench.wake()

    # ------------------------------------------------------------ how it ends

    @override
    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        Tree.state = "tree-1"
        self.bench.off()
        self.bench.world = replace(
            self.bench.world, stale_switches=False, refused={}, last_try=False
        )
        for _ in range(200):
            if self.bench.state.phase == "ended" or self._waits_for_ever():
                break
            self.bench.wake(self._next_ms())
        assert self.bench.state.phase == "ended" or self._waits_for_ever()
        self.everything_holds()
        if self.bench.state.phase == "ended":
            self._ended_well()

    def _next_ms(self) -> int:
        ms = self.bench.wakes_in_ms
        assert ms is not None, "a live run that waits for nobody wants to be woken"
        return max(0, ms)

    def _waits_for_ever(self) -> bool:
        return self.bench.state.waits_for_others and self.bench.wakes_in_ms is None

    def _ended_well(self) -> None:
        ended = self.bench.last(RunEnded)
        in_doubt = {c.tool for c in self.bench.state.unfinished if c.unsure}
        assert all(tool in ended.detail for tool in in_doubt)
        if ended.reason == "deadline":
            assert ended.active_ms >= self.bench.spec.limits.timeout_ms
        before = len(self.bench.log)
        self.bench.cancel()
        self.bench.wake(STOP_GRACE_MS)
        assert [event.type for event in self.bench.log[before:]] == ["InboxIgnored"]
        unanswered = [c for c in self.bench.state.calls if c.status == "proposed"]
        assert unanswered == []


TestRuns = pytest.mark.requirement("PERM-3", "TOOL-6", "DUR-6")(Runs.TestCase)
TestRuns.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS)
