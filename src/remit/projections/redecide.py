"""Decide again: each journalled cause is given to the same rules, which must give the same events.

A record holds what its decisions were made from: the fact that came (the first event), the world as
it was (`Cause`), and what the tools said of the calls (digest, resources and schema error stand in
each `CallJudged`). What a letter said that was ignored is not kept, only that it was; such a
decision is checked from there on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from remit.errors import ArgumentError, StoreCorrupt, UnpricedModel
from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    Event,
    HookAnswered,
    InboxIgnored,
    ModelCompleted,
    StandInInspected,
)
from remit.journal.record import Cause, Header
from remit.machine.decide import ENGINE, decide
from remit.machine.draft import Draft
from remit.machine.evolve import evolve
from remit.machine.inputs import Input, Inspection, Kind, World
from remit.machine.lexemes import compact
from remit.machine.previewing import NO_PREVIEW
from remit.machine.schedule import advance
from remit.machine.state import State
from remit.projections.timeline import Pair
from remit.values.message import CallPart

_OUTCOMES = frozenset(
    {
        "CheckCompleted",
        "InputCounted",
        "InputRequested",
        "ModelCompleted",
        "ModelFailed",
        "ProbeCompleted",
        "StandInInspected",
        "ToolCompleted",
        "ToolFailed",
        "ToolUnknown",
    }
)
_LETTERS = frozenset(
    {
        "ApprovalDenied",
        "ApprovalGiven",
        "BudgetWarned",
        "CallRecalled",
        "CancelRequested",
        "CostAlerted",
        "InputReceived",
        "PlanChanged",
        "SubrunEnded",
        "ToolResolved",
    }
)
_SCHEMA = "builtin.schema"  # the rule whose reason is what the inspection found wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecision:
    """One decision, as it was journalled and as the rules decide it now."""

    header: Header
    number: int
    """Which of the record's causes, from 0."""
    cause: Cause
    journalled: tuple[Event, ...]
    decided: tuple[Event, ...]
    problem: str = ""
    """Why it could not be decided at all."""

    @property
    def same(self) -> bool:
        """The rules still give exactly these events."""
        return self.journalled == self.decided and not self.problem

    @property
    def engine_differs(self) -> bool:
        """It was decided by other rules than these."""
        return self.header.engine != ENGINE


def redecide(state: State, pairs: Iterable[Pair]) -> Iterator[Redecision]:
    """Every decision of a run decided again; `state` is that before its first event.

    Each begins with what was journalled before it, so that one difference does not lead to more.
    """
    for header, body in pairs:
        events = iter(body.events)
        for number, cause in enumerate(body.causes):
            journalled = tuple(islice(events, cause.count))
            decided, problem = _again(state, cause, journalled)
            yield Redecision(
                header=header,
                number=number,
                cause=cause,
                journalled=journalled,
                decided=decided,
                problem=problem,
            )
            for event in journalled:
                state = evolve(state, event, cause.now_ms)


def _again(
    state: State, cause: Cause, journalled: tuple[Event, ...]
) -> tuple[tuple[Event, ...], str]:
    """The events that the cause leads to now, by the first way of reading it that fits."""
    world = World(
        now_ms=cause.now_ms,
        jitter=cause.jitter,
        off=frozenset(cause.off),
        stale_switches=cause.stale_switches,
        refused=dict(cause.refused),
        limits=dict(cause.limits),
        health=dict(cause.health),
        since=dict(cause.since),
        last_try=cause.last_try,
    )
    try:
        if cause.kind == "letter" and isinstance(journalled[0], InboxIgnored):
            return _after_ignoring(state, world, journalled[0]), ""
        found = [
            tuple(decide(state, given, world).events) for given in _inputs(state, cause, journalled)
        ]
    except (ArgumentError, StoreCorrupt, UnpricedModel) as exc:
        return (), str(exc)
    # Where none fits, the first is the one to look at: the fact that came is in it.
    return (journalled if journalled in found else found[0]), ""


def _inputs(state: State, cause: Cause, journalled: Sequence[Event]) -> Iterator[Input]:
    """What may have come: a fact, and where none of these events is one, nothing of effect."""
    first = journalled[0]
    if cause.kind in ("start", "recover"):
        yield Input(kind="start" if cause.kind == "start" else "recover", fact=first)
        return
    kind: Kind = "letter" if cause.kind == "letter" else "outcome"
    if cause.kind != "wake" and first.type in (_LETTERS if kind == "letter" else _OUTCOMES):
        yield Input(kind=kind, fact=first, inspections=_inspections(state, journalled))
    # What came had no effect (an outcome of an attempt long given up): only time has passed.
    yield Input(kind="wake")


def _inspections(state: State, journalled: Sequence[Event]) -> dict[str, Inspection]:
    """What the tools said of the calls that were decided on here."""
    fact, *after = journalled
    if isinstance(fact, ApprovalGiven):
        # Asked again although the arguments are the same: what the call depends on had changed.
        again = [each for each in after if isinstance(each, ApprovalRequested)]
        digest = again[0].digest if again and fact.arguments is None else fact.digest
        return {
            call.call: _hooked(
                replace(
                    _looked_at(call.call, fact.arguments or call.arguments, digest),
                    preview=again[0].preview if again else call.preview,
                ),
                after,
            )
            for call in state.calls
            if call.approval == fact.approval
        }
    judged = {event.call: event for event in after if isinstance(event, CallJudged)}
    asked = {event.call: event for event in after if isinstance(event, ApprovalRequested)}
    if isinstance(fact, StandInInspected):
        known = state.find(fact.call)
        if known is None or fact.call not in judged:
            return {}
        found = _inspection(fact.call, known.arguments, judged[fact.call], asked)
        return {fact.call: _hooked(found, after)}
    return {
        part.call: _hooked(_inspection(part.call, part.arguments, judged[part.call], asked), after)
        for part in (fact.parts if isinstance(fact, ModelCompleted) else ())
        if isinstance(part, CallPart) and part.call in judged
    }


def _inspection(
    call: str, arguments: str, judged: CallJudged, asked: Mapping[str, ApprovalRequested]
) -> Inspection:
    if judged.rule == _SCHEMA:
        return Inspection(call=call, error=str(judged.reason))
    found = _looked_at(call, arguments, judged.digest, judged.resources)
    if judged.rule == NO_PREVIEW:
        return replace(found, unseen=str(judged.reason))
    return replace(found, preview=asked[call].preview) if call in asked else found


def _hooked(found: Inspection, events: Iterable[Event]) -> Inspection:
    """The same with what the hooks said; no hook is asked again."""
    said = tuple(e for e in events if isinstance(e, HookAnswered) and e.call == found.call)
    changed = [each for each in said if each.arguments is not None]
    if changed:
        last = changed[-1]
        found = replace(found, arguments=str(last.arguments), digest=last.after)
    return replace(found, hooked=said) if said else found


def _looked_at(
    call: str, arguments: str, digest: str, resources: tuple[str, ...] = ()
) -> Inspection:
    try:
        text = compact(arguments or "{}")
    except ArgumentError:
        text = ""  # refused before its arguments mattered: unknown tool, or the run was stopping
    return Inspection(call=call, arguments=text, digest=digest, resources=resources)


def _after_ignoring(state: State, world: World, ignored: Event) -> tuple[Event, ...]:
    """What follows when a letter has no effect."""
    draft = Draft(state, world)
    draft.add(ignored)
    advance(draft)
    return tuple(draft.events)
