"""decide is a pure function of what the journal keeps; and not everything may come by letter."""

from dataclasses import replace

import pytest

from remit.errors import StoreCorrupt
from remit.journal.codec import decode_body, encode_body
from remit.journal.events import (
    ApprovalGiven,
    BudgetWarned,
    Event,
    InboxIgnored,
    RunStarted,
    ToolQueued,
)
from remit.journal.record import Body, Cause
from remit.machine.agent import Remit
from remit.machine.conversation import with_results
from remit.machine.decide import _LETTERS, _ON, decide
from remit.machine.evolve import fold
from remit.machine.inputs import Input, Inspection, Kind, World
from remit.machine.state import State
from remit.machine.turns import input_bound
from tests.machine.bench import MONEY, Bench, make_agent, one, types
from tests.machine.toolbox import look_up, pay_bill, send_mail, writer

LOOK = ("look_up", '{"path":"a"}')
REMIT = Remit(approvals={send_mail: 0, pay_bill: 1})


def begun(*calls: tuple[str, str]) -> Bench:
    bench = Bench(make_agent(look_up, send_mail, pay_bill, agents=(writer,), remit=REMIT))
    bench.start()
    if calls:
        bench.answer("", *calls)
    return bench


def busy() -> Bench:
    """A run to which most things happen, in worlds of every kind."""
    bench = begun(LOOK, LOOK, ("unheard_of", "{}"), ("pay_bill", '{"amount":"1"}'))
    bench.asks(2)
    bench.says("3", 2)
    bench.approve("ann", 4, digest="0")
    bench.recover()
    bench.pass_ms(480_000)
    bench.done(1)
    bench.done(2)
    bench.pass_ms(10**6)
    bench.approve("ann", 4)
    bench.cut(4)
    bench.probed("absent", 4)
    room = input_bound(with_results(bench.state)) + 1_200
    bench.world = replace(bench.world, refused={MONEY: room}, jitter=123_456)
    bench.done(4)
    assert bench.request.max_output_tokens < 1_000
    bench.world = replace(bench.world, refused={})
    bench.model_fails("overloaded")
    bench.off("tool:send_mail")
    bench.wake(2_000)
    bench.world = replace(bench.world, refused={}, stale_switches=True)
    bench.answer("", ("send_mail", '{"to":"x"}'))
    bench.world = replace(bench.world, stale_switches=False)
    bench.wake(1_000)
    bench.world = replace(bench.world, refused={MONEY: 10**9}, last_try=True)
    bench.answer("", LOOK)
    bench.done()
    return bench


def journalled(given: Input, world: World, events: tuple[Event, ...]) -> Body:
    """What the journal keeps of one decision, read back from its bytes."""
    cause = Cause(
        kind=given.kind,
        count=len(events),
        now_ms=world.now_ms,
        jitter=world.jitter,
        off=tuple(sorted(world.off)),
        stale_switches=world.stale_switches,
        refused=tuple(world.refused.items()),
        last_try=world.last_try,
    )
    return decode_body(encode_body(Body(causes=(cause,), events=events)))


@pytest.mark.requirement("AUD-5")
def test_deciding_again_from_the_journal_gives_the_same_events() -> None:
    bench = busy()
    assert bench.state.phase == "ended"
    state: State = bench.first
    for before, given, world, events in bench.inputs:
        assert state == before
        if not events:
            continue
        body = journalled(given, world, events)
        (cause,) = body.causes
        fact = None if cause.kind == "wake" else body.events[0]
        kind: Kind = given.kind
        again = Input(kind=kind, fact=fact, inspections=given.inspections)
        seen = World(
            now_ms=cause.now_ms,
            jitter=cause.jitter,
            off=frozenset(cause.off),
            stale_switches=cause.stale_switches,
            refused=dict(cause.refused),
            last_try=cause.last_try,
        )
        draft = decide(state, again, seen)
        assert tuple(draft.events) == body.events == events
        state = fold(state, [body])
        assert state == draft.state
    assert state == bench.state


def test_the_first_event_is_the_fact_or_that_it_was_ignored() -> None:
    for _, given, _, events in busy().inputs:
        if given.fact is not None and events:
            assert events[0].type in (given.fact.type, "InboxIgnored")


def test_a_world_changes_no_state_behind_the_journals_back() -> None:
    bench = begun(LOOK)
    before = bench.state
    decide(before, Input(kind="wake"), replace(bench.world, now_ms=10**12))
    assert bench.state is before


def test_a_run_that_has_not_begun_decides_nothing_but_its_start() -> None:
    bench = Bench(make_agent())
    assert bench.wake() == []
    with pytest.raises(StoreCorrupt, match="CancelRequested cannot come before RunStarted"):
        bench.cancel()
    bench.start()
    started = one(bench.log, RunStarted)
    with pytest.raises(StoreCorrupt, match="RunStarted cannot follow the phase thinking"):
        bench.give(started, "start")


def test_a_consequence_is_no_input() -> None:
    bench = begun(LOOK)
    with pytest.raises(StoreCorrupt, match="ToolQueued is a consequence, not an input"):
        bench.give(ToolQueued(call="c1-1"))


@pytest.mark.requirement("PERM-7")
@pytest.mark.parametrize("kind", ["ToolCompleted", "ModelCompleted", "ToolQueued", "RunStarted"])
def test_a_letter_can_neither_forge_an_outcome_nor_a_consequence(kind: str) -> None:
    bench = begun(LOOK)
    bench.done()
    forged = next(event for event in bench.log if event.type == kind)
    before = bench.state
    events = bench.give(forged, "letter")
    assert types(events) == ["InboxIgnored"]
    assert one(events, InboxIgnored).what == kind
    assert bench.state == before


def test_a_letter_that_no_decision_can_begin_with_does_not_poison_the_run() -> None:
    bench = begun(LOOK)
    assert types(bench.give(ToolQueued(call="c1-1"), "letter")) == ["InboxIgnored"]
    assert types(bench.done()) == ["ToolCompleted", "ModelRequested"]


def test_every_letter_is_an_input() -> None:
    assert set(_ON) > _LETTERS


def test_letters_to_an_ended_run_are_written_down_and_outcomes_dropped() -> None:
    bench = begun()
    bench.answer("Done.")
    crossed = BudgetWarned(account=MONEY, used=9, limit=10)
    assert bench.give(crossed, "letter") == [crossed]
    assert bench.give(crossed, "letter") == []
    letter = ApprovalGiven(approval="a", digest="d", principal="ann", channel="cli")
    events = bench.give(letter, "letter", {"c1-1": Inspection(call="c1-1")})
    assert one(events, InboxIgnored).reason == "the run has ended"
    assert bench.give(ToolQueued(call="c1-1")) == []
