"""A draft's state is the fold of the events it has collected, at the time of its world."""

from remit.journal.events import CancelRequested, Event, RunStopping
from remit.machine.draft import Draft
from remit.machine.evolve import evolve
from tests.machine.bench import Bench, make_agent
from tests.machine.people import clean


def test_a_draft_folds_what_it_collects_and_leaves_the_state_it_began_with() -> None:
    bench = Bench(make_agent())
    bench.start()
    bench.pass_ms(5)
    draft = Draft(bench.state, bench.world)
    events: list[Event] = [
        CancelRequested(principal="ann", reason=clean("enough")),
        RunStopping(reason="cancelled"),
    ]
    for event in events:
        draft.add(event)
    assert draft.events == events
    folded = bench.state
    for event in events:
        folded = evolve(folded, event, bench.world.now_ms)
    assert draft.state == folded
    assert draft.state.stopping_ms == bench.world.now_ms
    assert bench.state.phase == "thinking"
