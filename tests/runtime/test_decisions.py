"""Decisions over a batch: every event has its cause, with the facts of the world it used."""

from dataclasses import replace as new_world
from typing import cast

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from remit import Agent, Remit, tool
from remit.journal.events import (
    CancelRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RetryPlanned,
    RunEnded,
    ToolCompleted,
    ToolFailed,
    ToolPostponed,
    ToolRequested,
)
from remit.journal.record import UNUSED_JITTER
from remit.machine.changing import replace
from remit.machine.decide import decide
from remit.machine.evolve import fold
from remit.machine.inputs import Input, Kind, World
from remit.machine.state import State, begin
from remit.runtime.decisions import fold_decisions, status_of
from remit.values.account import dated
from remit.values.clean import Clean
from remit.values.message import CallPart, Origin, TextPart
from remit.values.usage import Usage
from remit.values.windows import UTC
from tests.runtime.kit import NOW, RUN, TENANT, FlatPrices, answered, spec_of, started
from tests.runtime.stage import an_agent


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    return name


@tool(access="write")
async def ship_order(name: str) -> str:
    """Ship an order."""
    return name


AGENT = an_agent(tools=[find_fact, ship_order], remit=Remit(approvals={ship_order: 1}))
SPEC = spec_of(AGENT)
FRESH = begin(TENANT, RUN, SPEC)
START = Input(kind="start", fact=started(SPEC))
WAKE = Input(kind="wake")
SAID = Origin(kind="model", name="scripted:x")
BROKEN = Input(
    kind="outcome", fact=ModelFailed(call="c1", kind="overloaded", detail=Clean("try later"))
)
WORLD = World(now_ms=NOW, jitter=123_456)


def outcome(*parts: TextPart | CallPart) -> Input:
    stop = "tools" if isinstance(parts[-1], CallPart) else "end"
    fact = answered(*parts).model_copy(update={"stop": stop})
    return Input(kind="outcome", fact=fact)


def calling(tool_name: str, number: int = 1) -> CallPart:
    text = Clean(f'{{"name":"n{number}"}}')
    return CallPart(call=f"c1-{number}", tool=tool_name, arguments=text, origin=SAID)


async def inspected(*parts: CallPart) -> Input:
    given = outcome(*parts)
    found = {each.call: await AGENT.inspect(each.call, each.tool, each.arguments) for each in parts}
    return Input(kind=given.kind, fact=given.fact, inspections=found)


def begun() -> State:
    return fold_decisions(FRESH, [START], WORLD)[0]


def test_each_input_is_a_cause_that_counts_its_events() -> None:
    cancel = Input(kind="letter", fact=CancelRequested(principal="ann"))
    state, body = fold_decisions(FRESH, [START, BROKEN, cancel], WORLD)
    assert [cause.kind for cause in body.causes] == ["start", "outcome", "letter"]
    assert sum(cause.count for cause in body.causes) == len(body.events)
    firsts, place = [], 0
    for cause in body.causes:
        firsts.append(body.events[place].type)
        place += cause.count
    assert firsts == ["RunStarted", "ModelFailed", "CancelRequested"]
    assert isinstance(body.events[-1], RunEnded)
    assert fold(FRESH, [body]) == state


def test_what_changes_nothing_leaves_no_trace() -> None:
    state = begun()
    after, body = fold_decisions(state, [WAKE, WAKE], WORLD)
    assert (after, body.events, body.causes) == (state, (), ())
    _, mixed = fold_decisions(FRESH, [WAKE, START, WAKE], WORLD)
    assert [cause.kind for cause in mixed.causes] == ["start"]
    assert fold_decisions(state, [], WORLD)[1].causes == ()


@pytest.mark.requirement("AUD-5")
def test_dice_are_kept_only_where_they_were_rolled() -> None:
    state, body = fold_decisions(FRESH, [START, BROKEN], WORLD)
    assert [cause.jitter for cause in body.causes] == [UNUSED_JITTER, 123_456]
    assert any(isinstance(event, RetryPlanned) for event in body.events)
    assert state.model is not None
    assert state.model.retry_at_ms is not None


@pytest.mark.requirement("AUD-5", "TOOL-15")
async def test_dice_are_kept_where_calls_wait_for_their_rate() -> None:
    agent = an_agent(tools=[find_fact], remit=Remit(rates={find_fact: "1/hour"}))
    state, _ = fold_decisions(begin(TENANT, RUN, spec_of(agent)), [START], WORLD)
    (rate,) = state.spec.rates_of(find_fact.spec, TENANT, "ann")
    full = new_world(WORLD, refused={dated(rate.account, NOW, UTC): 0})
    _, body = fold_decisions(state, [await inspected(calling("find_fact"))], full)
    assert any(isinstance(event, ToolFailed) for event in body.events), "it is an hour away"
    short = new_world(full, refused={})
    _, body = fold_decisions(state, [await inspected(calling("find_fact"))], short)
    assert [cause.jitter for cause in body.causes] == [UNUSED_JITTER]


@pytest.mark.requirement("AUD-5", "TOOL-15")
async def test_what_is_known_of_rates_holds_for_a_whole_batch() -> None:
    agent = an_agent(tools=[find_fact], remit=Remit(rates={find_fact: "9/second"}))
    state, _ = fold_decisions(begin(TENANT, RUN, spec_of(agent)), [START], WORLD)
    (rate,) = state.spec.rates_of(find_fact.spec, TENANT, "ann")
    now, later = (dated(rate.account, at_ms, UTC) for at_ms in (NOW, NOW + 1_000))
    world = new_world(WORLD, refused={now: 1, later: 0})
    two = await inspected(calling("find_fact", 1), calling("find_fact", 2))
    _, body = fold_decisions(state, [WAKE, two], world)
    (waits,) = [event for event in body.events if isinstance(event, ToolPostponed)]
    assert sum(isinstance(event, ToolRequested) for event in body.events) == 1
    assert waits.holds[0].account == dated(rate.account, NOW + 2_000, UTC)
    assert [cause.jitter for cause in body.causes] == [WORLD.jitter]


