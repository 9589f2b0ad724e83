"""evolve(state, event) -> state: folds one fact; it decides nothing."""

from collections.abc import Callable, Iterable
from itertools import islice

from remit.errors import StoreCorrupt
from remit.journal.events import (
    AccountLimit,
    BudgetRefused,
    BudgetWarned,
    CancelRequested,
    CheckCompleted,
    CheckRequested,
    ClockPaused,
    ClockResumed,
    CostAlerted,
    Event,
    PeersAborted,
    PlanChanged,
    PlanRefused,
    RunEnded,
    RunRecovered,
    RunStarted,
    RunStopping,
    RuntimeSaid,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.journal.record import Body
from remit.machine.call_folds import fold_call
from remit.machine.changing import replace
from remit.machine.conversation import RUNTIME, say, with_results
from remit.machine.count_folds import COUNT_FOLDS
from remit.machine.model_folds import MODEL_FOLDS
from remit.machine.state import State
from remit.machine.transitions import CALL_EVENTS, RUN, RUN_EVENTS, Phase
from remit.policy.allowance import strictest
from remit.values.message import TextPart


def _started(state: State, event: RunStarted, at_ms: int) -> State:
    begun = replace(
        state,
        user=event.user,
        session=event.session,
        root=event.root,
        parent=event.parent,
        parent_call=event.parent_call,
        depth=event.depth,
        environment=event.environment,
        roles=event.roles,
        mode=event.mode,
        prices=event.prices,
        accounts=_with_plan(event.accounts, event.plan),
        declared=event.accounts,
        plan=event.plan,
        calendar=event.calendar,
        labels=event.labels,
        reverts=event.reverts,
        started_ms=at_ms,
        deadline_ms=event.deadline_ms,
    )
    return say(begun, "user", event.input)


def _with_plan(
    declared: tuple[AccountLimit, ...], plan: PlanTerms | None
) -> tuple[AccountLimit, ...]:
    return declared if plan is None else strictest(declared, plan.accounts)


def _plan_changed(state: State, event: PlanChanged, _: int) -> State:
    accounts = _with_plan(state.declared, event.plan)
    return replace(state, plan=event.plan, accounts=accounts)


def _refused(state: State, event: BudgetRefused | PlanRefused, _: int) -> State:
    return replace(state, refused=event)


def _paused(state: State, event: ClockPaused, _: int) -> State:
    return replace(state, paused_ms=event.at_ms, child_ms=0)


def _resumed(state: State, event: ClockResumed, _: int) -> State:
    # The start moves with the deadline, so that their distance stays the run's own time.
    waited = event.deadline_ms - state.deadline_ms
    return replace(
        state,
        paused_ms=None,
        child_ms=0,
        deadline_ms=event.deadline_ms,
        started_ms=state.started_ms + waited,
    )


def _warned(state: State, event: BudgetWarned | CostAlerted, _: int) -> State:
    warned = (*state.warned, (event.account, event.used, event.limit))
    return replace(
        state, warned=warned, clock_warned=state.clock_warned or event.account == "clock"
    )


def _aborted(state: State, event: PeersAborted, at_ms: int) -> State:
    why = str(event.reason)
    calls = tuple(
        replace(call, given_up=why, given_up_ms=at_ms) if call.call in event.peers else call
        for call in state.calls
    )
    return replace(state, calls=calls)


def _stopping(state: State, event: RunStopping, at_ms: int) -> State:
    return replace(state, stopping=event.reason, stopping_detail=event.detail, stopping_ms=at_ms)


def _ended(state: State, event: RunEnded, _: int) -> State:
    return replace(
        state,
        status=event.status,
        reason=event.reason,
        detail=event.detail,
        output=event.output,
        success=event.success,
        model=None,
        checking="",
    )


def _said(state: State, event: RuntimeSaid, _: int) -> State:
    return say(with_results(state), "user", (TextPart(text=event.text, origin=RUNTIME),))


def _cancelled(state: State, event: CancelRequested, _: int) -> State:
    return replace(state, cancelled=event.reason or f"by {event.principal}")


def _check(state: State, event: CheckRequested, _: int) -> State:
    return replace(state, checking=event.call)


def _checked(state: State, event: CheckCompleted, _: int) -> State:
    return replace(state, checking="", passed=event.passed)


def _recovered(state: State, _: RunRecovered, __: int) -> State:
    # A check and a count change nothing: they are made again.
    return replace(state, checking="", count=None if state.counting else state.count)


_RUN_FOLD: dict[str, Callable[..., State]] = {
    **MODEL_FOLDS,
    **COUNT_FOLDS,
    "RunStarted": _started,
    "RunRecovered": _recovered,
    "CancelRequested": _cancelled,
    "RunStopping": _stopping,
    "PeersAborted": _aborted,
    "ClockPaused": _paused,
    "ClockResumed": _resumed,
    "RuntimeSaid": _said,
    "CheckRequested": _check,
    "CheckCompleted": _checked,
    "RunEnded": _ended,
    "BudgetWarned": _warned,
    "CostAlerted": _warned,
    "BudgetRefused": _refused,
    "PlanChanged": _plan_changed,
    "PlanRefused": _refused,
}


# The last record of a run may itself have crossed a threshold; letters may be late.
_AFTER_THE_END = ("InboxIgnored", "BudgetWarned", "CostAlerted")


def _phase_after(state: State, kind: str) -> Phase:
    if state.phase == "new" and kind != "RunStarted":
        raise StoreCorrupt(f"{state.run}: {kind} cannot come before RunStarted")
    if state.phase == "ended" and kind not in _AFTER_THE_END:
        raise StoreCorrupt(f"{state.run}: {kind} cannot follow the run's end")
    if kind not in RUN_EVENTS:
        return state.phase
    phase = RUN.get((state.phase, kind))
    if phase is None:
        raise StoreCorrupt(f"{state.run}: {kind} cannot follow the phase {state.phase}")
    return phase


def evolve(state: State, event: Event, at_ms: int) -> State:
    """The state after `event`, decided at `at_ms`.

    Raises `StoreCorrupt` for an event that cannot follow this state.
    """
    phase = _phase_after(state, event.type)
    if event.type in CALL_EVENTS:
        after = fold_call(state, event)
    else:
        fold_one = _RUN_FOLD.get(event.type)
        after = state if fold_one is None else fold_one(state, event, at_ms)
    return after if after.phase == phase else replace(after, phase=phase)


def fold(state: State, bodies: Iterable[Body]) -> State:
    """The state after all events of these records. Raises `StoreCorrupt` as `evolve` does."""
    for body in bodies:
        if sum(cause.count for cause in body.causes) != len(body.events):
            raise StoreCorrupt(f"{state.run}: a record holds other events than its causes count")
        events = iter(body.events)
        for cause in body.causes:
            for event in islice(events, cause.count):
                state = evolve(state, event, cause.now_ms)
    return state
