"""Requests to humans among the events of a record."""

from remit.journal.events import ApprovalRequested, InputRequested, ToolQueued
from remit.projections.asking import Asked, asked
from remit.values.clean import Clean


def test_requests_are_found_in_order() -> None:
    approval = ApprovalRequested(
        approval="run_1:c1-1",
        call="c1-1",
        tool="t",
        digest="d",
        needed=1,
        rule="r",
        reason=Clean.vouch("why"),
        expires_ms=9,
    )
    question = InputRequested(
        question="run_1:c2:q1", call="c2", key="k", text=Clean.vouch("?"), answer_schema="{}"
    )
    found = asked("acme", "run_1", [ToolQueued(call="c1"), question, approval])
    assert found == (
        Asked(tenant="acme", run="run_1", ref="run_1:c2:q1", kind="question"),
        Asked(tenant="acme", run="run_1", ref="run_1:c1-1", kind="approval", expires_ms=9),
    )
    assert asked("acme", "run_1", []) == ()
