"""Live streams of the API: one run with its sub-runs, and a tenant as a whole (server-sent events).

A reader that was cut off comes back with the id of the last event it has, as the header
`Last-Event-ID` or as `?after=`, and misses nothing.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from remit.app.live import LiveFeeds
from remit.app.live_cursor import MAX_CURSOR_CHARS
from remit.app.live_run import LiveRun
from remit.errors import NotFound, RequestRefused, UsageError
from remit.server import streams
from remit.server.frames import frame, frames_of_run, frames_of_tenant, plain
from remit.server.route import Ask, Nothing, stream
from remit.server.streams import LiveResponse, Streams

_MAX_DIGITS = 19  # of a position: 63 bits


class RunStreamQuery(BaseModel):
    """Where to go on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: str = Field(default="", max_length=MAX_CURSOR_CHARS)
    """The id of the last event the reader has; none: from the beginning."""


class TenantStreamQuery(BaseModel):
    """Where to go on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: str = Field(default="", pattern=rf"^[0-9]{{0,{_MAX_DIGITS}}}$")
    """The id of the last event the reader has; none: from now on."""


async def stream_run(ask: Ask[RunStreamQuery, Nothing]) -> Response:
    """A run and its sub-runs, live: journal events in their order, words on their way."""
    opened: Streams = ask.request.app.state.streams
    after = ask.request.headers.get("last-event-id", "") or ask.query.after
    try:
        live = await opened.feeds.run(ask.tenant, ask.path["run"], after)
    except NotFound:
        raise
    except UsageError as exc:
        raise RequestRefused(str(exc), status=422, remedy="ask without `after`") from exc
    if live is None:  # the one answer after which no browser comes back
        return Response(status_code=204)
    return LiveResponse(opened, _run_chunks(opened.feeds, live), ask.request.state.still)


async def _run_chunks(feeds: LiveFeeds, live: LiveRun) -> AsyncGenerator[bytes, None]:
    async with aclosing(feeds.batches_of(live, streams.HEARTBEAT_S)) as batches:
        async for batch in batches:
            yield frames_of_run(batch, here=live.driven_here)
    yield frame("end", plain({"run": live.cursor.run}))


async def stream_tenant(ask: Ask[TenantStreamQuery, Nothing]) -> Response:
    """All that happens in a tenant, live and in few words, and what is switched off."""
    opened: Streams = ask.request.app.state.streams
    after = ask.request.headers.get("last-event-id", "") or ask.query.after
    if len(after) > _MAX_DIGITS or not (after.isascii() and (after.isdigit() or not after)):
        raise RequestRefused(
            "Last-Event-ID is none of this stream's",
            status=422,
            remedy="give back the id of the last event as it came, or none",
        )
    chunks = _tenant_chunks(opened.feeds, ask.tenant, int(after) if after else None)
    return LiveResponse(opened, chunks, ask.request.state.still)


async def _tenant_chunks(
    feeds: LiveFeeds, tenant: str, after: int | None
) -> AsyncGenerator[bytes, None]:
    async with aclosing(feeds.tenant(tenant, after, streams.HEARTBEAT_S)) as batches:
        async for batch in batches:
            yield frames_of_tenant(batch)


ROUTES = (
    stream(
        "/api/v1/runs/{run}/stream",
        stream_run,
        needs="viewer",
        tenant="one",
        query=RunStreamQuery,
    ),
    stream(
        "/api/v1/stream",
        stream_tenant,
        needs="viewer",
        tenant="one",
        query=TenantStreamQuery,
    ),
)
