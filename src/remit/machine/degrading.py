"""What is tried when a tool does not work: the one that stands in, then its last good answer."""

from remit.journal.events import StandInInspected, ToolDegraded, ToolFailed
from remit.machine.draft import Draft
from remit.machine.inputs import Input, Inspection
from remit.machine.judging import judge_call
from remit.machine.spec import ToolSpec
from remit.machine.state import CallState
from remit.values.clean import Clean


def resort(draft: Draft, name: str, reason: Clean) -> bool:
    """Try what is left instead of a call whose tool does not work; False where nothing is.

    A tool is tried once, so whatever they declare it ends. Of a call that may have happened
    nothing is tried instead, and of one that was given up with a peer.
    """
    call = draft.state.find(name)
    if call is None or call.unsure or call.spec is None or draft.state.phase == "stopping":
        return False
    if call.given_up:
        return False
    to = _next(draft, call, call.spec)
    if to is None:
        return False
    now_ms = draft.world.now_ms
    draft.add(
        ToolDegraded(
            call=name,
            tool=call.tool,
            to=to,
            reason=reason,
            since_ms=draft.world.since.get(f"tool:{call.tool}", now_ms),
        )
    )
    return True


def _next(draft: Draft, call: CallState, spec: ToolSpec) -> str | None:
    """The tool that is next, empty for the last good answer, None where there is neither."""
    known = draft.state.spec
    if spec.fallback and spec.fallback not in call.tried and known.tool(spec.fallback) is not None:
        return spec.fallback
    first = known.tool(call.proposed or call.tool)
    asked = call.degraded is not None and not call.degraded.to
    return None if first is None or not first.last_good_ms or asked else ""


def after_failure(draft: Draft, call: CallState, fact: ToolFailed) -> None:
    """A call failed: where its tool is broken, and nothing was changed, try what is left."""
    writes = call.spec is None or call.spec.access == "write"
    broken = fact.untouched if writes else (fact.fault or fact.kind == "timeout")
    if broken:
        resort(draft, call.call, fact.text)


def on_stand_in(draft: Draft, fact: StandInInspected, given: Input) -> None:
    """The tool that stands in was asked about the call: judge it as any other."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "degraded" or call.tool != fact.tool:
        return
    if draft.state.phase == "stopping":
        return
    draft.add(fact)
    found = given.inspections.get(fact.call)
    judge_call(draft, call, found or Inspection(call=fact.call, error="not inspected"))
    judged = draft.state.find(fact.call)
    if judged is not None and judged.status == "done" and judged.is_error:
        resort(draft, fact.call, Clean.vouch(judged.result))


def look_again(draft: Draft) -> None:
    """After a crash nobody looks at what may stand in: it is looked at again, which is harmless."""
    for call in draft.state.calls:
        again = call.degraded if call.status == "degraded" else None
        if again is not None and draft.state.phase != "stopping":
            draft.add(again)
