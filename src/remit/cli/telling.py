"""One line of plain words for each event of the journal."""

from collections.abc import Callable

from remit.cli.output import iso
from remit.cli.plain import one_line
from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    BudgetRefused,
    BudgetSet,
    BudgetWarned,
    CallJudged,
    CheckCompleted,
    CostAlerted,
    Event,
    HookAnswered,
    InputCounted,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    PaymentReceived,
    RunEnded,
    RunRecovered,
    RunStarted,
    SubrunEnded,
    TargetSwitched,
    ToolCompleted,
    ToolDegraded,
    ToolFailed,
    ToolResolved,
    ToolUnknown,
)
from remit.policy.revert import revert_of
from remit.projections.remarks import remark
from remit.values.account import unit_of
from remit.values.media import described
from remit.values.message import CallPart, TextPart
from remit.values.money import format_amount, format_usd

_LINE = 120


def _started(event: RunStarted) -> str:
    said = " ".join(
        part.text if isinstance(part, TextPart) else described(part) for part in event.input
    )
    return f"{event.agent} is asked by {event.user}: {said}"


def _switched(event: TargetSwitched) -> str:
    off, on = ("off", "on") if revert_of(event.target) is None else ("in force", "lifted")
    return f"{event.target} {off if event.off else on} by {event.principal}: {event.reason}"


def _recovered(event: RunRecovered) -> str:
    return f"another driver took over; in doubt: {', '.join(event.in_doubt) or 'nothing'}"


def _ended(event: RunEnded) -> str:
    why = event.reason + (f": {event.detail}" if event.detail else "")
    return f"{event.status} ({why}), {event.turns} turns, {format_usd(event.cost)}"


def _asked_model(event: ModelRequested) -> str:
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return f"{event.call} {event.model}, {event.messages} messages{again}"


def _answered_model(event: ModelCompleted) -> str:
    text = " ".join(part.text for part in event.parts if isinstance(part, TextPart))
    calls = ", ".join(part.tool for part in event.parts if isinstance(part, CallPart))
    wants = f" wants {calls}" if calls else ""
    said = f": {text}" if text else ""
    return f"{event.call} {format_usd(event.cost)}{wants}{said}"


def _hooked(event: HookAnswered) -> str:
    said = event.reason if event.arguments is None else event.arguments
    return f"{event.call} {event.word} by hook.{event.hook}: {said}"


def _judged(event: CallJudged) -> str:
    return f"{event.call} {event.tool}: {event.effect} by {event.rule} ({event.reason})"


def _degraded(event: ToolDegraded) -> str:
    instead = event.to or "its last good answer"
    return f"{event.call} {event.tool} does not work, {instead} is tried: {event.reason}"


def _approval(event: ApprovalRequested) -> str:
    seen = "" if event.preview is None else f", who see what it would do: {event.preview.sums}"
    return f"{event.approval} {event.tool}: {event.needed} must agree ({event.reason}){seen}"


def _agreed(event: ApprovalGiven) -> str:
    changed = "" if event.arguments is None else f" with {event.arguments}"
    said = f": {event.comment}" if event.comment else ""
    return f"{event.approval} by {event.principal} ({event.channel}){changed}{said}"


def _budget(event: BudgetRefused) -> str:
    unit = unit_of(event.account)
    needed, left = format_amount(unit, event.needed), format_amount(unit, event.available)
    return f"{event.account}: {needed} needed, {left} left of {format_amount(unit, event.limit)}"


def _warned(event: BudgetWarned | CostAlerted) -> str:
    unit = unit_of(event.account)
    used, limit = format_amount(unit, event.used), format_amount(unit, event.limit)
    return f"{event.account}: {used} of {limit} used"


def _limited(event: BudgetSet) -> str:
    to = "unset" if event.limit is None else format_amount(unit_of(event.account), event.limit)
    return f"{event.account}: {to} by {event.principal} {event.reason}"


def _answer_came(event: SubrunEnded) -> str:
    return f"{event.call} {event.status} ({event.reason}): {event.text}"


def _check(event: CheckCompleted) -> str:
    return f"{'passed' if event.passed else 'failed'} {event.detail}"


def _resolved(event: ToolResolved) -> str:
    happened = "happened" if event.happened else "did not happen"
    return f"{event.call} {happened}{_cost(event.cost)}, says {event.principal}: {event.text}"


def _payment(event: PaymentReceived) -> str:
    about = event.subscription or event.payment or event.charge or event.customer
    sold = f" for {event.plan}" if event.plan else ""
    status = f" {event.status}" if event.status else ""
    return f"{event.kind} {event.event}: {about} {event.meaning}{status}{sold}"


def _outcome(event: ToolCompleted | ToolFailed | ToolUnknown) -> str:
    kind = f" {event.kind}" if isinstance(event, ToolFailed) else ""
    text = event.reason if isinstance(event, ToolUnknown) else event.text
    return f"{event.call}{kind}{_cost(event.cost, assumed=event.assumed)}: {text}"


def _cost(cost: int, *, assumed: bool = False) -> str:
    if not cost:
        return ""
    return f" {format_usd(cost)}{' assumed' if assumed else ''}"


def _tokens(event: InputCounted) -> str:
    return f"not counted: {event.detail}" if event.tokens is None else f"{event.tokens} tokens"


def _failed_model(event: ModelFailed) -> str:
    assumed = f", {format_usd(event.cost)} assumed" if event.assumed else ""
    return f"{event.call} {event.kind}{assumed}: {event.detail}"


def _remark(event: Event) -> str:
    said = remark(event)
    return "" if said is None else said[1]


