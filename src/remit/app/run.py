"""`Run` is what a caller gets: how a run stands, what it answered, what it waits for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from remit.app.upgrade import UpgradeRequired
from remit.errors import RunUnfinished
from remit.machine.agent import Agent
from remit.machine.conversation import json_text
from remit.machine.state import State
from remit.values.preview import Previewed
from remit.values.usage import Usage

T = TypeVar("T")
Status = Literal["running", "waiting", "completed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingApproval:
    """A call that waits for humans. `digest` binds an approval to exactly this call."""

    id: str
    run: str
    tool: str
    arguments: str
    digest: str
    needed: int
    given: tuple[str, ...]
    rule: str
    expires_ms: int
    reason: str = ""
    approvers: tuple[str, ...] = ()
    """Who may agree: names, and roles as `role:finance`; empty: whom the app lets in."""
    preview: Previewed | None = None
    """What it would do, where its tool tells that; `digest` covers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingQuestion:
    """A typed question that a call asks a human; `answer_schema` is a JSON Schema."""

    id: str
    run: str
    tool: str
    text: str
    answer_schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDoubt:
    """A write of which nobody knows whether it happened."""

    run: str
    call: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDelay:
    """A call that was let through and leaves at an instant, unless somebody calls it back."""

    run: str
    call: str
    tool: str
    arguments: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[T]):
    """A run as it stands. Governed endings are values here, never exceptions."""

    id: str
    tenant: str
    agent: Agent[T]
    status: Status
    reason: str
    detail: str
    success: bool | None
    partial: str | None
    """JSON text of the answer, or of what there is of it."""
    turns: int
    tool_calls: int
    usage: Usage
    cost_nano: int
    approvals: tuple[PendingApproval, ...] = ()
    questions: tuple[PendingQuestion, ...] = ()
    doubts: tuple[PendingDoubt, ...] = ()
    delays: tuple[PendingDelay, ...] = ()
    upgrade: UpgradeRequired | None = None
    """Why the holder's plan ended the run, and how to get more."""

    @property
    def output(self) -> T:
        """The answer, in the agent's output type. Raises `RunUnfinished` if there is none."""
        if self.status != "completed" or self.partial is None:
            why = f": {self.reason}" if self.reason else ""
            more = f" ({self.detail})" if self.detail else ""
            raise RunUnfinished(f"run {self.id} is {self.status}{why}{more}; it has no output")
        return self.agent.read_answer(self.partial)


def status_of(state: State) -> Status:
    """The status of a folded run."""
    if state.phase == "ended":
        return "completed" if state.status == "completed" else "stopped"
    return "waiting" if state.waits_for_others else "running"


def pending_approvals(state: State) -> tuple[PendingApproval, ...]:
    """Calls of a run that wait for humans."""
    return tuple(
        PendingApproval(
            id=call.approval,
            run=state.run,
            tool=call.tool,
            arguments=call.arguments,
            digest=call.digest,
            needed=call.needed,
            given=call.given,
            rule=call.rule,
            expires_ms=call.expires_ms,
            reason=call.ask_reason,
            approvers=call.approvers or state.spec.who_agrees(call.tool, call.rule),
            preview=call.preview,
        )
        for call in state.calls
        if call.status == "asking" and state.phase != "ended"
    )


def pending_questions(state: State) -> tuple[PendingQuestion, ...]:
    """Questions of a run's calls that wait for an answer."""
    return tuple(
        PendingQuestion(
            id=call.question,
            run=state.run,
            tool=call.tool,
            text=call.question_text,
            answer_schema=call.question_schema,
        )
        for call in state.calls
        if call.status == "input" and state.phase != "ended"
    )


def pending_doubts(state: State) -> tuple[PendingDoubt, ...]:
    """Writes of a run that a human must judge."""
    return tuple(
        PendingDoubt(run=state.run, call=call.call, tool=call.tool, arguments=call.arguments)
        for call in state.calls
        if call.status == "doubt" and state.phase != "ended"
    )


def pending_delays(state: State) -> tuple[PendingDelay, ...]:
    """Calls of a run that can still be called back."""
    return tuple(
        PendingDelay(
            run=state.run,
            call=call.call,
            tool=call.tool,
            arguments=call.arguments,
            until_ms=call.not_before_ms,
        )
        for call in state.calls
        if call.status == "delayed" and state.phase not in ("stopping", "ended")
    )


def _no_notice(_state: State) -> None:
    """Nobody declared plans."""


def run_of(
    agent: Agent[T],
    tree: list[State],
    upgrade_of: Callable[[State], UpgradeRequired | None] = _no_notice,
) -> Run[T]:
    """The run of a root's state; `tree` holds it first, then its living sub-runs."""
    state = tree[0]
    partial = state.output
    if partial is None and state.phase != "ended" and state.last_text:
        partial = json_text(state.last_text)
    return Run(
        id=state.run,
        tenant=state.tenant,
        agent=agent,
        status=status_of(state),
        reason=state.reason or state.stopping,
        detail=state.detail or state.stopping_detail,
        success=state.success,
        partial=partial,
        turns=state.turns,
        tool_calls=state.tool_calls,
        usage=state.usage,
        cost_nano=state.cost,
        approvals=tuple(found for one in tree for found in pending_approvals(one)),
        questions=tuple(found for one in tree for found in pending_questions(one)),
        doubts=tuple(found for one in tree for found in pending_doubts(one)),
        delays=tuple(found for one in tree for found in pending_delays(one)),
        upgrade=upgrade_of(state),
    )
