"""Letters between runs, and from people to runs: events as bodies of durable inbox rows."""

import json
from collections.abc import Iterable

from pydantic import ValidationError

from remit.journal.events import (
    EVENT,
    ApprovalGiven,
    CancelRequested,
    Event,
    InboxIgnored,
    PeersAborted,
    PlanChanged,
    RunEnded,
    RunStopping,
    SubrunEnded,
    SubrunRequested,
)
from remit.journal.rows import InboxRow, Letter
from remit.machine.inputs import Input, Inspection
from remit.machine.plans import plan_below
from remit.machine.state import CallState, State
from remit.runtime.inspecting import Inspector
from remit.values.clean import Clean
from remit.values.ids import parent_of


def letter(run: str, key: str, event: Event, time_ms: int) -> Letter:
    """A letter that tells `run` the fact `event`; sent twice under one key it is one letter."""
    body = EVENT.dump_json(event, exclude_defaults=True)
    return Letter(run=run, key=key, kind=event.type, body=body, time_ms=time_ms)


async def read_letter(row: InboxRow, state: State, inspector: Inspector) -> Input:
    """The input a letter makes; an approval is inspected again, for the world may have changed.

    Hooks are asked about arguments that a human wrote; they have seen the others.
    """
    try:
        fact = EVENT.validate_json(row.letter.body)
    except ValidationError:
        reason = Clean.vouch("the letter cannot be read")
        return Input(
            kind="letter",
            fact=InboxIgnored(what=row.letter.kind, ref=row.letter.key, reason=reason),
        )
    inspections: dict[str, Inspection] = {}
    if isinstance(fact, ApprovalGiven):
        for call in state.calls:
            if call.approval == fact.approval:
                inspections[call.call] = await _looked_at(call, fact, state, inspector)
    return Input(kind="letter", fact=fact, inspections=inspections)


async def _looked_at(
    call: CallState, fact: ApprovalGiven, state: State, inspector: Inspector
) -> Inspection:
    if fact.arguments is not None:
        return await inspector.look(state, call.call, call.tool, fact.arguments)
    return await inspector.ask_tool(state, call.call, call.tool, call.arguments)


def child_letters(events: Iterable[Event], state: State) -> tuple[Letter, ...]:
    """A stopping run tells its living sub-runs to stop, one that goes on those it gives up.

    One whose plan changed tells them that.

    One released with it never starts, or starts with the new plan.
    """
    events = list(events)
    fresh = {event.child for event in events if isinstance(event, SubrunRequested)}
    living = [
        call.child
        for call in state.calls
        if call.child and call.status == "released" and call.child not in fresh
    ]
    told = []
    stopping = next((event for event in events if isinstance(event, RunStopping)), None)
    if stopping is not None:
        reason = Clean.vouch(f"the parent run stops: {stopping.reason}")
        fact = CancelRequested(principal=f"run:{state.run}", reason=reason)
        told += [letter(child, f"stop:{state.run}", fact, state.stopping_ms) for child in living]
    for event in events:
        if isinstance(event, PeersAborted):
            fact = CancelRequested(principal=f"run:{state.run}", reason=event.reason)
            given_up = {call.child for call in state.calls if call.call in event.peers}
            told += [
                letter(child, f"abort:{event.call}", fact, 0)
                for child in living
                if child in given_up
            ]
    plan = plan_below(state)
    if plan is not None and any(isinstance(event, PlanChanged) for event in events):
        changed = PlanChanged(plan=plan)
        told += [letter(child, plan_key(plan.number), changed, 0) for child in living]
    return tuple(told)


def plan_key(number: int) -> str:
    """The key of the letter that tells a run a state of its holder's plan, whoever sends it."""
    return f"plan:{number}"


def end_letter(events: Iterable[Event], state: State) -> tuple[Letter, ...]:
    """A sub-run that ended tells its parent how."""
    ended = next((event for event in events if isinstance(event, RunEnded)), None)
    parent = parent_of(state.run)
    if ended is None or parent is None:
        return ()
    return (letter(parent[0], f"end:{state.run}", subrun_end(ended, state, parent[1]), 0),)


def subrun_end(ended: RunEnded, state: State, call: str) -> SubrunEnded:
    """What the parent's model is told: the answer, or what is missing and why."""
    said = "" if ended.output is None else plain_text(ended.output)
    if ended.status == "completed" and ended.success is not False:
        text = said
    else:
        why = ended.reason if ended.status == "stopped" else "its success check failed"
        detail = f" ({ended.detail})" if ended.detail else ""
        text = f"the agent {state.spec.name} did not finish: {why}{detail}"
        text += f"\nso far it said: {said}" if said else ""
    return SubrunEnded(
        call=call,
        child=state.run,
        status="stopped" if ended.success is False else ended.status,
        reason=ended.reason,
        text=Clean.vouch(text),
        usage=ended.usage,
        cost=ended.cost,
        active_ms=ended.active_ms,
    )


def plain_text(answer: str) -> str:
    """An answer for reading: the text itself where it is a JSON string, else its JSON."""
    try:
        value = json.loads(answer)
    except ValueError:
        return answer
    return value if isinstance(value, str) else answer
