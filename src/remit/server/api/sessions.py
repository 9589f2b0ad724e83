"""The API of sessions: conversations that go on from run to run."""

from datetime import datetime

from pydantic import BaseModel, Field
from starlette.responses import Response

from remit.app.launching import wish_of
from remit.errors import NotFound
from remit.journal.rows import RunRow
from remit.machine.conversation import history_of
from remit.server.api.given import InputItem, given_of
from remit.server.api.run_shapes import Messages, RunView, Status, messages_of
from remit.server.api.runs import look
from remit.server.api.shapes import Id, Limit, Name, Shape, Text, instant
from remit.server.route import Ask, Nothing, api
from remit.server.starting import (
    agent_named,
    answer_begun,
    begin,
    check_open,
    roles_of,
    user_of,
)

_SCAN = 1_000  # rows read at once
_SCANS = 10  # pages looked through for one answer


class SessionLine(Shape):
    """A conversation and how its newest run stands."""

    session: str
    tenant: str
    user: str
    agent: str
    run: str
    status: Status
    updated_at: datetime


class Sessions(Shape):
    """Conversations, that with the newest run first."""

    sessions: tuple[SessionLine, ...]
    next: str | None


class SessionsQuery(Shape):
    """Whose conversations."""

    user: Name | None = None
    cursor: Id | None = None
    limit: Limit = 50


class SayBody(Shape):
    """What somebody says; the agent is that of the conversation, unless it has none yet."""

    input: Text | tuple[InputItem, ...]
    agent: Name | None = None
    user: Name | None = Field(default=None, description="For whom; only programs say it.")
    labels: tuple[Name, ...] = Field(default=(), max_length=16)


async def list_sessions(ask: Ask[SessionsQuery, Nothing]) -> Sessions:
    """Conversations, the one that went on last first."""
    wanted, before = ask.query, ask.query.cursor
    found: dict[tuple[str, str], SessionLine] = {}
    for _ in range(_SCANS):
        page = await ask.app.store.runs(ask.tenants, before=before, limit=_SCAN)
        for row in page:
            if row.parent is None and wanted.user in (None, row.user):
                found.setdefault((row.tenant, row.session), _line(row))
            if len(found) == wanted.limit:
                return Sessions(sessions=tuple(found.values()), next=row.run)
        if len(page) < _SCAN:
            return Sessions(sessions=tuple(found.values()), next=None)
        before = page[-1].run
    return Sessions(sessions=tuple(found.values()), next=before)


def _line(row: RunRow) -> SessionLine:
    return SessionLine(
        session=row.session,
        tenant=row.tenant,
        user=row.user,
        agent=row.agent,
        run=row.run,
        status=row.status,
        updated_at=instant(row.updated_ms),
    )


async def list_session_messages(ask: Ask[Nothing, Nothing]) -> Messages:
    """What was said in a conversation, from its beginning."""
    newest = await _newest(ask)
    if newest is None:
        raise NotFound(f"there is no session {ask.path['session']} of tenant {ask.tenant}")
    past = await ask.app.engine.reader.past_of(ask.tenant, newest.run)
    return messages_of(history_of(past.state))


async def say(ask: Ask[Nothing, SayBody]) -> BaseModel | Response:
    """Go on with a conversation: its next run begins."""
    check_open(ask)
    body, newest = ask.body, await _newest(ask)
    name = body.agent or (None if newest is None else newest.agent)
    if name is None:
        raise NotFound(f"there is no session {ask.path['session']}; say `agent` to begin it")
    user = user_of(ask, body.user)
    wish = wish_of(
        given_of(body.input),
        ask.tenant,
        user,
        ask.path["session"],
        body.labels,
        roles_of(ask, user),
    )
    begun = await begin(ask, agent_named(ask, name), wish, body)
    return answer_begun(begun, await look(ask, begun.run))


async def _newest(ask: Ask[BaseModel, BaseModel]) -> RunRow | None:
    """The newest root run of the session of the path."""
    rows = await ask.app.store.runs(ask.tenant, session=ask.path["session"], limit=1)
    if not rows or not rows[0].agent:
        return None
    return await ask.app.store.run(ask.tenant, rows[0].root)


ROUTES = (
    api(
        "GET",
        "/api/v1/sessions",
        list_sessions,
        needs="viewer",
        tenant="any",
        query=SessionsQuery,
        gives=Sessions,
    ),
    api(
        "GET",
        "/api/v1/sessions/{session}/messages",
        list_session_messages,
        needs="viewer",
        tenant="one",
        gives=Messages,
    ),
    api(
        "POST",
        "/api/v1/sessions/{session}/messages",
        say,
        needs="operator",
        tenant="one",
        body=SayBody,
        gives=RunView,
        status=201,
        uploads=True,
        once=True,
    ),
)
