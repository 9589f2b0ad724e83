"""Every proposed call gets a verdict with the rule that decided, before anything happens."""

from collections.abc import Mapping
from typing import Literal

from remit.journal.events import (
    ApprovalRequested,
    CallJudged,
    ToolCompleted,
    ToolFailed,
)
from remit.machine.delaying import let_go
from remit.machine.draft import Draft
from remit.machine.hooks import hook_rule
from remit.machine.inputs import Inspection
from remit.machine.plans import denied_by_plan
from remit.machine.previewing import NO_PREVIEW
from remit.machine.questions import judge_question, question_of, switched_off
from remit.machine.spec import ToolSpec
from remit.machine.state import CallState
from remit.policy.limits import IDENTICAL_CALLS
from remit.policy.permission import Verdict
from remit.values.clean import Clean

Refusal = Literal["denied", "invalid", "limit", "cancelled"]

_UNKNOWN_TOOL = ToolSpec(
    name="unknown", description="", parameters="{}", access="write", risk="high"
)


def judge_calls(draft: Draft, inspections: Mapping[str, Inspection]) -> None:
    """Judge every call the model proposed."""
    for proposed in draft.state.calls:
        inspection = inspections.get(proposed.call) or Inspection(
            call=proposed.call, error="the call could not be inspected"
        )
        judge_call(draft, proposed, inspection)


def judge_call(draft: Draft, proposed: CallState, inspection: Inspection) -> None:
    """Judge one call, as the hooks left it."""
    call = hear_hooks(draft, proposed, inspection)
    verdict, kind = _verdict(draft, call, inspection)
    if verdict.effect == "ask" and inspection.unseen:
        verdict, kind = Verdict("deny", NO_PREVIEW, inspection.unseen), "denied"
    spec = call.spec or _UNKNOWN_TOOL
    draft.add(
        CallJudged(
            call=call.call,
            tool=call.tool,
            digest=inspection.digest,
            effect=verdict.effect,
            rule=verdict.rule,
            reason=Clean.vouch(verdict.reason),
            needed=verdict.needed,
            principal=draft.state.user,
            access=spec.access,
            risk=spec.risk,
            resources=inspection.resources,
            instead_of=call.proposed,
        )
    )
    _carry_out(draft, call, inspection, verdict, kind)


def _verdict(draft: Draft, call: CallState, inspection: Inspection) -> tuple[Verdict, Refusal]:
    state, limits = draft.state, draft.state.spec.limits
    spec = call.spec
    if state.phase == "stopping":
        return Verdict("deny", "builtin.stopping", "the run is being stopped"), "cancelled"
    if spec is None:
        offered = [each.name for each in state.spec.tools if state.spec.offered(each.name)]
        names = ", ".join(offered) or "none"
        reason = f"there is no tool {call.tool!r}; the tools are: {names}"
        return Verdict("deny", "builtin.unknown-tool", reason), "denied"
    if inspection.error is not None:
        return Verdict("deny", "builtin.schema", inspection.error), "invalid"
    if spec.kind == "final":
        return Verdict("allow", "builtin.final-answer", "the answer fits its type"), "denied"
    if state.wrapping or draft.world.now_ms >= state.soft_ms:
        return Verdict("deny", "limits.wrap-up", "the time is nearly over: answer now"), "limit"
    if state.repeats.get(inspection.digest, 0) + 1 >= limits.identical_calls:
        times = limits.identical_calls - 1
        reason = f"this exact call was made {times} times before and nothing has changed since"
        return Verdict("deny", IDENTICAL_CALLS, reason), "limit"
    if call.attempt == 0 and _admitted(draft) >= limits.tool_calls:
        reason = f"the run may make {limits.tool_calls} tool calls and has made them"
        return Verdict("deny", "limits.tool-calls", reason), "limit"
    if spec.kind == "agent" and state.depth >= limits.depth:
        reason = f"sub-runs may nest {limits.depth} deep"
        return Verdict("deny", "limits.depth", reason), "limit"
    return verdict_on(draft, call, inspection), "denied"


def hear_hooks(draft: Draft, call: CallState, inspection: Inspection) -> CallState:
    """Journal what the hooks said of a call; the call as they left it."""
    for word in inspection.hooked:
        draft.add(word)
    return (draft.state.find(call.call) or call) if inspection.hooked else call


def verdict_on(draft: Draft, call: CallState, inspection: Inspection) -> Verdict:
    """What switches, plan, hooks, rules and phase say about a call with these arguments."""
    off = switched_off(call, draft.world.off)
    if off is not None:
        return off
    if draft.world.stale_switches:
        return Verdict("deny", "switch.unreadable", "the switches cannot be read")
    spec = call.spec or _UNKNOWN_TOOL
    outside = denied_by_plan(draft.state, spec)
    if outside is not None:
        return outside
    words = {word.word: word for word in reversed(inspection.hooked)}
    if "refused" in words:
        no = words["refused"]
        return Verdict("deny", hook_rule(no.hook), no.reason)
    question = question_of(draft.state, draft.world, spec, inspection.arguments)
    verdict = judge_question(draft.state, question)
    if "held" in words and verdict.effect == "allow" and not verdict.record_only:
        held = words["held"]
        return Verdict("ask", hook_rule(held.hook), held.reason, 1)
    return verdict


def _admitted(draft: Draft) -> int:
    pending = sum(
        1
        for call in draft.state.calls
        if call.attempt == 0 and call.status in ("asking", "delayed", "queued")
    )
    return draft.state.tool_calls + pending


def _carry_out(
    draft: Draft, call: CallState, inspection: Inspection, verdict: Verdict, kind: Refusal
) -> None:
    if verdict.effect == "deny":
        refuse(draft, call.call, verdict, kind)
    elif verdict.effect == "ask":
        ask(draft, call, verdict, inspection)
    elif verdict.record_only:
        text = Clean.vouch("recorded, not carried out: the agent is in phase shadow")
        draft.add(ToolCompleted(call=call.call, text=text, recorded_only=True))
    elif call.spec is not None and call.spec.kind == "final":
        draft.add(ToolCompleted(call=call.call, text=Clean.vouch("accepted")))
    else:
        let_go(draft, call.call)


def refuse(draft: Draft, call: str, verdict: Verdict, kind: Refusal = "denied") -> None:
    """The call is refused; the model is told why and by which rule."""
    text = verdict.reason if kind == "invalid" else f"refused: {verdict.reason} ({verdict.rule})"
    draft.add(ToolFailed(call=call, kind=kind, text=Clean.vouch(text), rule=verdict.rule))


def ask(draft: Draft, call: CallState, verdict: Verdict, now: Inspection) -> None:
    """Humans are asked to agree to the exact call with this digest, and to what it would do."""
    again = f":{call.asked + 1}" if call.asked else ""
    reason = verdict.reason
    if now.preview is None and call.spec is not None and call.spec.previews:
        # Let through unasked at first, so nothing was kept; `humans` asks again with what there is.
        reason += "; what it would do is shown, and asked about, once somebody agrees to this"
    draft.add(
        ApprovalRequested(
            approval=f"{draft.state.run}:{call.call}{again}",
            call=call.call,
            tool=call.tool,
            digest=now.digest,
            needed=verdict.needed,
            rule=verdict.rule,
            reason=Clean.vouch(reason),
            expires_ms=draft.world.now_ms + draft.state.spec.limits.approval_ms,
            approvers=draft.state.spec.who_agrees(call.tool, verdict.rule),
            preview=now.preview,
        )
    )
