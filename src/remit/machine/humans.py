"""What humans say: approvals bound to the exact call, answers to questions, cancels."""

from remit.journal.events import (
    ApprovalDenied,
    ApprovalGiven,
    CancelRequested,
    InboxIgnored,
    InputReceived,
    ToolFailed,
    ToolQueued,
)
from remit.machine.draft import Draft
from remit.machine.inputs import Input
from remit.machine.judging import ask, verdict_on
from remit.machine.state import CallState
from remit.policy.permission import Verdict
from remit.values.clean import Clean


def ignore(draft: Draft, what: str, ref: str, reason: str, principal: str = "") -> None:
    """Journal that something arrived without effect, and why."""
    draft.add(InboxIgnored(what=what, ref=ref, principal=principal, reason=Clean.vouch(reason)))


def _asking(draft: Draft, approval: str) -> CallState | None:
    return next(
        (
            call
            for call in draft.state.calls
            if call.approval == approval and call.status == "asking"
        ),
        None,
    )


def _objection(draft: Draft, fact: ApprovalGiven | ApprovalDenied) -> str | None:
    call = _asking(draft, fact.approval)
    if call is None:
        return "nobody waits for this approval: it was answered, expired or replaced"
    if draft.world.now_ms >= call.expires_ms:
        return "it came too late"
    approvers = draft.state.spec.approvers
    if approvers and fact.principal not in approvers:
        return "this person is not among the approvers"
    if isinstance(fact, ApprovalGiven) and fact.principal in call.given:
        return "the same person has agreed already; another must"
    return None


def on_approval(draft: Draft, fact: ApprovalGiven, given: Input) -> None:
    """Someone agrees: to exactly this call, or to one with changed arguments."""
    objection = _objection(draft, fact)
    call = _asking(draft, fact.approval)
    if objection is not None or call is None:
        ignore(draft, "ApprovalGiven", fact.approval, objection or "", fact.principal)
        return
    if fact.arguments is not None:
        _approve_changed(draft, fact, call, given)
        return
    if fact.digest != call.digest:
        reason = "the approval is for another form of the call"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
        return
    now = given.inspections.get(call.call)
    if now is not None and now.digest != call.digest:
        reason = "what the call depends on has changed since; it is asked again"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
        ask(draft, call.call, Verdict("ask", call.rule, reason, call.needed), now.digest)
        return
    draft.add(fact)
    _go_if_enough(draft, call.call)


def _approve_changed(draft: Draft, fact: ApprovalGiven, call: CallState, given: Input) -> None:
    now = given.inspections.get(call.call)
    if now is None or now.error is not None:
        reason = f"the changed arguments are not valid: {now.error if now else 'not inspected'}"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
        return
    verdict = verdict_on(draft, call, now.arguments)
    if verdict.effect == "deny":
        reason = f"the changed call is refused: {verdict.reason} ({verdict.rule})"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
        return
    draft.add(fact.model_copy(update={"digest": now.digest}))
    _go_if_enough(draft, call.call)


def _go_if_enough(draft: Draft, name: str) -> None:
    call = draft.state.find(name)
    if call is not None and len(call.given) >= call.needed:
        draft.add(ToolQueued(call=name))


def on_denial(draft: Draft, fact: ApprovalDenied, _given: Input) -> None:
    """Someone refuses: one no is enough."""
    objection = _objection(draft, fact)
    call = _asking(draft, fact.approval)
    if objection is not None or call is None:
        ignore(draft, "ApprovalDenied", fact.approval, objection or "", fact.principal)
        return
    draft.add(fact)
    why = f": {fact.comment}" if fact.comment else ""
    text = Clean.vouch(f"refused: {fact.principal} did not agree{why}")
    draft.add(ToolFailed(call=call.call, kind="denied", text=text, rule=call.rule))


def on_answer(draft: Draft, fact: InputReceived, _given: Input) -> None:
    """A human answered a question; the call starts again with it."""
    for call in draft.state.calls:
        if call.question == fact.question and call.status == "input":
            draft.add(fact)
            draft.add(ToolQueued(call=call.call))
            return
    ignore(draft, "InputReceived", fact.question, "nobody waits for this answer", fact.principal)


def on_cancel(draft: Draft, fact: CancelRequested, _given: Input) -> None:
    """Someone asks that the run end."""
    draft.add(fact)