_WORDS: dict[str, Callable[..., str]] = {
    "ApprovalDenied": lambda it: f"{it.approval} by {it.principal} ({it.channel}) {it.comment}",
    "ApprovalExpired": lambda it: it.approval,
    "ApprovalGiven": _agreed,
    "ApprovalRequested": _approval,
    "ApprovalsDelegated": lambda it: f"{it.person} to {it.to or 'nobody'} by {it.principal}",
    "AssumptionCorrected": lambda it: (
        f"{it.run} {it.call}: {format_usd(it.assumed)} assumed, {format_usd(it.billed)} billed"
    ),
    "BudgetRefused": _budget,
    "BudgetSet": _limited,
    "BudgetWarned": _warned,
    "CostAlerted": _warned,
    "HookAnswered": _hooked,
    "CallJudged": _judged,
    "ToolDegraded": _degraded,
    "CallRecalled": lambda it: f"{it.call} by {it.principal} {it.reason}",
    "CancelRequested": lambda it: f"by {it.principal} {it.reason}",
    "CheckCompleted": _check,
    "CheckRequested": lambda it: it.call,
    "ClockPaused": lambda _: "only humans and sub-runs are waited for",
    "ClockResumed": lambda _: "",
    "CountRequested": lambda it: f"{it.call} {it.model}, {it.messages} messages",
    "InputCounted": lambda it: f"{it.call} {_tokens(it)}",
    "InboxIgnored": lambda it: f"{it.what} {it.ref} {it.principal}: {it.reason}",
    "InputReceived": lambda it: f"{it.question} by {it.principal} ({it.channel}): {it.value}",
    "InputRequested": lambda it: f"{it.question}{_cost(it.cost)}: {it.text}",
    "ModelCompleted": _answered_model,
    "ModelFailed": _failed_model,
    "ModelRequested": _asked_model,
    **dict.fromkeys(
        ("ContinuationAsked", "ModelDrifted", "ModelSwitched", "OutputEscalated", "WrapUpAsked"),
        _remark,
    ),
    "KeyIssued": lambda it: f"{it.key} {it.name} by {it.principal}",
    "KeyRevoked": lambda it: f"{it.key} by {it.principal} {it.reason}",
    "KeyUsed": lambda it: it.key,
    "PeersAborted": _remark,
    "NoticeFailed": lambda it: f"{it.channel} {it.ref} {it.person}: {it.error}",
    "PasswordSet": lambda it: f"{it.user} by {it.principal}",
    "PayerLinked": lambda it: f"{it.tenant} {it.holder}",
    "PaymentIgnored": lambda it: f"{it.provider} {it.kind} {it.event}: {it.reason}",
    "PaymentReceived": _payment,
    "PlanAssigned": lambda it: f"{it.plan or 'as paid'} by {it.principal} {it.reason}",
    "PlanChanged": lambda it: it.plan.name,
    "PlanLowered": lambda it: f"{it.previous} to {it.plan} ({it.reason}) {it.event}",
    "PlanRaised": lambda it: f"{it.previous} to {it.plan} ({it.reason}) {it.event}",
    "PlanRefused": lambda it: f"the plan {it.plan} does not include the {it.what} {it.name}",
    "ProbeCompleted": lambda it: f"{it.call} {it.verdict}{_cost(it.cost)}: {it.text}",
    "ProbeRequested": lambda it: f"{it.call} attempt {it.attempt}",
    "ReconciliationFailed": lambda it: f"{it.provider} {it.day} {it.kind}: {it.detail}",
    "ReconciliationFinished": lambda it: (
        f"{it.provider} {it.day}: {it.matched} matched, {it.beyond} beyond tolerance"
    ),
    "RequestAccepted": lambda it: f"{it.run} by {it.principal} until {iso(it.until_ms)}",
    "RetryPlanned": lambda it: f"{it.call} attempt {it.attempt}",
    "RunEnded": _ended,
    "RunRecovered": _recovered,
    "RunStarted": _started,
    "RunStopping": lambda it: f"{it.reason} {it.detail}",
    "RuntimeSaid": lambda it: it.text,
    "ServerToolStopped": lambda it: f"{it.server}/{it.tool} is not {it.accepted[:12]} any more",
    "ServerToolAccepted": lambda it: f"{it.server}/{it.tool} as {it.digest[:12]} by {it.principal}",
    "SessionEnded": lambda it: f"{it.session} by {it.principal}",
    "SessionOpened": lambda it: f"{it.session} of {it.principal} until {iso(it.until_ms)}",
    "StandInInspected": lambda it: f"{it.call} {it.tool}",
    "SubrunEnded": _answer_came,
    "SubrunRequested": lambda it: f"{it.call} {it.agent}: {it.brief}",
    "TargetSwitched": _switched,
    "ToolCompleted": _outcome,
    "ToolDelayed": lambda it: f"{it.call} until {iso(it.until_ms)}",
    "ToolFailed": _outcome,
    "ToolPostponed": lambda it: f"{it.call} until {iso(it.until_ms)}: {it.account} is used up",
    "ToolQueued": lambda it: it.call,
    "ToolRequested": lambda it: f"{it.call} attempt {it.attempt}",
    "ToolResolved": _resolved,
    "ToolUnknown": _outcome,
    "UserBarred": lambda it: f"{it.user} {'barred' if it.barred else 'let in'} by {it.principal}",
    "UserGranted": lambda it: f"{it.user} by {it.principal}",
}


def tell(event: Event) -> str:
    """What happened, in one line, safe for a terminal; the event's name is not repeated."""
    return one_line(_WORDS[event.type](event), _LINE)
