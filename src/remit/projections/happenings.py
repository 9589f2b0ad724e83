"""What people who watch a tenant want to know of a record, in a few words: happenings."""

from functools import singledispatch
from typing import Literal

from pydantic import BaseModel, ConfigDict

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
    RunStarted,
    TargetSwitched,
    ToolCompleted,
    ToolFailed,
    ToolResolved,
    ToolUnknown,
)
from remit.policy.revert import revert_of
from remit.values.usage import Usage

Kind = Literal[
    "run-began",
    "run-ended",
    "run-recovered",
    "cancel-asked",
    "approval-asked",
    "approval-answered",
    "question-asked",
    "question-answered",
    "model-answered",
    "model-failed",
    "tool-failed",
    "doubt",
    "doubt-resolved",
    "spent",
    "budget",
    "plan",
    "payment",
    "notice-failed",
    "switch",
]
# A line on a page; who wants more opens the run.
_TEXT_CHARS = 200


class Happening(BaseModel):
    """One thing that happened. Fields that say nothing keep their default and are not sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    run: str = ""
    """Empty for what concerns no run."""
    parent: str = ""
    agent: str = ""
    user: str = ""
    session: str = ""
    ref: str = ""
    """Of an approval or a question; of a call in doubt."""
    name: str = ""
    """Of a tool, model, account, plan or switch's target."""
    status: str = ""
    """How it ended or was answered."""
    principal: str = ""
    text: str = ""
    until_ms: int | None = None
    cost: int = 0
    """Nano-dollars that this added to what was spent; less than 0 where some is given back."""
    total: int = 0
    """Nano-dollars that a run cost as a whole, its sub-runs too."""
    input: int = 0
    output: int = 0
    """Tokens."""


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT_CHARS else f"{flat[: _TEXT_CHARS - 1]}…"


@singledispatch
def _tell(_event: BaseModel) -> Happening | None:
    """Most events are for who looks into the run."""
    return None


@_tell.register
def _began(event: RunStarted) -> Happening:
    return Happening(
        kind="run-began",
        agent=event.agent,
        user=event.user,
        session=event.session,
        parent=event.parent or "",
    )


@_tell.register
def _ended(event: RunEnded) -> Happening:
    text = _line(f"{event.reason}: {event.detail}" if event.detail else event.reason)
    return Happening(kind="run-ended", status=event.status, text=text, total=event.cost)


@_tell.register
def _recovered(event: RunRecovered) -> Happening:
    return Happening(kind="run-recovered", text=", ".join(event.in_doubt[:9]))


@_tell.register
def _cancel(event: CancelRequested) -> Happening:
    return Happening(kind="cancel-asked", principal=event.principal, text=_line(event.reason))


@_tell.register
def _approval(event: ApprovalRequested) -> Happening:
    return Happening(
        kind="approval-asked",
        ref=event.approval,
        name=event.tool,
        text=_line(event.reason),
        until_ms=event.expires_ms,
    )


@_tell.register
def _given(event: ApprovalGiven) -> Happening:
    return _answered(event.approval, "approved", event.principal, event.comment)


@_tell.register
def _denied(event: ApprovalDenied) -> Happening:
    return _answered(event.approval, "denied", event.principal, event.comment)


@_tell.register
def _expired(event: ApprovalExpired) -> Happening:
    return _answered(event.approval, "expired", "", "")


def _answered(ref: str, status: str, principal: str, text: str) -> Happening:
    return Happening(
        kind="approval-answered", ref=ref, status=status, principal=principal, text=_line(text)
    )


@_tell.register
def _question(event: InputRequested) -> Happening:
    return Happening(
        kind="question-asked", ref=event.question, text=_line(event.text), cost=event.cost
    )


@_tell.register
def _received(event: InputReceived) -> Happening:
    return Happening(kind="question-answered", ref=event.question, principal=event.principal)


@_tell.register
def _model(event: ModelCompleted) -> Happening:
    return _used("model-answered", event.model, event.usage, event.cost)


