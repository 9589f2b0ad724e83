"""decide(state, input, world) -> events and state: the only place that chooses what happens next.

Pure: no clock, no dice, no I/O. The first event of a decision is the fact that caused it (settled
where it costs), or `InboxIgnored` where it came to nothing; the rest are its consequences. So a
journal can be decided again. Holds and posts stand in the events.
"""

from collections.abc import Callable

from remit.errors import StoreCorrupt
from remit.machine.counting import on_counted
from remit.machine.degrading import on_stand_in
from remit.machine.doubt import on_probe_completed, on_recovered, on_resolved, on_unknown
from remit.machine.draft import Draft
from remit.machine.humans import ignore, on_answer, on_approval, on_cancel, on_denial, on_recalled
from remit.machine.inputs import Input, World
from remit.machine.outcomes import (
    on_check_completed,
    on_question,
    on_started,
    on_subrun_ended,
    on_told,
    on_tool_outcome,
)
from remit.machine.plans import on_plan_changed
from remit.machine.schedule import advance
from remit.machine.settle import on_model_completed, on_model_failed
from remit.machine.state import State

ENGINE = "2"
"""Version of the rules in this package; it is journalled with every record."""

_ON: dict[str, Callable[..., None]] = {
    "RunStarted": on_started,
    "RunRecovered": on_recovered,
    "CancelRequested": on_cancel,
    "ModelCompleted": on_model_completed,
    "ModelFailed": on_model_failed,
    "ToolCompleted": on_tool_outcome,
    "ToolFailed": on_tool_outcome,
    "ToolUnknown": on_unknown,
    "InputCounted": on_counted,
    "InputRequested": on_question,
    "ProbeCompleted": on_probe_completed,
    "ToolResolved": on_resolved,
    "CallRecalled": on_recalled,
    "SubrunEnded": on_subrun_ended,
    "CheckCompleted": on_check_completed,
    "StandInInspected": on_stand_in,
    "ApprovalGiven": on_approval,
    "ApprovalDenied": on_denial,
    "InputReceived": on_answer,
    "BudgetWarned": on_told,
    "CostAlerted": on_told,
    "PlanChanged": on_plan_changed,
    "InboxIgnored": on_told,
}

# What may come through the inbox; outcomes come from the driver alone.
_LETTERS = frozenset(
    {
        "ApprovalDenied",
        "ApprovalGiven",
        "BudgetWarned",
        "CallRecalled",
        "CancelRequested",
        "CostAlerted",
        "InboxIgnored",
        "InputReceived",
        "PlanChanged",
        "SubrunEnded",
        "ToolResolved",
    }
)


def decide(state: State, given: Input, world: World) -> Draft:
    """The events that `given` leads to, none when it changes nothing, and the state after them.

    Raises `StoreCorrupt` for an input that no decision can begin with.
    """
    draft = Draft(state, world)
    fact = given.fact
    if fact is not None:
        problem = _problem(state, given, fact.type)
        if problem is None:
            _ON[fact.type](draft, fact, given)
        elif given.kind == "letter":
            ignore(draft, fact.type, state.run, problem)
        elif state.phase != "ended":
            raise StoreCorrupt(f"{state.run}: {problem}")
    advance(draft, leave=given.kind != "recover")
    return draft


def _problem(state: State, given: Input, kind: str) -> str | None:
    """Why nothing can begin with this fact."""
    # Its own last record may have crossed a threshold.
    if state.phase == "ended" and kind not in ("BudgetWarned", "CostAlerted"):
        return "the run has ended"
    if kind not in _ON:
        return f"{kind} is a consequence, not an input"
    if given.kind == "letter" and kind not in _LETTERS:
        return f"a letter cannot say {kind}"
    return None
