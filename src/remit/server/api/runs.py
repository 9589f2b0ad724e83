"""The API of runs: start, list, look, wait, cancel, undo."""

import asyncio
from typing import Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from remit.app.following import tree_rows
from remit.app.launching import wish_of
from remit.journal.admit import LIVE
from remit.journal.rows import RunRow
from remit.server.api.given import InputItem, given_of
from remit.server.api.run_shapes import RunLine, Runs, RunView, Status, line_of, view_of
from remit.server.api.shapes import Id, Limit, Name, Shape, Text, Words
from remit.server.route import Ask, Nothing, api
from remit.server.runs.place import row_of_path
from remit.server.settings import MARGIN_S, ServerSettings
from remit.server.starting import (
    agent_named,
    answer_begun,
    begin,
    check_open,
    roles_of,
    user_of,
)

_SCAN = 1_000  # rows read at once
_SCANS = 10  # pages looked through for one answer; the cursor goes on from there
_LOOK_S = 0.1  # sooner than a person would notice


class StartBody(Shape):
    """What to run, on what, for whom."""

    agent: Name
    input: Text | tuple[InputItem, ...] = Field(description="A text, or texts and files in order.")
    session: Name | None = Field(default=None, description="The conversation to go on with.")
    user: Name | None = Field(
        default=None, description="For whom; programs say it, people run for themselves."
    )
    labels: tuple[Name, ...] = Field(default=(), max_length=16)
    wait_s: float = Field(default=0, ge=0, le=3600, description="Answer when it has ended.")


class RunsQuery(Shape):
    """Which runs."""

    status: Status | None = None
    session: Name | None = None
    agent: Name | None = None
    user: Name | None = None
    sub_runs: bool = False
    cursor: Id | None = None
    limit: Limit = 50


class WaitQuery(Shape):
    """How long to wait, in seconds; never longer than the server carries a request."""

    timeout_s: float = Field(default=30, ge=0, le=3600)


class ReasonBody(Shape):
    """Why."""

    reason: Words = ""


class RecallBody(Shape):
    """Which call to call back; all that wait of the run without one."""

    call: Id = ""
    reason: Words = ""


class Recalled(Shape):
    """The calls that were called back."""

    run: str
    calls: tuple[str, ...]


class Cancelled(Shape):
    """The run was asked to end."""

    run: str
    asked: Literal[True] = True


async def start_run(ask: Ask[Nothing, StartBody]) -> BaseModel | Response:
    """Start a run; it goes on in the background, and its events can be followed."""
    check_open(ask)
    body = ask.body
    user = user_of(ask, body.user)
    wish = wish_of(
        given_of(body.input), ask.tenant, user, body.session, body.labels, roles_of(ask, user)
    )
    what = body.model_copy(update={"wait_s": 0.0})  # whoever asks again may wait longer
    begun = await begin(ask, agent_named(ask, body.agent), wish, what)
    if body.wait_s:
        await _settle(ask, begun.run, body.wait_s)
    return answer_begun(begun, await look(ask, begun.run))


async def list_runs(ask: Ask[RunsQuery, Nothing]) -> Runs:
    """Runs, the newest first."""
    wanted, found = ask.query, list[RunLine]()
    before = wanted.cursor
    for _ in range(_SCANS):
        page = await ask.app.store.runs(
            ask.tenants,
            session=wanted.session,
            status=(wanted.status,) if wanted.status else (),
            before=before,
            limit=_SCAN,
        )
        for row in page:
            if _fits(row, wanted):
                found.append(line_of(row))
            if len(found) == wanted.limit:
                return Runs(runs=tuple(found), next=row.run)
        if len(page) < _SCAN:
            return Runs(runs=tuple(found), next=None)
        before = page[-1].run
    return Runs(runs=tuple(found), next=before)


def _fits(row: RunRow, wanted: RunsQuery) -> bool:
    return (
        (wanted.sub_runs or row.parent is None)
        and wanted.agent in (None, row.agent)
        and wanted.user in (None, row.user)
    )


