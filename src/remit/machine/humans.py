"""What humans say: approvals bound to the exact call, answers to questions, cancels."""

from remit.journal.events import (
    ApprovalDenied,
    ApprovalGiven,
    CallRecalled,
    CancelRequested,
    InboxIgnored,
    InputReceived,
    ToolFailed,
    ToolQueued,
)
from remit.machine.delaying import let_go, queue
from remit.machine.draft import Draft
from remit.machine.inputs import Input, Inspection
from remit.machine.judging import ask, hear_hooks, verdict_on
from remit.machine.state import CallState, may_be_recalled
from remit.policy.approvers import is_among, same_person
from remit.policy.permission import Verdict
from remit.values.clean import Clean

Word = ApprovalGiven | ApprovalDenied
_TWO_HUMANS = 2


def ignore(draft: Draft, what: str, ref: str, reason: str, principal: str = "") -> None:
    """Journal that something arrived without effect, and why."""
    draft.add(InboxIgnored(what=what, ref=ref, principal=principal, reason=Clean.vouch(reason)))


def _open_request(draft: Draft, fact: Word) -> CallState | str:
    """The call that this person may decide on now, or why there is none."""
    calls = [call for call in draft.state.calls if call.approval == fact.approval]
    if not calls or calls[0].status != "asking":
        return "nobody waits for this approval: it was answered, expired or replaced"
    call = calls[0]
    if draft.state.phase == "stopping":
        return "the run is being stopped"
    if draft.world.now_ms >= call.expires_ms:
        return "it came too late"
    return _why_not_among(draft, call, fact) or call


def _why_not_among(draft: Draft, call: CallState, fact: Word) -> str:
    """Why this person has no say; empty where they have, or where another's is theirs."""
    # A journal from before requests named their approvers has them in the declaration alone.
    approvers = call.approvers or draft.state.spec.who_agrees(call.tool, call.rule)
    if is_among(approvers, fact.principal, fact.roles):
        return ""
    other = fact.on_behalf
    if other is None or not is_among(approvers, other.person, other.roles):
        return "this person is not among the approvers"
    if draft.world.now_ms >= other.until_ms:
        return f"{other.person} let them speak only until an instant that is over"
    return ""


def _why_not_theirs(draft: Draft, call: CallState, fact: ApprovalGiven) -> str:
    """Why this person may not agree: it is their own run, or they have agreed already."""
    behalf = () if fact.on_behalf is None else (fact.on_behalf.person,)
    names = (fact.principal, *behalf, *fact.also)
    # Who agreed to another form of the call has not agreed to this one.
    said = () if fact.arguments is not None else (*call.given, *call.vouched)
    if any(same_person(name, known) for name in names for known in said):
        return "the same person has agreed already; another must"
    state = draft.state
    alone = call.needed < _TWO_HUMANS and (state.spec.self_approval or state.environment == "dev")
    if not alone and any(same_person(name, state.user) for name in names):
        return "whose run it is may not agree to it; another person must"
    return ""


def on_approval(draft: Draft, fact: ApprovalGiven, given: Input) -> None:
    """Someone agrees: to exactly this call, or to one with changed arguments."""
    call = _open_request(draft, fact)
    if isinstance(call, str):
        ignore(draft, "ApprovalGiven", fact.approval, call, fact.principal)
        return
    barred = _why_not_theirs(draft, call, fact)
    now = given.inspections.get(call.call)
    if barred:
        ignore(draft, "ApprovalGiven", fact.approval, barred, fact.principal)
    elif now is None or now.error is not None or now.unseen:
        why = "it was not inspected" if now is None else now.error or now.unseen
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
    elif now.digest != call.digest or now.preview != call.preview:
        draft.add(fact)
        reason = "what the call depends on has changed since it was agreed to"
        if now.preview != call.preview:
            reason = "what the call would do is not what was shown; this is what it would do now"
        ask(draft, call, Verdict("ask", call.rule, reason, call.needed), now)
    else:
        draft.add(fact)
        _go_if_enough(draft, call.call)


def _approve_changed(draft: Draft, fact: ApprovalGiven, call: CallState, now: Inspection) -> None:
    verdict = verdict_on(draft, call, now)
    if verdict.effect == "deny":
        reason = f"the changed call is refused: {verdict.reason} ({verdict.rule})"
        ignore(draft, "ApprovalGiven", fact.approval, reason, fact.principal)
        return
    changed = [word for word in now.hooked if word.word == "changed"]
    # They agreed to what they wrote, not to what a hook made of it.
    digest = changed[0].before if changed else now.digest
    draft.add(fact.model_copy(update={"digest": digest}))
    call = hear_hooks(draft, call, now)
    if changed:
        rule = verdict.rule if verdict.effect == "ask" else call.rule
        reason = f"the hook {changed[-1].hook} changed what {fact.principal} wrote"
        needed = max(verdict.needed, call.needed)
        ask(draft, call, Verdict("ask", rule, reason, needed), now)
        return
    spec = draft.state.spec
    others = spec.who_agrees(call.tool, verdict.rule) != spec.who_agrees(call.tool, call.rule)
    if verdict.needed > call.needed or (verdict.effect == "ask" and others):
        ask(draft, call, verdict, now)
    elif verdict.effect == "ask" and now.preview != call.preview:
        reason = f"{fact.principal} changed the call; this is what it would do now"
        ask(draft, call, Verdict("ask", verdict.rule, reason, call.needed), now)
    else:
        _go_if_enough(draft, call.call)


def _go_if_enough(draft: Draft, name: str) -> None:
    call = draft.state.find(name)
    if call is not None and len(call.given) >= call.needed:
        let_go(draft, name)


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


def on_recalled(draft: Draft, fact: CallRecalled, _given: Input) -> None:
    """Someone calls back a call that was let through; one that has left is left to undo."""
    call = draft.state.find(fact.call)
    if call is None or not may_be_recalled(call) or draft.state.phase == "stopping":
        reason = "it does not wait any more: what has left is taken back by undo"
        ignore(draft, "CallRecalled", fact.call, reason, fact.principal)
        return
    draft.add(fact)
    if call.booked:
        queue(draft, call)
    why = f": {fact.reason}" if fact.reason else ""
    text = Clean.vouch(f"{fact.principal} called it back before it was carried out{why}")
    draft.add(ToolFailed(call=call.call, kind="cancelled", text=text))


def on_cancel(draft: Draft, fact: CancelRequested, _given: Input) -> None:
    """Someone asks that the run end."""
    draft.add(fact)
