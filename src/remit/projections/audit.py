"""One line for every decision on a tool call: what was to be done, who and which rule decided."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    HookAnswered,
    ModelCompleted,
    OutputEscalated,
    RunStarted,
    ToolFailed,
)
from remit.policy.permission import Effect
from remit.projections.timeline import Pair, Told, timeline
from remit.values.message import CallPart

What = Literal["judged", "stood-in", "approved", "denied", "expired", "refused"]
"""judged: by rules and limits; stood-in: the same, of a tool that stands in for one that does not
work; approved, denied: one human's word; expired: nobody agreed in time;
refused: a call that was let through failed a later check, such as a switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about one call.

    `principal` is the person for whom the call was proposed where rules decided, and the human
    where a human did. `arguments` are the ones decided on, as JSON text.
    """

    time_ms: int
    tenant: str
    run: str
    version: int
    agent: str
    call: str
    tool: str
    arguments: str
    digest: str
    """Of the exact validated call; empty where the arguments were not valid."""
    what: What
    effect: Effect
    rule: str
    reason: str
    principal: str
    channel: str = ""


@dataclass(slots=True)
class _Run:
    """What is known of one run so far."""

    agent: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    last: dict[str, Decision] = field(default_factory=dict)
    """The newest decision on each call that has an approval or a verdict."""
    approvals: dict[str, str] = field(default_factory=dict)


def decisions(pairs: Iterable[Pair]) -> list[Decision]:
    """Every decision in these records, in their order; exactly one `judged` per proposed call."""
    runs: dict[tuple[str, str], _Run] = {}
    found: list[Decision] = []
    for told in timeline(pairs):
        run = runs.setdefault((told.header.tenant, told.header.run), _Run())
        decision = _decision(run, told)
        if decision is not None:
            run.last[decision.call] = decision
            found.append(decision)
    return found


def proposed(pairs: Iterable[Pair]) -> int:
    """How many tool calls models proposed, in answers that were not cut and dropped."""
    count = last = 0
    for told in timeline(pairs):
        if isinstance(told.event, ModelCompleted):
            last = sum(isinstance(part, CallPart) for part in told.event.parts)
            count += last
        elif isinstance(told.event, OutputEscalated):
            count -= last
    return count


def _decision(run: _Run, told: Told) -> Decision | None:
    match told.event:
        case RunStarted() as event:
            run.agent = event.agent
        case ModelCompleted() as event:
            calls = [part for part in event.parts if isinstance(part, CallPart)]
            run.arguments |= {part.call: str(part.arguments) for part in calls}
        case HookAnswered(arguments=str()) as event:
            run.arguments[event.call] = str(event.arguments)
        case ApprovalRequested() as event:
            run.approvals[event.approval] = event.call
        case CallJudged() as event:
            return _judged(run, told, event)
        case ApprovalGiven() | ApprovalDenied() | ApprovalExpired() as event:
            last = run.last.get(run.approvals.get(event.approval, ""))
            return None if last is None else _human(_later(told, last), event)
        case ToolFailed(kind="denied") as event:
            return _refused(run.last.get(event.call), told, event)
        case _:
            pass
    return None


def _refused(last: Decision | None, told: Told, event: ToolFailed) -> Decision | None:
    """What was let through and refused later; a call that was denied at once is told already."""
    if last is None or last.effect != "allow":
        return None
    text = str(event.text)
    return replace(_later(told, last), what="refused", effect="deny", rule=event.rule, reason=text)


def _judged(run: _Run, told: Told, event: CallJudged) -> Decision:
    return Decision(
        time_ms=told.time_ms,
        tenant=told.header.tenant,
        run=told.header.run,
        version=told.header.version,
        agent=run.agent,
        call=event.call,
        tool=event.tool,
        arguments=run.arguments.get(event.call, ""),
        digest=event.digest,
        what="stood-in" if event.instead_of else "judged",
        effect=event.effect,
        rule=event.rule,
        reason=str(event.reason),
        principal=event.principal,
    )


def _later(told: Told, last: Decision) -> Decision:
    return replace(last, time_ms=told.time_ms, version=told.header.version, channel="")


def _human(now: Decision, event: ApprovalGiven | ApprovalDenied | ApprovalExpired) -> Decision:
    match event:
        case ApprovalGiven():
            changed = now.arguments if event.arguments is None else str(event.arguments)
            return replace(
                now,
                what="approved",
                effect="allow",
                arguments=changed,
                digest=event.digest,
                reason=str(event.comment),
                principal=event.principal,
                channel=event.channel,
            )
        case ApprovalDenied():
            return replace(
                now,
                what="denied",
                effect="deny",
                reason=str(event.comment),
                principal=event.principal,
                channel=event.channel,
            )
        case _:
            why = "nobody agreed in time"
            return replace(now, what="expired", effect="deny", reason=why, principal="")
