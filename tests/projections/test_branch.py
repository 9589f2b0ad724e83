"""A branch grows below its run, and what calls cost adds up at their nodes."""

import pytest

from remit.journal.events import Event, ToolCompleted, ToolResolved
from remit.journal.record import Body, Cause, Header
from remit.projections.branch import Branch
from remit.values.clean import Clean
from remit.values.usage import Usage

DONE = Clean.vouch("done")
HEADER = Header(tenant="acme", run="run_1", version=1, epoch=1, time_ms=7, engine="1")


def grown(*events: Event) -> Branch:
    body = Body(causes=(Cause(kind="start", count=len(events)),), events=events)
    return Branch("run_1", {"run_1": [(HEADER, body)]})


@pytest.mark.requirement("OBS-3", "ORC-5")
def test_what_a_priced_call_costs_stands_below_it_and_attempts_add_up() -> None:
    branch = grown()
    call = branch.add(branch.top, "call", "pay", call="c1-1")
    assumed = ToolCompleted(call="c1-1", text=DONE, cost=5, assumed=True)
    over = ToolCompleted(call="c1-1", text=DONE, cost=9, over_hold=True)
    back = ToolResolved(call="c1-1", happened=False, principal="ann", cost=-5)
    free = ToolCompleted(call="c1-1", text=DONE)
    for event in (assumed, over, back, free):
        branch.pay(call, event)
    assert [(each.status, each.cost) for each in call.children] == [
        ("assumed", 5),
        ("above the price", 9),
        ("taken back", -5),
    ]


@pytest.mark.requirement("OBS-3")
def test_what_a_model_call_used_stands_below_its_thought() -> None:
    branch = grown()
    thought = branch.add(branch.top, "thought", "m")
    branch.spend(thought, Usage(input=3, output=4), 12, "assumed")
    (spent,) = thought.children
    assert (spent.kind, spent.status, spent.cost, spent.usage) == (
        "spend",
        "assumed",
        12,
        Usage(input=3, output=4),
    )
    assert (thought.cost, thought.usage) == (12, spent.usage)
    assert branch.top.time_ms == 7


@pytest.mark.requirement("TOOL-17")
def test_where_an_answer_came_from_and_what_its_program_was_refused_stand_at_its_call() -> None:
    branch = grown()
    call = branch.add(branch.top, "call", "look", call="c1-1")
    hosts = (Clean.vouch("evil.example:443"),)
    branch.mark(call, ToolCompleted(call="c1-1", text=DONE, refused_hosts=hosts), ("untrusted",))
    (note,) = call.children
    assert (note.label, note.text, note.status) == ("network", "evil.example:443", "refused")
    assert call.labels == ("untrusted",)
