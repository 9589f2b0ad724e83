"""The page of one run: its trace, its story, what was said and decided, its cost, its records."""

import json
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.app.pairs import pairs_of
from remit.app.replay import read_past, rows_below
from remit.errors import NotAllowed, NotFound
from remit.journal.admit import LIVE
from remit.journal.codec import open_record
from remit.journal.rows import RunRow
from remit.machine.conversation import history_of
from remit.projections.audit import decisions
from remit.projections.replay import steps
from remit.projections.spend import entries, total
from remit.projections.story import story
from remit.projections.timeline import Pair
from remit.projections.tree import decision_tree
from remit.server.api.shapes import Id, Words
from remit.server.frame import linker
from remit.server.route import Ask, Nothing, page
from remit.server.runs.branches import branches_of
from remit.server.runs.place import root_of_path
from remit.server.runs.said import artifacts_of, said_of
from remit.server.web import render

View = Literal["trace", "story", "messages", "decisions", "cost", "replay", "records", "versions"]
TITLES: dict[View, str] = {
    "trace": "Trace",
    "story": "Story",
    "messages": "Messages",
    "decisions": "Decisions",
    "cost": "Cost",
    "replay": "Replay",
    "records": "Records",
    "versions": "Versions",
}
_MAX_LINES = 2_000  # of one view; the API and `remit show` give all


class RunQuery(BaseModel):
    """What of the run is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: View = "trace"
    of: Id = ""
    """Which run below it, for what is told run by run."""
    at: int = Field(default=0, ge=0, le=10_000_000)
    """Up to which record it is replayed; 0: the last."""
    said: Words = ""
    """What became of a button that was pressed."""


class WhyForm(BaseModel):
    """A reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """One record of the journal."""

    run: str
    version: int
    time_ms: int
    engine: str
    hash: str
    previous: str
    events: tuple[str, ...]
    """Empty where the payload was erased; the chain still holds."""


async def show_run_page(ask: Ask[RunQuery, Nothing]) -> Response:
    """One run with everything below it."""
    root = await root_of_path(ask)
    if ask.path["run"] != root.run:
        there = linker(ask)(f"/runs/{root.run}", view=ask.query.view, of=ask.path["run"])
        return RedirectResponse(there, status_code=303)
    rows = await rows_below(ask.app.store, root)
    pairs = await pairs_of(ask.app.store, root)
    if not pairs:
        raise NotFound(f"what the run {root.run} did was erased; its seals are still verified")
    tree = decision_tree(pairs, pairs[0][0].run)
    spent = total(entries(pairs))
    values: dict[str, object] = {
        "row": root,
        "rows": rows,
        "tree": tree,
        "spent": spent,
        "live": root.status in LIVE,
        "query": ask.query,
        "titles": TITLES,
        "views": get_args(View),
        "most": _MAX_LINES,
        "waits": root.status == "waiting" or any(each.status == "waiting" for each in rows),
        **await _view(ask, rows, pairs),
    }
    return render(ask, "run.html", values)


async def _view(
    ask: Ask[RunQuery, Nothing], rows: list[RunRow], pairs: list[Pair]
) -> dict[str, object]:
    """What the chosen view alone needs."""
    match ask.query.view:
        case "story":
            return {"story": story(decision_tree(pairs, pairs[0][0].run))[:_MAX_LINES]}
        case "messages":
            return await _said(ask, rows)
        case "decisions":
            return {"decisions": decisions(pairs)[:_MAX_LINES]}
        case "cost":
            found = entries(pairs)
            return {"branches": branches_of(rows, found), "entries": found[:_MAX_LINES]}
        case "replay":
            return await _replayed(ask, rows)
        case "records":
            return {"records": await _records(ask, rows)}
        case "versions":
            return await _versions(ask, rows)
        case _:
            return {}


def _chosen(ask: Ask[RunQuery, Nothing], rows: list[RunRow]) -> RunRow:
    """The run that is told of, the root by default."""
    return next((row for row in rows if row.run == ask.query.of), rows[0])


async def _said(ask: Ask[RunQuery, Nothing], rows: list[RunRow]) -> dict[str, object]:
    row = _chosen(ask, rows)
    past = await ask.app.engine.reader.past(row)
    return {
        "of": row,
        "messages": said_of(history_of(past.state)),
        "artifacts": artifacts_of(past.bodies),
    }


async def _replayed(ask: Ask[RunQuery, Nothing], rows: list[RunRow]) -> dict[str, object]:
    row = _chosen(ask, rows)
    past = await read_past(ask.app.engine.reader, row)
    last = len(past.pairs)
    at = min(ask.query.at or last, last)
    state, step = past.before, None
    for step in steps(past.before, past.pairs[:at]):
        state = step.state
    return {
        "of": row,
        "at": at,
        "last": last,
        "step": step,
        "state": state,
        "so_far": said_of(state.messages),
        "events": () if step is None else tuple(_event(each) for each in step.body.events),
    }


def _event(event: BaseModel) -> tuple[str, str]:
    """Its type, and the rest as JSON for reading."""
    tree: dict[str, object] = event.model_dump(mode="json", exclude_defaults=True)
    name = str(tree.pop("type", type(event).__name__))
    return name, json.dumps(tree, indent=1, ensure_ascii=False) if tree else ""


async def _records(ask: Ask[RunQuery, Nothing], rows: list[RunRow]) -> list[RecordLine]:
    found: list[RecordLine] = []
    for row in rows:
        for record in await ask.app.store.records(row.tenant, row.run):
            if len(found) == _MAX_LINES:
                return found
            body = open_record(record)
            found.append(
                RecordLine(
                    run=row.run,
                    version=record.header.version,
                    time_ms=record.header.time_ms,
                    engine=record.header.engine,
                    hash=record.hash.hex(),
                    previous=record.previous.hex(),
                    events=() if body is None else tuple(each.type for each in body.events),
                )
            )
    return found


async def _versions(ask: Ask[RunQuery, Nothing], rows: list[RunRow]) -> dict[str, object]:
    """The declarations that the runs refer to."""
    reader = ask.app.engine.reader
    pasts = [await reader.past(row) for row in rows]
    return {"pasts": pasts}


# ---------------------------------------------------------------- buttons


async def cancel_from_page(ask: Ask[Nothing, WhyForm]) -> Response:
    """Ask that the run end, with everything below it."""
    root = await root_of_path(ask)
    said = "It was asked to end."
    try:
        await ask.app.desk.cancel(
            ask.tenant, root.run, principal=ask.principal.name, reason=ask.body.reason.strip()
        )
    except NotAllowed as exc:
        said = str(exc)
    return RedirectResponse(linker(ask)(f"/runs/{root.run}", said=said), status_code=303)


ROUTES = (
    page("GET", "/runs/{run}", show_run_page, needs="viewer", tenant="one", query=RunQuery),
    page(
        "POST",
        "/runs/{run}/cancel",
        cancel_from_page,
        needs="operator",
        tenant="one",
        body=WhyForm,
    ),
)