@_tell.register
def _model_failed(event: ModelFailed) -> Happening:
    found = _used("model-failed", event.model, event.usage or Usage(), event.cost)
    return found.model_copy(update={"status": event.kind, "text": _line(event.detail)})


def _used(kind: Kind, model: str, usage: Usage, cost: int) -> Happening:
    return Happening(kind=kind, name=model, cost=cost, input=usage.input, output=usage.output)


@_tell.register
def _tool(event: ToolCompleted) -> Happening | None:
    return Happening(kind="spent", ref=event.call, cost=event.cost) if event.cost else None


@_tell.register
def _tool_failed(event: ToolFailed) -> Happening:
    return Happening(
        kind="tool-failed",
        ref=event.call,
        status=event.kind,
        text=_line(event.text),
        cost=event.cost,
    )


@_tell.register
def _doubt(event: ToolUnknown) -> Happening:
    return Happening(kind="doubt", ref=event.call, text=_line(event.reason), cost=event.cost)


@_tell.register
def _probed(event: ProbeCompleted) -> Happening | None:
    if event.verdict == "unknown" and not event.cost:
        return None  # a human must say
    return Happening(kind="doubt-resolved", ref=event.call, status=event.verdict, cost=event.cost)


@_tell.register
def _resolved(event: ToolResolved) -> Happening:
    return Happening(
        kind="doubt-resolved",
        ref=event.call,
        status="happened" if event.happened else "absent",
        principal=event.principal,
        cost=event.cost,
    )


@_tell.register
def _corrected(event: AssumptionCorrected) -> Happening:
    cost = event.billed - event.assumed
    return Happening(kind="spent", run=event.run, ref=event.call, name=event.model, cost=cost)


@_tell.register
def _warned(event: BudgetWarned) -> Happening:
    return Happening(kind="budget", status="warned", name=event.account)


@_tell.register
def _alerted(event: CostAlerted) -> Happening:
    return Happening(kind="budget", status="alert", name=event.account)


@_tell.register
def _no_budget(event: BudgetRefused) -> Happening:
    return Happening(kind="budget", status="refused", name=event.account, ref=event.call)


@_tell.register
def _budget_set(event: BudgetSet) -> Happening:
    return Happening(
        kind="budget",
        status="set",
        name=event.account,
        principal=event.principal,
        text=_line(event.reason),
    )


@_tell.register
def _plan_refused(event: PlanRefused) -> Happening:
    return Happening(kind="plan", status="refused", name=event.plan, text=event.name)


@_tell.register
def _plan(event: PlanRaised | PlanLowered) -> Happening:
    status = "raised" if isinstance(event, PlanRaised) else "lowered"
    return Happening(kind="plan", status=status, name=event.plan, text=_line(event.reason))


@_tell.register
def _assigned(event: PlanAssigned) -> Happening:
    return Happening(kind="plan", status="assigned", name=event.plan, principal=event.principal)


@_tell.register
def _payment(event: PaymentReceived) -> Happening:
    return Happening(kind="payment", status=event.meaning, name=event.plan)


@_tell.register
def _untold(event: NoticeFailed) -> Happening:
    return Happening(
        kind="notice-failed",
        run=event.run,
        ref=event.ref,
        name=event.channel,
        text=_line(event.error),
    )


@_tell.register
def _switched(event: TargetSwitched) -> Happening:
    off, on = ("off", "on") if revert_of(event.target) is None else ("reverted", "lifted")
    return Happening(
        kind="switch",
        name=event.target,
        status=off if event.off else on,
        principal=event.principal,
        text=_line(event.reason),
        until_ms=event.until_ms,
    )


def happenings_of(run: str, events: tuple[Event, ...]) -> tuple[Happening, ...]:
    """What the events of one record of a run (or book) come to for who watches the tenant."""
    found = []
    for event in events:
        happening = _tell(event)
        if happening is not None:
            found.append(happening if happening.run else _in(run, happening))
    return tuple(found)


def _in(run: str, happening: Happening) -> Happening:
    return happening.model_copy(update={"run": run})
