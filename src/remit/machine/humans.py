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
from remit.machine.inputs import Input, Inspection
from remit.machine.judging import ask, verdict_on
from remit.machine.state import CallState
from remit.policy.permission import Verdict
from remit.values.clean import Clean


def ignore(draft: Draft, what: str, ref: str, reason: str, principal: str = "") -> None:
    """Journal that something arrived without effect, and why."""
    draft.add(InboxIgnored(what=what, ref=ref, principal=principal, reason=Clean.vouch(reason)))


def _open_request(draft: Draft, fact: ApprovalGiven | ApprovalDenied) -> CallState | str:
    """The call that this person may decide on now, or why there is none."""
    calls = [call for call in draft.state.calls if call.approval == fact.approval]
    if not calls or calls[0].status != "asking":
        return "nobody waits for this approval: it was answered, expired or replaced"
    call = calls[0]
    if draft.state.phase == "stopping":
        return "the run is being stopped"
    if draft.world.now_ms >= call.expires_ms:
        return "it came too late"
    approvers = draft.state.spec.approvers
    if approvers and fact.principal not in approvers:
        return "this person is not among the approvers"
    return call


def on_approval(draft: Draft, fact: ApprovalGiven, given: Input) -> None:
    """Someone agrees: to exactly this call, or to one with changed arguments."""
    call = _open_request(draft, fact)
    if isinstance(call, str):
        ignore(draft, "ApprovalGiven", fact.approval, call, fact.principal)
        return
    now = given.inspections.get(call.call)
    if now is None or now.error is not None:
        why = "it was not inspected" if now is None else now.error
        reason = f"the call cannot be approved as it is: {why}"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
    elif fact.arguments is not None:
        _approve_changed(draft, fact, call, now)
    else:
        _approve(draft, fact, call, now)


def _approve(draft: Draft, fact: ApprovalGiven, call: CallState, now: Inspection) -> None:
    if fact.digest != call.digest:
        reason = "the approval is for another form of the call"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
    elif fact.principal in call.given:
        reason = "the same person has agreed already; another must"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
    elif now.digest != call.digest:
        draft.add(fact)
        reason = "what the call depends on has changed since it was agreed to"
        ask(draft, call, Verdict("ask", call.rule, reason, call.needed), now.digest)
    else:
        draft.add(fact)
        _go_if_enough(draft, call.call)


def _approve_changed(draft: Draft, fact: ApprovalGiven, call: CallState, now: Inspection) -> None:
    verdict = verdict_on(draft, call, now.arguments)
    if verdict.effect == "deny":
        reason = f"the changed call is refused: {verdict.reason} ({verdict.rule})"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
        return
    draft.add(fact.model_copy(update={"digest": now.digest}))
    if verdict.needed > call.needed:
        ask(draft, call, verdict, now.digest)
    else:
        _go_if_enough(draft, call.call)


def _go_if_enough(draft: Draft, name: str) -> None:
    call = draft.state.find(name)
    if call is not None and len(call.given) >= call.needed:
        draft.add(ToolQueued(call=name))


def on_denial(draft: Draft, fact: ApprovalDenied, _given: Input) -> None:
    """Someone refuses: one no is enough."""
    call = _open_request(draft, fact)
    if isinstance(call, str):
        ignore(draft, "ApprovalDenied", fact.approval, call, fact.principal)
        return
    draft.add(fact)
    why = f": {fact.comment}" if fact.comment else ""
    text = Clean.vouch(f"refused: {fact.principal} did not agree{why}")
    draft.add(ToolFailed(call=call.call, kind="denied", text=text, rule=call.rule))


def on_answer(draft: Draft, fact: InputReceived, _given: Input) -> None:
    """A human answered a question; the call starts again with it."""
    calls = [call for call in draft.state.calls if call.question == fact.question]
    if not calls or calls[0].status != "input" or draft.state.phase == "stopping":
        reason = "nobody waits for this answer"
        ignore(draft, "InputReceived", fact.question, reason, fact.principal)
        return
    draft.add(fact)
    draft.add(ToolQueued(call=calls[0].call))


def on_cancel(draft: Draft, fact: CancelRequested, _given: Input) -> None:
    """Someone asks that the run end."""
    draft.add(fact)
