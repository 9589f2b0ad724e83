"""The decision tree of a run: questions, thoughts, calls, verdicts, answers, errors and spend."""

from collections.abc import Callable, Iterable, Mapping

from remit.errors import NotFound
from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    BudgetRefused,
    BudgetWarned,
    CallJudged,
    CallRecalled,
    CancelRequested,
    CheckCompleted,
    CostAlerted,
    InboxIgnored,
    InputReceived,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    OutputEscalated,
    PlanChanged,
    PlanRefused,
    ProbeCompleted,
    RetryPlanned,
    RunEnded,
    RunRecovered,
    RunStarted,
    RunStopping,
    RuntimeSaid,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolDelayed,
    ToolFailed,
    ToolPostponed,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.projections.branch import Branch
from remit.projections.call_notes import degraded, hooked, result_hooked
from remit.projections.node import Node
from remit.projections.remarks import remark
from remit.projections.timeline import Pair, by_run, timeline
from remit.values.account import unit_of
from remit.values.clean import Clean
from remit.values.duration import spoken
from remit.values.media import described
from remit.values.message import CallPart, TextPart, ThinkingPart
from remit.values.money import format_amount


def decision_tree(pairs: Iterable[Pair], run: str | None = None) -> Node:
    """The tree of `run` (the first one by default) with the sub-runs whose records are there.

    Raises `NotFound` when there are no records of that run.
    """
    runs = by_run(pairs)
    name = next(iter(runs), "") if run is None else run
    if name not in runs:
        raise NotFound(f"there are no records of the run {name!r}")
    return _grow(name, runs)


def _grow(run: str, runs: Mapping[str, list[Pair]]) -> Node:
    branch = Branch(run, runs)
    for told in timeline(runs[run]):
        branch.now_ms = told.time_ms
        grow = _ON.get(told.event.type)
        said = remark(told.event)
        if grow is not None:
            grow(branch, told.event)
        elif said is not None:
            branch.add(branch.top, "note", *said)
    return branch.top


# ---------------------------------------------------------------- the run


def _started(to: Branch, event: RunStarted) -> None:
    to.top.label, to.top.principal = event.agent, event.user
    if event.continues is not None:
        to.add(to.top, "note", "continues", event.continues)
    for each in event.reverts:
        text = f"{each.agent} uses {each.to}"
        to.add(to.top, "note", f"{each.what} reverted", text, principal=each.principal)
    for part in event.input:
        text = part.text if isinstance(part, TextPart) else described(part)
        to.add(to.top, "question", part.origin.name or part.origin.kind, text)


def _recovered(to: Branch, event: RunRecovered) -> None:
    doubt = ", ".join(event.in_doubt) or "nothing"
    to.add(to.top, "note", "recovered", f"another driver took over; in doubt: {doubt}")


def _cancelled(to: Branch, event: CancelRequested) -> None:
    to.add(to.top, "note", "cancel", event.reason, principal=event.principal)


def _stopping(to: Branch, event: RunStopping) -> None:
    to.top.status = "stopping"
    to.add(to.top, "error", event.reason, event.detail, status="stopping")


def _said(to: Branch, event: RuntimeSaid) -> None:
    to.add(to.top, "question", "runtime", event.text)


def _checked(to: Branch, event: CheckCompleted) -> None:
    status = "passed" if event.passed else "failed"
    to.add(to.top, "verdict", "success", event.detail, status=status, rule="remit.success")


def _ended(to: Branch, event: RunEnded) -> None:
    if event.output is not None:
        to.add(to.top, "answer", to.top.label, event.output, status=event.status)
    to.top.status, to.top.ended_ms = event.status, to.now_ms
    to.top.text = event.reason if not event.detail else f"{event.reason}: {event.detail}"
    to.top.usage, to.top.cost = event.usage, event.cost


def _warned(to: Branch, event: BudgetWarned | CostAlerted) -> None:
    unit = unit_of(event.account)
    text = f"{format_amount(unit, event.used)} of {format_amount(unit, event.limit)} used"
    to.add(to.top, "note", event.account, text, status="warned")


def _refused(to: Branch, event: BudgetRefused) -> None:
    unit = unit_of(event.account)
    needed, left = format_amount(unit, event.needed), format_amount(unit, event.available)
    text = f"{needed} needed, {left} left of {format_amount(unit, event.limit)}"
    where = to.calls.get(event.call, to.top)  # a model call is refused before it has a node
    to.add(where, "error", event.account, text, status="refused", call=event.call)


