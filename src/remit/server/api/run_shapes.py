"""The shapes of runs in the API: rows, states, events, messages, what waits for people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import JsonValue
from pydantic_core import from_json

from remit.app.run import (
    PendingApproval,
    pending_approvals,
    pending_delays,
    pending_doubts,
    pending_questions,
    status_of,
)
from remit.app.upgrade import UpgradeRequired
from remit.journal.rows import RunRow
from remit.machine.state import State
from remit.server.api.shapes import Shape, instant, instant_or_none, usd
from remit.server.api.used import VersionsView, versions_of
from remit.values.message import (
    CallPart,
    DocumentPart,
    ImagePart,
    Message,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from remit.values.preview import Previewed

Status = Literal["running", "waiting", "completed", "stopped"]


class RunLine(Shape):
    """A run in a list."""

    run: str
    tenant: str
    agent: str
    user: str
    session: str
    status: Status
    parent: str | None
    created_at: datetime
    updated_at: datetime


class Runs(Shape):
    """Runs, the newest first; `next` is the cursor of the page after, None at the end."""

    runs: tuple[RunLine, ...]
    next: str | None


class PreviewView(Shape):
    """What a call would do, as people are shown it; its text is no markup.

    Each line stands after its sign: `+`, `-`, a space for what stays, `@` for a place.
    """

    text: str
    lines: int
    """Of the whole; `text` has the first of them."""
    added: int
    cut: int
    artifact: str
    """Digest of the whole, to be read as an artifact of the run; empty where `text` is all."""


class ApprovalView(Shape):
    """A call that waits for people. `digest` binds an approval to exactly this call."""

    approval: str
    tenant: str
    run: str
    tool: str
    arguments: str
    """JSON text, as it will be carried out."""
    digest: str
    needed: int
    given: tuple[str, ...]
    approvers: tuple[str, ...]
    rule: str
    reason: str
    expires_at: datetime
    preview: PreviewView | None
    """What it would do; none where its tool does not tell."""


class QuestionView(Shape):
    """A typed question that waits for an answer."""

    question: str
    tenant: str
    run: str
    tool: str
    text: str
    answer_schema: JsonValue


class DoubtView(Shape):
    """A write of which nobody knows whether it happened."""

    tenant: str
    run: str
    call: str
    tool: str
    arguments: str


class DelayView(Shape):
    """A call that was let through and can still be called back."""

    tenant: str
    run: str
    call: str
    tool: str
    arguments: str
    leaves_at: datetime


class UpgradeView(Shape):
    """Why the plan ended the run, and how to get more; no model had a word in it."""

    plan: str
    what: str
    text: str
    offer: str
    checkout_url: str | None
    resets_at: datetime | None


class RunView(Shape):
    """A run as it stands."""

    run: str
    tenant: str
    agent: str
    user: str
    session: str
    status: Status
    reason: str
    detail: str
    success: bool | None
    output: JsonValue
    """The answer, or what there is of it; in the agent's output type."""
    turns: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: str
    deadline_at: datetime
    sub_runs: tuple[str, ...]
    approvals: tuple[ApprovalView, ...]
    questions: tuple[QuestionView, ...]
    doubts: tuple[DoubtView, ...]
    delays: tuple[DelayView, ...]
    upgrade: UpgradeView | None
    versions: VersionsView


class EventView(Shape):
    """One fact of a run's journal, in journal order."""

    id: str
    """Record and place in it, as `12.0`: give it as `after` to go on from here."""
    at: datetime
    hash: str
    """Of its record, in hex."""
    event: dict[str, JsonValue]


class Events(Shape):
    """A page of a run's journal."""

    events: tuple[EventView, ...]
    next: str | None


class PartView(Shape):
    """A part of a message: a text, a thought, a call, its result, an image, a document."""

    kind: str
    origin: str
    text: str = ""
    call: str = ""
    tool: str = ""
    arguments: str = ""
    is_error: bool = False
    digest: str = ""
    media_type: str = ""
    name: str = ""


class MessageView(Shape):
    """What one side said."""

    role: str
    parts: tuple[PartView, ...]


class Messages(Shape):
    """A conversation, from its beginning."""

    messages: tuple[MessageView, ...]


def line_of(row: RunRow) -> RunLine:
    """A run in a list."""
    return RunLine(
        run=row.run,
        tenant=row.tenant,
        agent=row.agent,
        user=row.user,
        session=row.session,
        status=row.status,
        parent=row.parent,
        created_at=instant(row.created_ms),
        updated_at=instant(row.updated_ms),
    )


