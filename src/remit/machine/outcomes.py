"""Outcomes of tools, sub-runs and the success predicate."""

from remit.journal.events import (
    BudgetWarned,
    CheckCompleted,
    CostAlerted,
    InboxIgnored,
    InputRequested,
    RunStarted,
    SubrunEnded,
    ToolCompleted,
    ToolFailed,
)
from remit.machine.charging import settle_call
from remit.machine.degrading import after_failure
from remit.machine.draft import Draft
from remit.machine.humans import ignore
from remit.machine.inputs import Input
from remit.machine.state import CallState
from remit.values.clean import Clean


def _current(draft: Draft, call: str, attempt: int) -> CallState | None:
    known = draft.state.find(call)
    if known is None or known.status != "released":
        return None
    return known if known.attempt == attempt else None


def on_tool_outcome(draft: Draft, fact: ToolCompleted | ToolFailed, _given: Input) -> None:
    """A tool answered or failed; an outcome of an attempt long given up is dropped."""
    call = _current(draft, fact.call, fact.attempt)
    if call is not None:
        fact = _told_why(call, fact)
        draft.add(settle_call(call, fact))
        if isinstance(fact, ToolFailed):
            after_failure(draft, call, fact)
        return
    _on_last_resort(draft, fact)


def _on_last_resort(draft: Draft, fact: ToolCompleted | ToolFailed) -> None:
    """The last good answer of a tool that does not work, or that there is none."""
    known = draft.state.find(fact.call)
    asked = None if known is None or known.status != "degraded" else known.degraded
    if asked is not None and not asked.to:
        draft.add(fact)


def _told_why(call: CallState, fact: ToolCompleted | ToolFailed) -> ToolCompleted | ToolFailed:
    """Of a call that was cut because it was given up, the model is told why."""
    if not (call.given_up and isinstance(fact, ToolFailed) and fact.kind == "cancelled"):
        return fact
    return fact.model_copy(update={"kind": "aborted", "text": Clean.vouch(call.given_up)})


def on_question(draft: Draft, fact: InputRequested, _given: Input) -> None:
    """A tool asks a human; the call waits without holding anything."""
    call = _current(draft, fact.call, fact.attempt)
    if call is None:
        return
    draft.add(settle_call(call, fact))
    if call.given_up:  # nobody is to answer what nobody needs
        text = Clean.vouch(call.given_up)
        draft.add(ToolFailed(call=call.call, attempt=call.attempt, kind="aborted", text=text))


def on_subrun_ended(draft: Draft, fact: SubrunEnded, _given: Input) -> None:
    """A sub-run ended: its answer, or what is missing, becomes the call's result."""
    call = draft.state.find(fact.call)
    if call is None or call.status != "released" or call.child != fact.child:
        ignore(draft, "SubrunEnded", fact.child, "nobody waits for this sub-run any more")
        return
    draft.add(fact)


def on_check_completed(draft: Draft, fact: CheckCompleted, _given: Input) -> None:
    """The success predicate answered."""
    if draft.state.checking == fact.call:
        draft.add(fact)


def on_told(draft: Draft, fact: BudgetWarned | CostAlerted | InboxIgnored, _given: Input) -> None:
    """Something to be written down only: an account passed 80 %, a letter that cannot be read.

    A warning that was told already (a store tells by its answer and by letter) is not told again.
    """
    if isinstance(fact, BudgetWarned | CostAlerted):
        known = {(account, limit) for account, _, limit in draft.state.warned}
        if (fact.account, fact.limit) in known:
            return
    draft.add(fact)


def on_started(draft: Draft, fact: RunStarted, _given: Input) -> None:
    """A run begins."""
    draft.add(fact)
