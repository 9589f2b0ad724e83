"""The API of calls that wait for people: approve, approve with changed arguments, deny."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pydantic_core import from_json

from remit.errors import NotFound, RequestRefused
from remit.machine.state import State
from remit.server.api.run_shapes import ApprovalView, approvals_of
from remit.server.api.shapes import Shape, Text, Words
from remit.server.route import Ask, Nothing, api
from remit.server.speaking import channel_of, person_of
from remit.wire.webhook.answer_link import AnswerToken

MOST = 1_000  # calls of one answer; who has more waiting has another problem


def _check_object(text: str | None) -> None:
    """Raise `RequestRefused` unless it is the JSON text of an object."""
    try:
        fits = text is None or isinstance(from_json(text), dict)
    except ValueError:
        fits = False
    if not fits:
        raise RequestRefused(
            "the arguments are not the JSON text of an object",
            status=409,
            remedy='send them as text: "{"order": "18"}"',
        )


class Approvals(Shape):
    """Calls that wait, the oldest first."""

    approvals: tuple[ApprovalView, ...]


class ApproveBody(Shape):
    """Yes to exactly the call that was seen."""

    digest: Annotated[str, Field(max_length=128, description="That of the call as it was shown.")]
    comment: Words = ""
    arguments: Text | None = Field(
        default=None, description="Other arguments, as JSON text; the call is checked anew."
    )


class DenyBody(Shape):
    """No, and why: the model is told."""

    comment: Words = ""


class Decided(Shape):
    """What was said, by whom; `taken`: the run has read it by now."""

    approval: str
    decision: Literal["approved", "denied"]
    person: str
    taken: bool


async def list_approvals(ask: Ask[Nothing, Nothing]) -> Approvals:
    """Calls that wait for people, the oldest first."""
    found: list[ApprovalView] = []
    async for state in living(ask):
        found += approvals_of(state)
        if len(found) >= MOST:
            break
    return Approvals(approvals=tuple(found[:MOST]))


async def show_approval(ask: Ask[Nothing, Nothing]) -> ApprovalView:
    """A call that waits, as it stands now."""
    approval = ask.path["approval"]
    state = await state_of(ask, approval.partition(":")[0])
    for each in approvals_of(state):
        if each.approval == approval:
            return each
    raise NotFound(f"nothing waits for the approval {approval}: answered, expired or unknown")


async def approve_call(ask: Ask[Nothing, ApproveBody]) -> Decided:
    """Agree to a call as it was shown, or with other arguments, in the name of who is signed in."""
    body = ask.body
    _check_object(body.arguments)
    return await _put(
        ask, "approve", digest=body.digest, comment=body.comment, arguments=body.arguments
    )


async def deny_call(ask: Ask[Nothing, DenyBody]) -> Decided:
    """Refuse a call; one no is enough."""
    return await _put(ask, "deny", comment=ask.body.comment)


async def _put(
    ask: Ask[BaseModel, BaseModel],
    say: Literal["approve", "deny"],
    *,
    digest: str = "",
    comment: str = "",
    arguments: str | None = None,
) -> Decided:
    approval = ask.path["approval"]
    token = AnswerToken(say=say, tenant=ask.tenant, ref=approval, until_s=0, digest=digest)
    person, taken = await ask.app.answers.put(
        token,
        say,
        person_of(ask),
        channel=channel_of(ask),
        comment=comment,
        arguments=arguments,
    )
    return Decided(
        approval=approval,
        decision="approved" if say == "approve" else "denied",
        person=person,
        taken=taken,
    )


async def living(ask: Ask[BaseModel, BaseModel]) -> AsyncIterator[State]:
    """The states of runs that have not ended, the oldest first."""
    desk = ask.app.desk
    for row in reversed(await desk.living(ask.tenants)):
        yield (await desk.reader.past(row)).state


async def state_of(ask: Ask[BaseModel, BaseModel], run: str) -> State:
    """The state of a run. Raises `NotFound`."""
    return (await ask.app.desk.reader.past_of(ask.tenant, run)).state


ROUTES = (
    api(
        "GET",
        "/api/v1/approvals",
        list_approvals,
        needs="viewer",
        tenant="any",
        gives=Approvals,
    ),
    api(
        "GET",
        "/api/v1/approvals/{approval}",
        show_approval,
        needs="viewer",
        tenant="one",
        gives=ApprovalView,
    ),
    api(
        "POST",
        "/api/v1/approvals/{approval}/approve",
        approve_call,
        needs="approver",
        tenant="one",
        body=ApproveBody,
        gives=Decided,
    ),
    api(
        "POST",
        "/api/v1/approvals/{approval}/deny",
        deny_call,
        needs="approver",
        tenant="one",
        body=DenyBody,
        gives=Decided,
    ),
)
