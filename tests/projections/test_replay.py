"""A replay shows the run after each record, and ends where the run was."""

import pytest

from remit.errors import StoreCorrupt
from remit.projections.replay import steps
from tests.machine.bench import Bench, make_agent
from tests.machine.toolbox import look_up
from tests.projections.facts import asked, records
from tests.projections.journals import pairs_of


@pytest.mark.requirement("AUD-5")
def test_each_step_is_the_state_after_its_record() -> None:
    bench = Bench(make_agent(look_up))
    bench.start()
    bench.answer("Let me look.", ("look_up", '{"path":"a"}'))
    bench.done()
    bench.answer("Done.")
    found = list(steps(bench.first, pairs_of(bench)))
    assert [step.header.version for step in found] == [1, 2, 3, 4]
    assert [step.state.phase for step in found] == ["thinking", "acting", "thinking", "ended"]
    assert found[-1].state == bench.state
    assert [before for before, *_ in bench.inputs[1:]] == [step.state for step in found[:-1]]


def test_what_cannot_follow_is_refused() -> None:
    bench = Bench(make_agent(look_up))
    with pytest.raises(StoreCorrupt, match="cannot come before RunStarted"):
        list(steps(bench.first, records(asked())))
