"""When a call fails without which its peers make no sense they are given up; the run goes on."""

from dataclasses import replace as new_world
from decimal import Decimal

import pytest

from remit.journal.events import (
    Event,
    InputRequested,
    PeersAborted,
    Post,
    ProbeRequested,
    StandInInspected,
    ToolFailed,
    ToolQueued,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.agent import Agent
from remit.machine.changing import replace
from remit.machine.decide import decide
from remit.machine.declaring import tool
from remit.machine.ending import STOP_GRACE_MS
from remit.machine.inputs import Input
from remit.machine.remit import Remit
from remit.machine.tools import probe
from tests.machine.bench import START_MS, Bench, make_agent, one, types
from tests.machine.people import clean
from tests.machine.test_rating import NEXT, NOW, READ, read_feed
from tests.machine.toolbox import (
    check_stock,
    look_up,
    pay_bill,
    send_mail,
    set_flag,
    was_paid,
    write_doc,
    writer,
)

CHECK = ("check_stock", '{"name":"lamp"}')
LOOK = ("look_up", '{"path":"a"}')
MAIL = ("send_mail", '{"to":"x"}')
FLAG = ("set_flag", '{"name":"x"}')
PAY = ("pay_bill", '{"amount":"1"}')
ASK = ("ask_writer", '{"brief":"x"}')
WRITE = ("write_doc", '{"path":"a"}')
WHY = "given up: check_stock (c1-1), called beside it, failed"
REMIT = Remit(approvals={send_mail: 0, set_flag: 0, pay_bill: 1, write_doc: 0})


def begun(*calls: tuple[str, str], agent: Agent[object] | None = None) -> Bench:
    tools = (check_stock, look_up, send_mail, set_flag, pay_bill, write_doc, read_feed)
    bench = Bench(agent or make_agent(*tools, agents=(writer,), remit=REMIT))
    bench.start()
    bench.answer("", *calls)
    return bench


def statuses(bench: Bench) -> list[str]:
    return [call.status for call in bench.state.calls]


@pytest.mark.requirement("TOOL-7")
def test_what_waits_is_refused_and_what_is_out_is_cut() -> None:
    bench = begun(CHECK, LOOK, MAIL, PAY)
    assert statuses(bench) == ["released", "released", "queued", "asking"]
    events = bench.failed(1)
    assert types(events) == ["ToolFailed", "PeersAborted", "ToolFailed", "ToolFailed"]
    told = one(events, PeersAborted)
    assert (told.call, told.peers, told.reason) == ("c1-1", ("c1-2", "c1-3", "c1-4"), WHY)
    assert [(each.kind, each.text) for each in bench.all_of(ToolFailed)[1:]] == [
        ("aborted", WHY)
    ] * 2
    assert statuses(bench) == ["done", "released", "done", "done"]
    cut = ToolFailed(call="c1-2", kind="cancelled", text=clean("cut"))
    ended = bench.give(cut)
    assert types(ended) == ["ToolFailed", "ModelRequested"]
    assert (one(ended, ToolFailed).kind, one(ended, ToolFailed).text) == ("aborted", WHY)


@pytest.mark.requirement("TOOL-7")
def test_a_call_that_is_refused_gives_up_its_peers_too() -> None:
    bench = begun(("check_stock", '{"name":7}'), LOOK, MAIL)
    assert bench.last(PeersAborted).peers == ("c1-2", "c1-3")
    assert [each.kind for each in bench.all_of(ToolFailed)] == ["invalid", "aborted", "aborted"]
    assert types(bench.log)[-1] == "ModelRequested"
    off = begun(MAIL, CHECK, LOOK)
    off.off("tool:check_stock")
    events = off.done(1)
    assert types(events) == [
        "ToolCompleted",
        "ToolFailed",
        "PeersAborted",
        "ToolFailed",
        "ModelRequested",
    ]


def test_peers_that_have_ended_and_a_call_that_was_cut_abort_nothing() -> None:
    alone = begun(LOOK, CHECK)
    alone.done(1)
    assert types(alone.failed(2)) == ["ToolFailed", "ModelRequested"]
    cut = begun(CHECK, LOOK)
    cut.give(ToolFailed(call="c1-1", kind="cancelled", text=clean("cut")))
    assert cut.all_of(PeersAborted) == []
    fine = begun(CHECK, LOOK)
    fine.done(1)
    assert fine.all_of(PeersAborted) == []
    other = begun(LOOK, CHECK)
    other.failed(1)
    assert other.all_of(PeersAborted) == []


@pytest.mark.requirement("TOOL-7")
def test_a_read_that_ends_well_all_the_same_keeps_its_result() -> None:
    bench = begun(CHECK, LOOK)
    bench.failed(1)
    assert types(bench.done(2)) == ["ToolCompleted", "ModelRequested"]


@pytest.mark.requirement("TOOL-7", "ORC-4")
def test_a_sub_run_among_them_is_told_to_stop_and_its_end_is_the_result() -> None:
    bench = begun(CHECK, ASK)
    assert statuses(bench) == ["released", "released"]
    bench.failed(1)
    assert bench.wakes_in_ms != STOP_GRACE_MS
    bench.wake(STOP_GRACE_MS)
    assert statuses(bench) == ["done", "released"]
    events = bench.child_ends(2, completed=False)
    assert types(events) == ["SubrunEnded", "ClockResumed", "ModelRequested"]


@pytest.mark.requirement("TOOL-7")
def test_who_does_not_answer_in_time_is_left_alone() -> None:
    bench = begun(CHECK, LOOK)
    bench.failed(1)
    assert bench.wakes_in_ms == STOP_GRACE_MS
    assert bench.wake(STOP_GRACE_MS - 1) == []
    events = bench.wake(1)
    assert types(events) == ["ToolFailed", "ModelRequested"]
    assert one(events, ToolFailed).kind == "aborted"


@pytest.mark.requirement("TOOL-7")
def test_a_question_of_a_given_up_call_is_asked_nobody() -> None:
    bench = begun(CHECK, LOOK)
    bench.failed(1)
    events = bench.asks(2)
    assert types(events) == ["InputRequested", "ToolFailed", "ModelRequested"]
    asked = begun(CHECK, LOOK)
    asked.asks(2)
    assert types(asked.failed(1))[:3] == ["ToolFailed", "PeersAborted", "ToolFailed"]
    assert isinstance(asked.last(InputRequested), InputRequested)


@pytest.mark.requirement("TOOL-7", "DUR-1")
def test_a_crash_while_they_are_cut_repeats_nothing() -> None:
    bench = begun(CHECK, LOOK)
    bench.failed(1)
    events = bench.recover()
    assert types(events) == ["RunRecovered", "ToolUnknown", "ToolFailed", "ModelRequested"]
    assert one(events, ToolFailed).kind == "aborted"


@pytest.mark.requirement("TOOL-7", "TOOL-15")
def test_a_waiting_call_that_is_given_up_gives_its_place_back() -> None:
    from_rate = begun(CHECK, READ)
    assert statuses(from_rate) == ["released", "released"]
    bench = Bench(make_agent(check_stock, read_feed))
    bench.start()
    bench.world = new_world(bench.world, refused={NOW: 0, NEXT: 1})
    bench.answer("", CHECK, READ)
    bench.world = new_world(bench.world, refused={})
    assert statuses(bench) == ["released", "delayed"]
    events = bench.failed(1)
    assert types(events)[1:4] == ["PeersAborted", "ToolQueued", "ToolFailed"]
    assert one(events, ToolQueued).posts == (Post(account=NEXT, amount=0),)
    assert bench.world.now_ms == START_MS


# ---------------------------------------------------------------- writes


@tool(access="write", on_crash="repeat", resources="bell")
def ring_bell(times: int) -> str:
    """Ring the bell."""
    return str(times)


@tool(access="write", on_crash=probe(was_paid), resources="bank", price_usd="0.001")
def pay_fee(amount: Decimal) -> str:
    """Pay a fee."""
    return str(amount)


def cut_beside(name: str, arguments: str) -> Bench:
    """A write that was out when a call beside it failed, and was cut."""
    tools = (check_stock, write_doc, ring_bell, pay_fee)
    remit = Remit(approvals={write_doc: 0, ring_bell: 0, pay_fee: 0})
    bench = begun(CHECK, (name, arguments), agent=make_agent(*tools, remit=remit))
    assert statuses(bench) == ["released", "released"]
    bench.failed(1)
    bench.cut(2)
    assert bench.last(ToolUnknown).reason == WHY
    return bench


@pytest.mark.requirement("TOOL-7", "DUR-3")
@pytest.mark.parametrize(("happened", "kind"), [(True, "ToolCompleted"), (False, "ToolFailed")])
@pytest.mark.parametrize("write", ["write_doc", "ring_bell"])
def test_of_a_write_that_was_cut_a_human_decides_and_it_is_not_made_again(
    write: str, happened: bool, kind: str
) -> None:
    bench = cut_beside(write, '{"path":"a"}' if write == "write_doc" else '{"times":2}')
    assert statuses(bench) == ["done", "doubt"]
    assert bench.state.waits_for_others
    events = bench.resolved(happened=happened, number=2)
    assert types(events)[:2] == ["ToolResolved", kind]
    assert bench.state.calls == ()
    assert len([each for each in bench.all_of(ToolRequested) if each.call == "c1-2"]) == 1


@pytest.mark.requirement("TOOL-7", "DUR-3")
def test_a_system_that_can_be_asked_is_asked_and_the_write_is_not_made_again() -> None:
    bench = cut_beside("pay_fee", '{"amount":"1"}')
    assert isinstance(bench.log[-1], ProbeRequested)
    events = bench.probed("absent", 2)
    assert types(events)[:2] == ["ProbeCompleted", "ToolFailed"]
    failed = one(events, ToolFailed)
    assert (failed.kind, failed.text) == ("aborted", f"it did not happen, and was {WHY}")


@pytest.mark.requirement("TOOL-7", "DUR-3")
def test_a_write_that_does_not_answer_in_time_is_in_doubt() -> None:
    tools = (check_stock, write_doc)
    remit = Remit(approvals={write_doc: 0})
    bench = begun(CHECK, WRITE, agent=make_agent(*tools, remit=remit))
    bench.failed(1)
    assert types(bench.wake(STOP_GRACE_MS))[0] == "ToolUnknown"
    assert statuses(bench) == ["done", "doubt"]


@pytest.mark.requirement("TOOL-7", "DUR-3")
def test_a_write_in_doubt_that_waits_to_be_repeated_stays_in_doubt() -> None:
    remit = Remit(approvals={ring_bell: 0}, parallel_calls=1)
    agent = make_agent(check_stock, ring_bell, remit=remit)
    bench = begun(CHECK, ("ring_bell", '{"times":1}'), agent=agent)
    unsure = replace(bench.call(2), unsure=True, attempt=1)
    bench.state = replace(bench.state, calls=(bench.call(1), unsure))
    draft = decide(
        bench.state,
        Input(
            kind="outcome",
            fact=ToolFailed(call="c1-1", kind="error", text=clean("broken")),
        ),
        bench.world,
    )
    assert types(draft.events)[:3] == ["ToolFailed", "PeersAborted", "ToolUnknown"]
    assert draft.state.calls[1].status == "doubt"


# ---------------------------------------------------------------- tools that do not work


@tool
def check_copy(name: str) -> str:
    """Look whether the copy has it."""
    return name


@tool(fallback=check_copy, on_failure="abort-peers")
def check_first(name: str) -> str:
    """Look whether it is there."""
    return name


FIRST = ("check_first", '{"name":"lamp"}')


def broken(bench: Bench, number: int) -> list[Event]:
    """The call fails through a fault of its tool."""
    call = bench.call(number)
    return bench.give(
        ToolFailed(
            call=call.call, attempt=call.attempt, kind="error", text=clean("no route"), fault=True
        )
    )


def stands_in(bench: Bench, number: int) -> list[Event]:
    call = bench.call(number)
    found = bench.inspect(call.call, call.tool, call.arguments)
    fact = StandInInspected(call=call.call, tool=call.tool)
    return bench.give(fact, inspections={call.call: found})


@pytest.mark.requirement("TOOL-7", "TOOL-18")
def test_peers_are_given_up_only_if_what_stands_in_fails_too() -> None:
    bench = begun(FIRST, LOOK, agent=make_agent(check_first, check_copy, look_up))
    assert types(broken(bench, 1)) == ["ToolFailed", "ToolDegraded"]
    stands_in(bench, 1)
    assert types(bench.done(1)) == ["ToolCompleted"]
    assert bench.all_of(PeersAborted) == []
    other = begun(FIRST, LOOK, agent=make_agent(check_first, check_copy, look_up))
    broken(other, 1)
    stands_in(other, 1)
    assert types(other.failed(1)) == ["ToolFailed", "PeersAborted"]


@pytest.mark.requirement("TOOL-7", "TOOL-18")
def test_nothing_stands_in_for_a_call_that_was_given_up() -> None:
    tools = (check_stock, check_first, check_copy)
    bench = begun(CHECK, FIRST, agent=make_agent(*tools))
    bench.failed(1)
    assert types(broken(bench, 2)) == ["ToolFailed", "ModelRequested"]
    looked_at = begun(CHECK, FIRST, agent=make_agent(*tools))
    broken(looked_at, 2)
    events = looked_at.failed(1)
    assert types(events) == ["ToolFailed", "PeersAborted", "ToolFailed", "ModelRequested"]
