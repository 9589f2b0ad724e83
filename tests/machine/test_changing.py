"""The quick copy gives what `dataclasses.replace` gives, and refuses what that refuses."""

import dataclasses

import pytest

from remit.machine.changing import replace
from remit.machine.state import CallState
from tests.machine.bench import Bench, make_agent

CALL = CallState(call="c1-1", spec=None, tool="x", provider_id="", arguments="{}")


def test_a_copy_has_the_changes_and_everything_else() -> None:
    changed = replace(CALL, status="queued", given=("ann",))
    assert changed == dataclasses.replace(CALL, status="queued", given=("ann",))
    assert (CALL.status, CALL.given) == ("proposed", ())


def test_a_whole_state_is_copied() -> None:
    bench = Bench(make_agent())
    bench.start()
    assert replace(bench.state) == bench.state
    assert replace(bench.state, turns=9) == dataclasses.replace(bench.state, turns=9)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="CallState has no field colour, size"):
        replace(CALL, size=1, colour=2)  # type: ignore[call-arg]  # what is refused


def test_a_copy_is_as_frozen_as_the_original() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(CALL).status = "done"  # type: ignore[misc]  # what is refused
