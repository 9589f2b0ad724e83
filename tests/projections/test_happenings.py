"""What a tenant's watchers are told of each event, in a few words, and what is none of theirs."""

import pytest

from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    AssumptionCorrected,
    BudgetRefused,
    BudgetSet,
    BudgetWarned,
    CancelRequested,
    CostAlerted,
    Event,
    InputReceived,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    NoticeFailed,
    PaymentReceived,
    PlanAssigned,
    PlanLowered,
    PlanRaised,
    PlanRefused,
    ProbeCompleted,
    RunEnded,
    RunRecovered,
    RuntimeSaid,
    TargetSwitched,
    ToolCompleted,
    ToolFailed,
    ToolResolved,
    ToolUnknown,
)
from remit.projections.happenings import happenings_of
from remit.values.usage import Usage
from tests.projections.facts import clean, started

SAY = clean("why\n  not")
USED = Usage(input=7, output=3)
TABLE: tuple[tuple[Event, dict[str, object] | None], ...] = (
    (started(), {"kind": "run-began", "agent": "clerk", "user": "ann", "session": "s1"}),
    (
        RunEnded(status="stopped", reason="budget", detail=SAY, cost=9),
        {"kind": "run-ended", "status": "stopped", "text": "budget: why not", "total": 9},
    ),
    (
        RunEnded(status="completed", reason="done"),
        {"kind": "run-ended", "status": "completed", "text": "done"},
    ),
    (
        RunRecovered(epoch=2, in_doubt=("c1", "c2")),
        {"kind": "run-recovered", "text": "c1, c2"},
    ),
    (
        CancelRequested(principal="ann", reason=SAY),
        {"kind": "cancel-asked", "principal": "ann", "text": "why not"},
    ),
    (
        ApprovalRequested(
            approval="a1", call="c1", tool="refund", digest="d", needed=1, rule="r",
            reason=SAY, expires_ms=5,
        ),
        {"kind": "approval-asked", "ref": "a1", "name": "refund", "text": "why not",
         "until_ms": 5},
    ),
    (
        ApprovalGiven(approval="a1", digest="d", principal="bob", channel="console"),
        {"kind": "approval-answered", "ref": "a1", "status": "approved", "principal": "bob"},
    ),
    (
        ApprovalDenied(approval="a1", principal="bob", channel="console", comment=SAY),
        {"kind": "approval-answered", "ref": "a1", "status": "denied", "principal": "bob",
         "text": "why not"},
    ),
    (
        ApprovalExpired(approval="a1"),
        {"kind": "approval-answered", "ref": "a1", "status": "expired"},
    ),
    (
        InputRequested(question="q1", call="c1", key="k", text=SAY, answer_schema="{}", cost=4),
        {"kind": "question-asked", "ref": "q1", "text": "why not", "cost": 4},
    ),
    (
        InputReceived(question="q1", principal="bob", channel="console", value=clean("1")),
        {"kind": "question-answered", "ref": "q1", "principal": "bob"},
    ),
    (
        ModelCompleted(call="c1", parts=(), stop="end", usage=USED, model="x", cost=8),
        {"kind": "model-answered", "name": "x", "cost": 8, "input": 7, "output": 3},
    ),
    (
        ModelFailed(call="c1", kind="server", detail=SAY, model="x", usage=USED, cost=2),
        {"kind": "model-failed", "name": "x", "status": "server", "text": "why not", "cost": 2,
         "input": 7, "output": 3},
    ),
    (
        ModelFailed(call="c1", kind="in_doubt"),
        {"kind": "model-failed", "status": "in_doubt"},
    ),
    (ToolCompleted(call="c1", text=SAY), None),
    (ToolCompleted(call="c1", text=SAY, cost=5), {"kind": "spent", "ref": "c1", "cost": 5}),
    (
        ToolFailed(call="c1", kind="denied", text=SAY),
        {"kind": "tool-failed", "ref": "c1", "status": "denied", "text": "why not"},
    ),
    (
        ToolUnknown(call="c1", reason=SAY, cost=6),
        {"kind": "doubt", "ref": "c1", "text": "why not", "cost": 6},
    ),
    (ProbeCompleted(call="c1", verdict="unknown"), None),
    (
        ProbeCompleted(call="c1", verdict="absent", cost=-6),
        {"kind": "doubt-resolved", "ref": "c1", "status": "absent", "cost": -6},
    ),
    (
        ToolResolved(call="c1", happened=True, principal="bob"),
        {"kind": "doubt-resolved", "ref": "c1", "status": "happened", "principal": "bob"},
    ),
    (
        ToolResolved(call="c1", happened=False, principal="bob", cost=-6),
        {"kind": "doubt-resolved", "ref": "c1", "status": "absent", "principal": "bob",
         "cost": -6},
    ),
    (
        AssumptionCorrected(
            provider="sim", day="2026-11-21", run="run_7", call="c1", model="m", assumed=100,
            billed=40,
        ),
        {"kind": "spent", "run": "run_7", "ref": "c1", "name": "m", "cost": -60},
    ),
    (
        BudgetWarned(account="user:ann|day|nano", used=8, limit=10),
        {"kind": "budget", "status": "warned", "name": "user:ann|day|nano"},
    ),
    (
        CostAlerted(account="a", used=8, limit=10),
        {"kind": "budget", "status": "alert", "name": "a"},
    ),
    (
        BudgetRefused(call="c1", account="a", needed=3, available=2, limit=10),
        {"kind": "budget", "status": "refused", "name": "a", "ref": "c1"},
    ),
    (
        BudgetSet(account="a", limit=3, principal="bob", reason=SAY),
        {"kind": "budget", "status": "set", "name": "a", "principal": "bob", "text": "why not"},
    ),
    (
        PlanRefused(plan="free", what="model", name="big"),
        {"kind": "plan", "status": "refused", "name": "free", "text": "big"},
    ),
    (
        PlanRaised(plan="pro", previous="free", reason="paid"),
        {"kind": "plan", "status": "raised", "name": "pro", "text": "paid"},
    ),
    (
        PlanLowered(plan="free", previous="pro", reason="ended"),
        {"kind": "plan", "status": "lowered", "name": "free", "text": "ended"},
    ),
    (
        PlanAssigned(plan="pro", principal="bob"),
        {"kind": "plan", "status": "assigned", "name": "pro", "principal": "bob"},
    ),
    (
        PaymentReceived(
            provider="stripe", event="e1", kind="k", created_ms=1, meaning="paid", plan="pro"
        ),
        {"kind": "payment", "status": "paid", "name": "pro"},
    ),
    (
        NoticeFailed(channel="slack", run="run_7", ref="a1", attempts=3, error=SAY),
        {"kind": "notice-failed", "run": "run_7", "ref": "a1", "name": "slack",
         "text": "why not"},
    ),
    (
        TargetSwitched(target="all", off=True, principal="bob", reason=SAY, until_ms=9),
        {"kind": "switch", "name": "all", "status": "off", "principal": "bob",
         "text": "why not", "until_ms": 9},
    ),
    (
        TargetSwitched(target="all", off=False, principal="bob"),
        {"kind": "switch", "name": "all", "status": "on", "principal": "bob"},
    ),
    (RuntimeSaid(text=SAY), None),
)  # fmt: skip


@pytest.mark.requirement("UX-2")
@pytest.mark.parametrize(
    ("event", "told"), TABLE, ids=[f"{n}-{event.type}" for n, (event, _) in enumerate(TABLE)]
)
def test_each_event_is_told_so(event: Event, told: dict[str, object] | None) -> None:
    found = happenings_of("run_1", (event,))
    wanted = [] if told is None else [{"run": "run_1", **told}]
    assert [each.model_dump(exclude_defaults=True) for each in found] == wanted


def test_a_record_may_tell_several_and_long_texts_are_cut() -> None:
    long = clean("word " * 100)
    found = happenings_of(
        "run_1",
        (ToolFailed(call="c1", kind="error", text=long), RunEnded(status="stopped", reason="x")),
    )
    assert [each.kind for each in found] == ["tool-failed", "run-ended"]
    assert len(found[0].text) == 200
    assert found[0].text.endswith("…")
