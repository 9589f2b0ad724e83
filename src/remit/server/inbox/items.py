"""What waits for people: calls to agree to, questions, doubts, and calls that wait to leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from remit.app.desk import Desk
from remit.app.run import (
    pending_approvals,
    pending_delays,
    pending_doubts,
    pending_questions,
)
from remit.journal.rows import RunRow
from remit.machine.questions import origins_in
from remit.machine.spec import ToolSpec
from remit.machine.state import CallState, State
from remit.policy.approvers import is_among, same_person
from remit.server.inbox.states import States

Kind = Literal["approval", "question", "doubt", "delay"]
_ORDER: tuple[Kind, ...] = ("delay", "approval", "question", "doubt")
_TWO_HUMANS = 2
_ORIGINS = 30  # names shown; a run that read more shows how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that waits for a person, with all that a list shows of it."""

    kind: Kind
    id: str
    """Of the approval or question; `RUN:CALL` for others."""
    row: RunRow
    state: State
    call: CallState
    arguments: str
    until_ms: int | None = None
    """When it expires, or leaves."""
    rule: str = ""
    reason: str = ""
    needed: int = 0
    given: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    digest: str = ""
    question: str = ""
    answer_schema: str = ""

    @property
    def tool(self) -> ToolSpec | None:
        """What the tool is declared to do."""
        return self.call.spec

    @property
    def origins(self) -> tuple[str, ...]:
        """Where what the run has read came from."""
        return origins_in(self.state.messages)[:_ORIGINS]

    @property
    def limit_nano(self) -> int:
        """What the run may cost."""
        return self.state.spec.limits.cost_nano


async def waiting(desk: Desk, states: States, tenant: str | None) -> list[Item]:
    """What waits for people, what ends first before what lasts; `None` for all tenants."""
    rows = await desk.living(tenant)
    found = [item async for row, state in states.each(rows) for item in items_of(row, state)]
    return sorted(found, key=_urgency)


def _urgency(item: Item) -> tuple[int, int]:
    forever = 2**62
    return _ORDER.index(item.kind), forever if item.until_ms is None else item.until_ms


def items_of(row: RunRow, state: State) -> Iterator[Item]:
    """What waits in one run."""
    for asked in pending_approvals(state):
        call = next(each for each in state.calls if each.approval == asked.id)
        yield Item(
            kind="approval",
            id=asked.id,
            row=row,
            state=state,
            call=call,
            arguments=asked.arguments,
            until_ms=asked.expires_ms,
            rule=asked.rule,
            reason=asked.reason,
            needed=asked.needed,
            given=asked.given,
            approvers=asked.approvers,
            digest=asked.digest,
        )
    for question in pending_questions(state):
        call = next(each for each in state.calls if each.question == question.id)
        yield Item(
            kind="question",
            id=question.id,
            row=row,
            state=state,
            call=call,
            arguments=call.arguments,
            question=question.text,
            answer_schema=question.answer_schema,
        )
    for doubt in pending_doubts(state):
        yield _of_call("doubt", row, state, doubt.call, None)
    for delay in pending_delays(state):
        yield _of_call("delay", row, state, delay.call, delay.until_ms)


def _of_call(kind: Kind, row: RunRow, state: State, name: str, until_ms: int | None) -> Item:
    call = next(each for each in state.calls if each.call == name)
    return Item(
        kind=kind,
        id=f"{row.run}:{name}",
        row=row,
        state=state,
        call=call,
        arguments=call.arguments,
        until_ms=until_ms,
    )


async def why_not(desk: Desk, item: Item, person: str) -> str:
    """Why a person cannot agree to a call; empty where they can, as far as can be told now.

    The run judges it once more when it reads the word.
    """
    if not person:
        return "a program agrees to nothing: sign in as a person"
    roles: Sequence[str] = ()
    speaker = person
    behalf = None
    if desk.speakers is not None:
        found = await desk.speakers.speaker(item.row.tenant, item.approvers, person)
        speaker, roles, behalf = found.person, found.roles, found.on_behalf
    if not is_among(item.approvers, speaker, roles) and behalf is None:
        return f"{speaker} is not among those who may answer"
    if any(same_person(speaker, desk.person_of(each)) for each in item.given):
        return f"{speaker} has agreed already; another person must"
    state = item.state
    alone = item.needed < _TWO_HUMANS and (state.spec.self_approval or state.environment == "dev")
    if not alone and same_person(speaker, desk.person_of(state.user)):
        return f"it is {speaker}'s own run; another person must agree"
    return ""