def _changed(to: Branch, event: PlanChanged) -> None:
    to.add(to.top, "note", "plan", event.plan.name, status="changed")


def _outside(to: Branch, event: PlanRefused) -> None:
    text = f"the plan {event.plan} does not include the {event.what}"
    to.add(to.top, "error", event.name, text, status="refused", rule=f"plan.{event.plan}")


def _ignored(to: Branch, event: InboxIgnored) -> None:
    where = to.waiter(event.ref)
    to.add(where, "note", event.what, event.reason, status="ignored", principal=event.principal)


# ---------------------------------------------------------------- models


def _asked_model(to: Branch, event: ModelRequested) -> None:
    again = to.thought is not None and to.thought.call == event.call
    if not again:
        to.thought = to.add(to.top, "thought", event.model, call=event.call)
    _thought(to).status = "asked"


def _thought(to: Branch) -> Node:
    """The present thought; where its request was erased, a new one."""
    if to.thought is None:
        to.thought = to.add(to.top, "thought", "(erased)")
    return to.thought


def _thought_over(to: Branch, event: ModelCompleted) -> None:
    node = _thought(to)
    node.status, node.ended_ms = event.stop, to.now_ms
    texts = [str(part.text) for part in event.parts if isinstance(part, TextPart | ThinkingPart)]
    node.text = "\n".join(text for text in texts if text)
    to.spend(node, event.usage, event.cost, "above the hold" if event.over_hold else "")
    for part in event.parts:
        if isinstance(part, CallPart):
            call = to.add(node, "call", part.tool, part.arguments, status="proposed")
            call.call = part.call
            to.calls[part.call] = call


def _thought_failed(to: Branch, event: ModelFailed) -> None:
    node = _thought(to)
    node.status, node.ended_ms = "failed", to.now_ms
    to.add(node, "error", event.kind, event.detail)
    if event.cost:
        to.spend(node, event.usage, event.cost, "assumed" if event.assumed else "")


def _dropped(to: Branch, event: OutputEscalated) -> None:
    """Nothing came of the calls in an answer that was cut."""
    node = _thought(to)
    node.children = [child for child in node.children if child.kind != "call"]
    to.add(node, "note", *(remark(event) or ("", "")))


def _retry(to: Branch, event: RetryPlanned) -> None:
    wait = event.at_ms - to.now_ms
    to.add(_thought(to), "note", "retry", f"attempt {event.attempt} in {wait} ms")


# ---------------------------------------------------------------- calls


def _judged(to: Branch, event: CallJudged) -> None:
    node = to.call(event.call)
    node.status = event.effect
    to.add(
        node,
        "verdict",
        event.rule,
        event.reason,
        status=event.effect,
        call=event.call,
        rule=event.rule,
        principal=event.principal,
    )


def _delayed(to: Branch, event: ToolDelayed) -> None:
    node = to.call(event.call)
    node.status = "delayed"
    wait = spoken(event.until_ms - to.now_ms)
    to.add(node, "note", "delayed", f"leaves in {wait}, until then it can be called back")


def _postponed(to: Branch, event: ToolPostponed) -> None:
    node = to.call(event.call)
    node.status = "postponed"
    wait = spoken(event.until_ms - to.now_ms)
    to.add(node, "note", "rate", f"{event.account} is used up, it waits {wait}")


def _recalled(to: Branch, event: CallRecalled) -> None:
    node = to.call(event.call)
    to.add(node, "note", "called back", event.reason, principal=event.principal)


def _released(to: Branch, event: ToolRequested) -> None:
    node = to.call(event.call)
    node.status = "released"
    if event.attempt > 1:
        to.add(node, "note", "again", f"attempt {event.attempt}", call=event.call)


def _answered(to: Branch, event: ToolCompleted) -> None:
    node = to.settle(event.call, "recorded" if event.recorded_only else "done")
    text = str(event.text)
    result_hooked(to, node, event.hooks)
    to.add(node, "answer", node.label, text, status=node.status, call=event.call)
    to.mark(node, event, event.labels)
    to.pay(node, event)


def _failed(to: Branch, event: ToolFailed) -> None:
    node = to.settle(event.call, event.kind)
    result_hooked(to, node, event.hooks)
    to.add(node, "error", event.kind, event.text, call=event.call, rule=event.rule)
    to.mark(node, event, event.labels)
    to.pay(node, event)


def _unknown(to: Branch, event: ToolUnknown) -> None:
    node = to.call(event.call)
    node.status = "in doubt"
    to.add(node, "error", "in doubt", event.reason, call=event.call)
    to.mark(node, event, event.labels)
    to.pay(node, event)