@pytest.mark.requirement("AUD-5")
@for_all(jitter=st.integers(0, 1_000_000), now_ms=st.integers(NOW, NOW + 10**9))
def test_what_is_kept_is_enough_to_decide_again(jitter: int, now_ms: int) -> None:
    world = World(now_ms=now_ms, jitter=jitter, off=frozenset({"tool:x", "all"}))
    given = [START, BROKEN, Input(kind="letter", fact=CancelRequested(principal="ann"))]
    by_kind = {each.kind: each for each in given}
    _, body = fold_decisions(FRESH, given, world)
    state, place = FRESH, 0
    for cause in body.causes:
        told = World(
            now_ms=cause.now_ms,
            jitter=cause.jitter,
            off=frozenset(cause.off),
            stale_switches=cause.stale_switches,
            refused=dict(cause.refused),
            last_try=cause.last_try,
        )
        draft = decide(state, by_kind[cast("Kind", cause.kind)], told)
        assert tuple(draft.events) == body.events[place : place + cause.count]
        state, place = draft.state, place + cause.count
    assert place == len(body.events)


@pytest.mark.requirement("AUD-5")
@pytest.mark.parametrize("room", [None, 0])
def test_the_model_that_is_counted_or_not_affordable_is_chosen_again(room: int | None) -> None:
    cheap, dear = "scripted:cheap", "scripted:dear"
    agent = Agent(
        "worker",
        model={cheap: 1, dear: 1},
        instructions="Work.",
        input_count="bound" if room == 0 else "always",
    )
    spec = spec_of(agent)
    prices = tuple(
        FlatPrices().price(name).model_copy(update={"input": rate})
        for name, rate in ((cheap, 1_000_000_000), (dear, 9_000_000_000))
    )
    first = started(spec).model_copy(update={"prices": prices})
    given = Input(kind="start", fact=first)
    refused = {} if room is None else {first.accounts[0].account: room}
    for jitter in (0, 999_999):
        world = new_world(WORLD, jitter=jitter, refused=refused)
        _, body = fold_decisions(begin(TENANT, RUN, spec), [given], world)
        told = new_world(world, jitter=body.causes[0].jitter)
        again = decide(begin(TENANT, RUN, spec), given, told)
        assert tuple(again.events) == body.events
        assert not any(isinstance(event, ModelRequested) for event in body.events)


def test_the_facts_of_the_world_stand_beside_the_decision() -> None:
    world = new_world(
        WORLD, off=frozenset({"tool:z", "agent:a"}), refused={"acc": 5}, last_try=True
    )
    _, body = fold_decisions(FRESH, [START], world)
    (cause,) = body.causes
    assert cause.off == ("agent:a", "tool:z")
    assert (cause.refused, cause.last_try, cause.now_ms) == ((("acc", 5),), True, NOW)
    _, stale = fold_decisions(FRESH, [START], new_world(WORLD, stale_switches=True))
    assert stale.causes[0].stale_switches
    assert not any(isinstance(event, ModelRequested) for event in stale.events)


async def test_two_results_in_one_batch_ask_the_model_once() -> None:
    both = await inspected(calling("find_fact", 1), calling("find_fact", 2))
    state, body = fold_decisions(begun(), [both], WORLD)
    assert sum(isinstance(event, ToolRequested) for event in body.events) == 2
    done = [
        Input(kind="outcome", fact=ToolCompleted(call=f"c1-{n}", text=Clean("so"))) for n in (1, 2)
    ]
    state, body = fold_decisions(state, done, WORLD)
    assert [cause.count for cause in body.causes] == [1, 2]
    assert sum(isinstance(event, ModelRequested) for event in body.events) == 1


async def test_the_row_says_who_must_act_next() -> None:
    state = begun()
    assert status_of(state) == "running"
    waiting, _ = fold_decisions(state, [await inspected(calling("ship_order"))], WORLD)
    assert status_of(waiting) == "waiting"
    behind = await inspected(calling("ship_order", 1), calling("find_fact", 2))
    blocked, _ = fold_decisions(state, [behind], WORLD)
    assert status_of(blocked) == "waiting"  # a read does not overtake a write of unknown reach
    before = await inspected(calling("find_fact", 1), calling("ship_order", 2))
    busy, _ = fold_decisions(state, [before], WORLD)
    assert status_of(busy) == "running"  # one is asked for, the other is under way
    ended, _ = fold_decisions(state, [outcome(TextPart(text=Clean("so"), origin=SAID))], WORLD)
    assert status_of(ended) == "completed"
    assert status_of(replace(ended, status="stopped")) == "stopped"


def test_an_answer_that_costs_is_settled_in_its_own_decision() -> None:
    fact = ModelCompleted(
        call="c1",
        parts=(TextPart(text=Clean("so"), origin=SAID),),
        stop="end",
        usage=Usage(input=10, output=10),
        model="x",
    )
    _, body = fold_decisions(begun(), [Input(kind="outcome", fact=fact)], WORLD)
    first = body.events[0]
    assert isinstance(first, ModelCompleted)
    assert first.cost > 0
    assert [post.amount for post in first.posts] == [first.cost]
