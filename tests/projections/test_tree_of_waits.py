"""The decision tree tells what waits to leave, what for, and who called it back."""

import pytest

from remit.journal.events import CallRecalled, ToolDelayed, ToolFailed, ToolPostponed
from tests.projections.facts import START_MS, clean
from tests.projections.test_tree import of_call


@pytest.mark.requirement("TOOL-14")
def test_a_delayed_call_and_who_called_it_back() -> None:
    assert of_call(
        ToolDelayed(call="c1-1", until_ms=START_MS + 303_000),
        CallRecalled(call="c1-1", principal="ann", reason=clean("wrong")),
        ToolFailed(call="c1-1", kind="cancelled", text=clean("called back")),
    ) == [
        ("note", "delayed", "", "leaves in 5 min 0 s, until then it can be called back"),
        ("note", "called back", "", "wrong"),
        ("error", "cancelled", "", "called back"),
    ]


@pytest.mark.requirement("TOOL-15")
def test_a_call_that_waits_for_its_rate() -> None:
    rate = "rate:pay_bill,ann|minute:1970-01-01T00:16|calls"
    assert of_call(ToolPostponed(call="c1-1", until_ms=START_MS + 23_000, account=rate)) == [
        ("note", "rate", "", f"{rate} is used up, it waits 20.0 s")
    ]