def _probed(to: Branch, event: ProbeCompleted) -> None:
    node = to.call(event.call)
    to.add(node, "answer", "probe", event.text, status=event.verdict, call=event.call)
    to.pay(node, event)


def _resolved(to: Branch, event: ToolResolved) -> None:
    status = "happened" if event.happened else "did not happen"
    node = to.call(event.call)
    to.add(node, "answer", "human", event.text, status=status, principal=event.principal)
    to.pay(node, event)


def _handed_over(to: Branch, event: SubrunRequested) -> None:
    node = to.call(event.call)
    node.status = "released"
    if event.child in to.runs:
        node.children.append(_grow(event.child, to.runs))
        return
    child = to.add(node, "run", event.agent, status="no records")
    child.run = event.child


def _came_back(to: Branch, event: SubrunEnded) -> None:
    done = event.status == "completed"
    node = to.settle(event.call, "done" if done else "stopped")
    label = node.label if done else event.reason
    to.add(node, "answer" if done else "error", label, event.text, status=event.status)


# ---------------------------------------------------------------- humans


def _asked(to: Branch, event: ApprovalRequested) -> None:
    node = to.waiting[event.approval] = to.call(event.call)
    node.status = "asking"
    label = "one human" if event.needed == 1 else f"{event.needed} humans"
    asked = to.add(node, "approval", label, event.reason, status="asked", rule=event.rule)
    asked.ref = event.approval
    if event.preview is not None:
        more = f"\n[{event.preview.missing}]" if event.preview.missing else ""
        text = Clean.vouch(event.preview.text + more)
        to.add(asked, "note", f"would do {event.preview.sums}", text)


def _agreed(to: Branch, event: ApprovalGiven) -> None:
    node = to.waiter(event.approval)
    label = f"{event.principal} ({event.channel})"
    to.add(node, "approval", label, event.comment, status="given", principal=event.principal)
    if event.arguments is not None:
        to.add(node, "note", "changed arguments", event.arguments, principal=event.principal)


def _disagreed(to: Branch, event: ApprovalDenied) -> None:
    label = f"{event.principal} ({event.channel})"
    node = to.waiter(event.approval)
    to.add(node, "approval", label, event.comment, status="denied", principal=event.principal)


def _expired(to: Branch, event: ApprovalExpired) -> None:
    node = to.waiter(event.approval)
    to.add(node, "approval", "nobody", "nobody agreed in time", status="expired")


def _inquired(to: Branch, event: InputRequested) -> None:
    node = to.waiting[event.question] = to.call(event.call)
    node.status = "input"
    asked = to.add(node, "question", node.label, event.text, status="asked", call=event.call)
    asked.ref = event.question
    to.pay(node, event)


def _told(to: Branch, event: InputReceived) -> None:
    label = f"{event.principal} ({event.channel})"
    node = to.waiter(event.question)
    to.add(node, "answer", label, event.value, status="given", principal=event.principal)


_ON: dict[str, Callable[..., None]] = {
    "RunStarted": _started,
    "RunRecovered": _recovered,
    "CancelRequested": _cancelled,
    "RunStopping": _stopping,
    "RuntimeSaid": _said,
    "CheckCompleted": _checked,
    "RunEnded": _ended,
    "BudgetWarned": _warned,
    "CostAlerted": _warned,
    "BudgetRefused": _refused,
    "PlanChanged": _changed,
    "PlanRefused": _outside,
    "InboxIgnored": _ignored,
    "ModelRequested": _asked_model,
    "ModelCompleted": _thought_over,
    "ModelFailed": _thought_failed,
    "OutputEscalated": _dropped,
    "RetryPlanned": _retry,
    "HookAnswered": hooked,
    "CallJudged": _judged,
    "ToolDegraded": degraded,
    "ToolDelayed": _delayed,
    "ToolPostponed": _postponed,
    "CallRecalled": _recalled,
    "ToolRequested": _released,
    "ToolCompleted": _answered,
    "ToolFailed": _failed,
    "ToolUnknown": _unknown,
    "ProbeCompleted": _probed,
    "ToolResolved": _resolved,
    "SubrunRequested": _handed_over,
    "SubrunEnded": _came_back,
    "ApprovalRequested": _asked,
    "ApprovalGiven": _agreed,
    "ApprovalDenied": _disagreed,
    "ApprovalExpired": _expired,
    "InputRequested": _inquired,
    "InputReceived": _told,
}
"""Steps of the machinery (queued, probe and check requested, clock) are no nodes."""