async def show_run(ask: Ask[Nothing, Nothing]) -> RunView:
    """A run as it stands."""
    return await look(ask, ask.path["run"])


async def wait_for_run(ask: Ask[WaitQuery, Nothing]) -> RunView:
    """A run once it has ended or waits for people, or as it stands when the time is over."""
    run = ask.path["run"]
    await row_of_path(ask)
    await _settle(ask, run, ask.query.timeout_s)
    return await look(ask, run)


async def cancel_run(ask: Ask[Nothing, ReasonBody]) -> Cancelled:
    """Ask that a run end, with everything below it."""
    run = ask.path["run"]
    await ask.app.desk.cancel(ask.tenant, run, principal=ask.principal.name, reason=ask.body.reason)
    return Cancelled(run=run)


async def recall_calls(ask: Ask[Nothing, RecallBody]) -> Recalled:
    """Call back delayed calls before they leave."""
    run, body = ask.path["run"], ask.body
    found = await ask.app.desk.recall(
        ask.tenant, run, body.call, principal=ask.principal.name, reason=body.reason
    )
    return Recalled(run=run, calls=tuple(each.call for each in found))


async def look(ask: Ask[BaseModel, BaseModel], run: str) -> RunView:
    """A run with everything below it. Raises `NotFound`."""
    tree = await ask.app.desk.tree(ask.tenant, run)
    return view_of(tree, ask.app.upgrade_of(tree[0]))


async def _settle(ask: Ask[BaseModel, BaseModel], run: str, wanted_s: float) -> None:
    """Wait until a run has ended or waits for people, within the request's own timeout.

    A server that is about to end answers at once: soon it answers nothing any more.
    """
    state = ask.request.app.state
    settings: ServerSettings = state.settings
    most = max(0.0, settings.timeout_s - MARGIN_S)
    loop = asyncio.get_running_loop()
    until = loop.time() + min(wanted_s, most)

    def over() -> bool:
        return loop.time() >= until or state.draining.is_set()

    # Another process may drive it: then nothing here tells that it moved.
    while not over() and await _moves(ask, run):  # noqa: ASYNC110  # see above
        await asyncio.sleep(min(_LOOK_S, max(0.0, until - loop.time())))


async def _moves(ask: Ask[BaseModel, BaseModel], run: str) -> bool:
    """Somebody drives it or something below it, or has yet to read what people said."""
    store, now_ms = ask.app.store, ask.app.desk.clock.now_ms()
    for row in await tree_rows(store, ask.tenant, run):
        driven = row.owner is not None and row.lease_until_ms > now_ms and row.status in LIVE
        if row.status == "running" or driven or await store.inbox(ask.tenant, row.run):
            return True
    return False


ROUTES = (
    api(
        "POST",
        "/api/v1/runs",
        start_run,
        needs="operator",
        tenant="one",
        body=StartBody,
        gives=RunView,
        status=201,
        uploads=True,
        once=True,
    ),
    api(
        "GET",
        "/api/v1/runs",
        list_runs,
        needs="viewer",
        tenant="any",
        query=RunsQuery,
        gives=Runs,
    ),
    api("GET", "/api/v1/runs/{run}", show_run, needs="viewer", tenant="one", gives=RunView),
    api(
        "GET",
        "/api/v1/runs/{run}/wait",
        wait_for_run,
        needs="viewer",
        tenant="one",
        query=WaitQuery,
        gives=RunView,
    ),
    api(
        "POST",
        "/api/v1/runs/{run}/cancel",
        cancel_run,
        needs="operator",
        tenant="one",
        body=ReasonBody,
        gives=Cancelled,
        status=202,
    ),
    api(
        "POST",
        "/api/v1/runs/{run}/recall",
        recall_calls,
        needs="operator",
        tenant="one",
        body=RecallBody,
        gives=Recalled,
        status=202,
    ),
)