def view_of(tree: Sequence[State], upgrade: UpgradeRequired | None) -> RunView:
    """A run from the states of its tree, its own first."""
    state = tree[0]
    return RunView(
        run=state.run,
        tenant=state.tenant,
        agent=state.spec.name,
        user=state.user,
        session=state.session,
        status=status_of(state),
        reason=state.reason or state.stopping,
        detail=state.detail or state.stopping_detail,
        success=state.success,
        output=output_of(state),
        turns=state.turns,
        tool_calls=state.tool_calls,
        input_tokens=state.usage.input,
        output_tokens=state.usage.output,
        cost_usd=usd(state.cost),
        deadline_at=instant(state.deadline_ms),
        sub_runs=tuple(each.run for each in tree[1:]),
        approvals=tuple(found for each in tree for found in approvals_of(each)),
        questions=tuple(found for each in tree for found in questions_of(each)),
        doubts=tuple(found for each in tree for found in doubts_of(each)),
        delays=tuple(found for each in tree for found in delays_of(each)),
        upgrade=None
        if upgrade is None
        else UpgradeView(
            plan=upgrade.plan,
            what=upgrade.what,
            text=upgrade.text,
            offer=upgrade.offer,
            checkout_url=upgrade.checkout_url,
            resets_at=instant_or_none(upgrade.resets_ms),
        ),
        versions=versions_of(state),
    )


def output_of(state: State) -> JsonValue:
    """The answer of a run, or what there is of it."""
    if state.output is None:
        return state.last_text if state.phase != "ended" and state.last_text else None
    found: JsonValue = from_json(state.output)
    return found


def approval_of(tenant: str, each: PendingApproval) -> ApprovalView:
    """A call that waits."""
    return ApprovalView(
        approval=each.id,
        tenant=tenant,
        run=each.run,
        tool=each.tool,
        arguments=each.arguments,
        digest=each.digest,
        needed=each.needed,
        given=each.given,
        approvers=each.approvers,
        rule=each.rule,
        reason=each.reason,
        expires_at=instant(each.expires_ms),
        preview=preview_of(each.preview),
    )


def preview_of(preview: Previewed | None) -> PreviewView | None:
    """What a call would do."""
    if preview is None:
        return None
    return PreviewView(
        text=preview.text,
        lines=preview.lines,
        added=preview.added,
        cut=preview.cut,
        artifact=preview.artifact,
    )


def approvals_of(state: State) -> list[ApprovalView]:
    """Calls of a run that wait for people."""
    return [approval_of(state.tenant, each) for each in pending_approvals(state)]


def questions_of(state: State) -> list[QuestionView]:
    """Questions of a run."""
    return [
        QuestionView(
            question=each.id,
            tenant=state.tenant,
            run=each.run,
            tool=each.tool,
            text=each.text,
            answer_schema=from_json(each.answer_schema),
        )
        for each in pending_questions(state)
    ]


def doubts_of(state: State) -> list[DoubtView]:
    """Writes of a run in doubt."""
    return [
        DoubtView(
            tenant=state.tenant,
            run=each.run,
            call=each.call,
            tool=each.tool,
            arguments=each.arguments,
        )
        for each in pending_doubts(state)
    ]


def delays_of(state: State) -> list[DelayView]:
    """Calls of a run that have not left."""
    return [
        DelayView(
            tenant=state.tenant,
            run=each.run,
            call=each.call,
            tool=each.tool,
            arguments=each.arguments,
            leaves_at=instant(each.until_ms),
        )
        for each in pending_delays(state)
    ]


def messages_of(messages: Sequence[Message]) -> Messages:
    """A conversation, without what only providers can read."""
    return Messages(
        messages=tuple(
            MessageView(role=each.role, parts=tuple(part_of(part) for part in each.parts))
            for each in messages
        )
    )


def part_of(
    part: TextPart | ThinkingPart | CallPart | ResultPart | ImagePart | DocumentPart,
) -> PartView:
    """A part of a message."""
    kind, origin = part.kind, part.origin.kind
    match part:
        case TextPart() | ThinkingPart():
            return PartView(kind=kind, origin=origin, text=part.text)
        case CallPart():
            return PartView(
                kind=kind, origin=origin, call=part.call, tool=part.tool, arguments=part.arguments
            )
        case ResultPart():
            return PartView(
                kind=kind,
                origin=origin,
                call=part.call,
                tool=part.tool,
                text=part.text,
                is_error=part.is_error,
            )
        case ImagePart():
            return PartView(
                kind=kind, origin=origin, digest=part.digest, media_type=part.media_type
            )
        case DocumentPart():
            return PartView(
                kind=kind,
                origin=origin,
                digest=part.digest,
                media_type=part.media_type,
                name=part.name,
            )
