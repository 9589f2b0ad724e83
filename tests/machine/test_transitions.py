"""Every entry of the two tables is used by some run, nothing else happens, and both are drawn."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from remit.journal.events import CheckCompleted, StandInInspected, ToolFailed
from remit.machine.agent import Agent, Remit
from remit.machine.declaring import tool
from remit.machine.transitions import CALL, CALL_EVENTS, RUN, RUN_EVENTS, diagram
from remit.policy.hours import Hours
from remit.policy.permission import Rule
from tests.machine.bench import MONEY, Bench, make_agent
from tests.machine.hooked import changes
from tests.machine.people import clean
from tests.machine.toolbox import (
    Tree,
    check_stock,
    commit_tree,
    look_up,
    pay_bill,
    send_mail,
    set_flag,
    writer,
)

FREE = Remit(approvals={send_mail: 0, set_flag: 0, pay_bill: 1, commit_tree: 1})
MAIL = ("send_mail", '{"to":"x"}')
FLAG = ("set_flag", '{"name":"x"}')
LOOK = ("look_up", '{"path":"x"}')
PAY = ("pay_bill", '{"amount":"1"}')
ASK = ("ask_writer", '{"brief":"x"}')
COMMIT = ("commit_tree", '{"name":"x"}')


def worker() -> Agent[object]:
    tools = (look_up, send_mail, set_flag, pay_bill, commit_tree)
    return make_agent(*tools, remit=FREE, agents=(writer,))


def begun(*calls: tuple[str, str], agent: Agent[object] | None = None) -> Bench:
    bench = Bench(agent or worker())
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def reads() -> Bench:
    bench = begun(LOOK, LOOK, ("unheard_of", "{}"), ASK)
    bench.asks(1)
    bench.says("3", 1)
    bench.recover()
    bench.done(1)
    bench.failed(2)
    bench.child_ends(4)
    bench.recover()
    bench.model_fails("rate_limited")
    bench.wake(10_000)
    bench.answer("Done.")
    return bench


def writes_in_doubt() -> Bench:
    bench = begun(MAIL, FLAG)
    bench.cut(1)
    bench.resolved(happened=False)
    bench.cut(1)
    bench.resolved(happened=True)
    bench.off("tool:set_flag")
    bench.cut(2)
    bench.cancel()
    return bench


def probes() -> Bench:
    bench = begun(PAY)
    bench.approve()
    bench.cut()
    bench.recover()
    bench.probed("absent")
    bench.cut()
    bench.cancel()
    bench.probed("absent")
    return bench


def approvals(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(Tree, "state", "tree-1")
    bench = begun(PAY, COMMIT, COMMIT)
    bench.deny(number=1)
    monkeypatch.setattr(Tree, "state", "tree-2")
    bench.approve(number=2)
    bench.approve(number=2)
    bench.off("tool:commit_tree")
    bench.wake(bench.spec.limits.approval_ms)
    return bench


def switched_off_behind_another() -> Bench:
    bench = begun(MAIL, MAIL)
    bench.off("tool:send_mail")
    bench.done(1)
    bench.answer("Done.")
    return bench


def stopped_while_asking_the_model() -> Bench:
    bench = begun()
    bench.cancel()
    bench.answer("", LOOK)
    other = begun()
    other.cancel()
    other.model_fails("cancelled")
    third = begun()
    third.cancel()
    third.recover()
    bench.seen_phases |= other.seen_phases | third.seen_phases
    return bench


def unreadable_switches() -> Bench:
    bench = Bench(worker())
    bench.world = replace(bench.world, stale_switches=True)
    bench.start()
    bench.recover()
    bench.cancel()
    return bench


def predicate() -> Bench:
    agent = make_agent(remit=Remit(success=bool), output_type=int)
    bench = begun(("final_answer", '{"answer":3}'), agent=agent)
    bench.recover()
    bench.give(CheckCompleted(call=bench.state.checking, passed=True))
    return bench


def predicate_cut() -> Bench:
    bench = begun(agent=make_agent(remit=Remit(success=bool)))
    bench.answer("Three.")
    bench.cancel()
    bench.give(CheckCompleted(call=bench.state.checking, passed=False))
    return bench


LATE = Remit(approvals={send_mail: 0, set_flag: 0, commit_tree: 1}, delays={"*": "5m"})


def delayed() -> Bench:
    bench = begun(
        MAIL, FLAG, COMMIT, agent=make_agent(send_mail, set_flag, commit_tree, remit=LATE)
    )
    bench.approve(number=3)
    bench.recall(number=1)
    bench.off("tool:commit_tree")
    bench.wake(5 * 60 * 1000)
    bench.done(2)
    bench.answer("Done.")
    return bench


def called_back_from_the_queue() -> Bench:
    bench = begun(MAIL, MAIL)
    bench.recall(number=2)
    bench.done(1)
    bench.answer("Done.")
    return bench


NIGHT = Rule(
    id="night",
    effect="ask",
    tool="send_mail",
    needed=1,
    hours=(Hours(start="00:20", end="00:30"),),
    reason="at night a human looks",
)


def asked_at_the_end_of_the_delay() -> Bench:
    remit = Remit(approvals={send_mail: 0}, rules=(NIGHT,), delays={"*": "5m"})
    bench = begun(MAIL, agent=make_agent(send_mail, remit=remit))
    bench.wake(5 * 60 * 1000)
    bench.approve()
    bench.cut()
    return bench


def given_up() -> Bench:
    agent = make_agent(look_up, check_stock, remit=FREE)
    bench = begun(LOOK, ("check_stock", '{"name":"x"}'), agent=agent)
    bench.asks(1)
    bench.failed(2)
    bench.answer("Done.")
    return bench


def rated() -> Bench:
    agent = make_agent(look_up, remit=Remit(rates={look_up: "1/minute"}))
    bench = begun(agent=agent)
    bench.world = replace(
        bench.world, refused={"rate:look_up,ann|minute:1970-01-01T00:16|calls": 0}
    )
    bench.answer("", LOOK)
    bench.world = replace(bench.world, refused={})
    bench.wake(60_000)
    bench.done()
    bench.answer("Done.")
    return bench


def shadow() -> Bench:
    agent = make_agent(send_mail, remit=Remit(approvals={send_mail: 0}, phase="shadow"))
    bench = begun(MAIL, agent=agent)
    bench.answer("Done.")
    return bench


def final() -> Bench:
    return begun(("final_answer", '{"answer":3}'), agent=make_agent(output_type=int))


def cut_answers() -> Bench:
    bench = begun(agent=make_agent(output_ceiling=2_000))
    bench.answer("Half", stop="max_tokens")
    bench.answer("Half", stop="max_tokens")
    bench.answer("The rest.")
    return bench


def counted() -> Bench:
    bench = begun(agent=make_agent(look_up, input_count="always"))
    bench.recover()
    bench.counted()
    bench.answer("", LOOK)
    bench.done()
    bench.counted(None, "slow")
    bench.answer("Half", stop="pause")
    bench.cancel()
    bench.counted()
    return bench


def counted_for_a_retry() -> Bench:
    bench = begun(agent=make_agent(input_count="when-short"))
    bench.model_fails("rate_limited")
    bench.world = replace(bench.world, refused={MONEY: 0})
    bench.wake(60_000)
    bench.recover()
    bench.counted()
    return bench


def hooked() -> Bench:
    bench = begun(agent=make_agent(send_mail, remit=Remit(approvals={send_mail: 1})))
    bench.hook = changes
    bench.answer("", ("send_mail", '{"to":"x"}'))
    bench.approve(arguments='{"to":"y"}')
    return bench


def degraded() -> Bench:
    @tool
    def read_copy(path: str) -> str:
        """Read a copy."""
        return path

    @tool(fallback=read_copy, last_good="1h")
    def read_first(path: str) -> str:
        """Read."""
        return path

    def breaks(bench: Bench) -> None:
        call = bench.call()
        text = clean("broken")
        bench.give(
            ToolFailed(call=call.call, attempt=call.attempt, kind="error", text=text, fault=True)
        )

    bench = begun(agent=make_agent(read_first))
    for last in ("completed", "failed"):
        bench.world = replace(bench.world, health={"tool:read_first": "open"})
        bench.answer("", ("read_first", f'{{"path":"{last}"}}'))
        bench.recover()
        call = bench.call()
        found = bench.inspect(call.call, call.tool, call.arguments)
        fact = StandInInspected(call=call.call, tool="read_copy")
        bench.give(fact, inspections={call.call: found})
        breaks(bench)
        if last == "completed":
            bench.done()
        else:
            breaks(bench)
    bench.cancel()
    bench.model_fails("cancelled")
    return bench


TOURS: list[Callable[[], Bench]] = [
    reads,
    writes_in_doubt,
    probes,
    switched_off_behind_another,
    stopped_while_asking_the_model,
    unreadable_switches,
    predicate,
    predicate_cut,
    delayed,
    rated,
    given_up,
    called_back_from_the_queue,
    asked_at_the_end_of_the_delay,
    shadow,
    final,
    cut_answers,
    counted,
    counted_for_a_retry,
    hooked,
    degraded,
]


def test_every_entry_of_the_tables_is_used_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    benches = [tour() for tour in TOURS] + [approvals(monkeypatch)]
    phases = {pair for bench in benches for pair in bench.seen_phases if pair[1] in RUN_EVENTS}
    statuses = {pair for bench in benches for pair in bench.seen_statuses}
    assert phases == {(str(phase), event) for phase, event in RUN}
    assert statuses == {(str(status), event) for status, event in CALL}


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.__name__)
def test_the_journal_of_a_run_folds_to_its_state(tour: Callable[[], Bench]) -> None:
    bench = tour()
    assert bench.replayed() == bench.state


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.__name__)
def test_these_runs_end_or_wait_for_others(tour: Callable[[], Bench]) -> None:
    bench = tour()
    assert bench.state.phase == "ended" or bench.state.waits_for_others


def test_the_diagram_shows_every_change_of_both_tables_once() -> None:
    run, call = diagram().split("\n\n")
    assert run.startswith("%% a run\nstateDiagram-v2\n    [*] --> new\n")
    assert call.startswith("%% a tool call\nstateDiagram-v2\n    [*] --> proposed\n")
    for text, table in ((run, RUN), (call, CALL)):
        edges = {
            (source, target): events.split(", ")
            for line in text.splitlines()[3:]
            for source, rest in [line.strip().split(" --> ")]
            for target, events in [rest.split(": ")]
        }
        drawn = {(a, event): b for (a, b), events in edges.items() for event in events}
        changes = {key: target for key, target in table.items() if key[0] != target}
        assert drawn == changes


def test_an_intent_stands_in_the_run_table_so_that_a_stopping_run_releases_nothing() -> None:
    for intent in ("ToolRequested", "ProbeRequested", "SubrunRequested", "ModelRequested"):
        assert intent in RUN_EVENTS
        assert all(phase not in ("stopping", "ended") for phase, event in RUN if event == intent)


def test_only_a_verdict_leads_out_of_a_proposal() -> None:
    out = [event for (status, event), to in CALL.items() if status == "proposed" != to]
    assert out == ["CallJudged"]
    assert "CallJudged" in CALL_EVENTS
