"""The API of what a run said and did: its journal, its conversation, its artifacts."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from remit.errors import NotFound
from remit.journal.codec import open_record
from remit.journal.events import ApprovalRequested, RunStarted, ToolCompleted
from remit.machine.conversation import history_of
from remit.server.api.run_shapes import Events, EventView, Messages, messages_of
from remit.server.api.shapes import MAX_PAGE, Shape, instant
from remit.server.route import Ask, Nothing, api
from remit.server.runs.place import row_of_path
from remit.values.message import DocumentPart, ImagePart

# Types that browsers show and that cannot hold a script; the rest is only saved.
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class EventsQuery(Shape):
    """From where on."""

    after: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}\.[0-9]{1,9}$")] = Field(
        default="0.0", description="The `id` of the last event that is known."
    )
    limit: Annotated[int, Field(ge=1, le=1000, description="Events of one answer.")] = MAX_PAGE


async def list_events(ask: Ask[EventsQuery, Nothing]) -> Events:
    """The journal of one run, in order; sub-runs have their own."""
    version, index = (int(part) for part in ask.query.after.split("."))
    found: list[EventView] = []
    # The record that was read in part is read again.
    records = await ask.app.store.records(
        ask.tenant, (await row_of_path(ask)).run, max(0, version - 1)
    )
    for record in records:
        body = open_record(record)
        for place, event in enumerate(() if body is None else body.events):
            if (record.header.version, place) <= (version, index):
                continue
            if len(found) == ask.query.limit:
                return Events(events=tuple(found), next=found[-1].id)
            found.append(
                EventView(
                    id=f"{record.header.version}.{place}",
                    at=instant(record.header.time_ms),
                    hash=record.hash.hex(),
                    event=event.model_dump(mode="json", exclude_defaults=True),
                )
            )
    return Events(events=tuple(found), next=None)


async def list_messages(ask: Ask[Nothing, Nothing]) -> Messages:
    """The conversation of a run, with what earlier runs of its session said."""
    past = await ask.app.engine.reader.past_of(ask.tenant, (await row_of_path(ask)).run)
    return messages_of(history_of(past.state))


async def get_artifact(ask: Ask[Nothing, Nothing]) -> Response:
    """A whole tool result, or an image or document that the run was given, as it is kept."""
    digest = ask.path["digest"]
    run = (await row_of_path(ask)).run
    media_type = await _media_type(ask, run, digest) if _DIGEST.fullmatch(digest) else None
    content = None if media_type is None else await ask.app.store.blob(ask.tenant, digest)
    if content is None:
        raise NotFound(f"the run {run} has no artifact {digest[:80]!r}")
    shown = media_type in _SHOWN
    return Response(
        content,
        media_type=media_type if shown else "application/octet-stream",
        headers={
            "content-disposition": "inline" if shown else f'attachment; filename="{digest[:16]}"',
            "cache-control": "private, max-age=3600, immutable",
        },
    )


async def _media_type(ask: Ask[BaseModel, BaseModel], run: str, digest: str) -> str | None:
    """What an artifact is, where this run made it or was given it."""
    async for part in _kept(ask, run):
        if part[0] == digest:
            return part[1]
    return None


async def _kept(ask: Ask[BaseModel, BaseModel], run: str) -> AsyncIterator[tuple[str, str]]:
    for record in await ask.app.store.records(ask.tenant, run):
        body = open_record(record)
        for event in () if body is None else body.events:
            if isinstance(event, ToolCompleted) and event.artifact:
                yield event.artifact, "text/plain"
            elif isinstance(event, ApprovalRequested) and event.preview is not None:
                yield event.preview.artifact, "text/plain"
            elif isinstance(event, RunStarted):
                for part in event.input:
                    if isinstance(part, ImagePart | DocumentPart):
                        yield part.digest, part.media_type


ROUTES = (
    api(
        "GET",
        "/api/v1/runs/{run}/events",
        list_events,
        needs="viewer",
        tenant="one",
        query=EventsQuery,
        gives=Events,
    ),
    api(
        "GET",
        "/api/v1/runs/{run}/messages",
        list_messages,
        needs="viewer",
        tenant="one",
        gives=Messages,
    ),
    api(
        "GET",
        "/api/v1/runs/{run}/artifacts/{digest}",
        get_artifact,
        needs="viewer",
        tenant="one",
        media_type="application/octet-stream",
    ),
)
