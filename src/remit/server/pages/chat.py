"""The page Chat: a conversation with an agent, live; what waits for people and money beside it.

The page itself is nearly empty: its script reads the streams of the session's runs and draws them,
the past as the present. So a reload and a lost connection are the same thing.
"""

import json
from typing import cast

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from remit.app.app import App
from remit.app.budgets import BudgetView
from remit.app.launching import wish_of
from remit.app.upgrade import UpgradeRequired
from remit.errors import ArgumentError, IntegrityError, NotAllowed, NotFound, StoreCorrupt
from remit.journal.admit import LIVE
from remit.journal.codec import open_record
from remit.journal.events import RunStarted
from remit.journal.rows import RunRow
from remit.machine.agent import Agent
from remit.policy.plan import holder_name
from remit.server.frame import linker
from remit.server.inbox.call_view import view_call
from remit.server.inbox.items import Item, items_of, why_not
from remit.server.inbox.schema_form import SchemaForm
from remit.server.route import Ask, Nothing, page
from remit.server.runs.place import row_of_path
from remit.server.starting import begin, check_open, own_name
from remit.server.web import render
from remit.values.message import TextPart
from remit.values.money import format_amount
from remit.values.role import Role

_MAX_TEXT = 100_000  # a long document; the model's own limit is found out by its count
_MAX_NAME = 128
_MAX_ID = 600
_SESSIONS = 12  # conversations listed to go on with
_RUNS = 20  # of a conversation that are drawn; older ones are under Runs
_LOOKED_AT = 200  # newest rows among which conversations are looked for
_TITLE_CHARS = 80


class ChatQuery(BaseModel):
    """Which agent to talk with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str = Field(default="", max_length=_MAX_NAME)


class SayForm(BaseModel):
    """What somebody says, to whom, and in which conversation; a new one where it is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, max_length=_MAX_TEXT)
    agent: str = Field(max_length=_MAX_NAME)
    session: str = Field(default="", max_length=_MAX_NAME)


class CancelForm(BaseModel):
    """Which run is to end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str = Field(max_length=_MAX_ID)


AnyAsk = Ask[ChatQuery, Nothing] | Ask[Nothing, Nothing]


async def show_chats(ask: Ask[ChatQuery, Nothing]) -> Response:
    """The agents to talk with, and conversations to go on with."""
    if ask.query.agent:
        agent = _agent(ask.app, ask.query.agent)
        return _room(ask, "", agent.name, [], mine=True)
    rows = await ask.app.store.runs(ask.tenant, limit=_LOOKED_AT)
    known: dict[str, RunRow] = {}
    for row in rows:
        if row.parent is None and row.user == _user(ask):
            known.setdefault(row.session, row)
    sessions = [(row, await _title(ask, row)) for row in list(known.values())[:_SESSIONS]]
    return render(ask, "chats.html", {"agents": _talkers(ask.app), "sessions": sessions})


async def show_room(ask: Ask[Nothing, Nothing]) -> Response:
    """A conversation."""
    session = ask.path["session"]
    rows = await _runs(ask, session)
    if not rows:
        raise NotFound(f"there is no conversation {session} of tenant {ask.tenant}")
    last = rows[-1]
    return _room(ask, session, last.agent, rows, mine=last.user == _user(ask))


async def say(ask: Ask[Nothing, SayForm]) -> Response:
    """Say something: a run begins."""
    form, app = ask.body, ask.app
    check_open(ask)
    agent = _agent(app, form.agent)
    wish = wish_of(form.text, ask.tenant, _user(ask), form.session or None, (), interactive=True)
    run = (await begin(ask, agent, wish, form)).run
    row = await app.store.run(ask.tenant, run)
    session = form.session or ("" if row is None else row.session)
    address = linker(ask)(f"/chat/{session}")
    if "application/json" in ask.request.headers.get("accept", ""):
        return JSONResponse({"run": run, "session": session, "address": address})
    return RedirectResponse(address, status_code=303)


async def cancel_run(ask: Ask[Nothing, CancelForm]) -> Response:
    """Stop what is under way."""
    session, run = ask.path["session"], ask.body.run
    row = await ask.app.store.run(ask.tenant, run)
    if row is None or row.session != session:
        raise NotFound(f"there is no run {run} in this conversation")
    await ask.app.desk.cancel(
        ask.tenant, run, principal=ask.principal.name, reason="cancelled in the chat"
    )
    return RedirectResponse(linker(ask)(f"/chat/{session}"), status_code=303)


async def tell_standing(ask: Ask[Nothing, Nothing]) -> Response:
    """How the conversation stands: what is used, and whether it can go on."""
    rows = await _runs(ask, ask.path["session"])
    if not rows:
        raise NotFound("there is no such conversation")
    last = rows[-1]
    run = await ask.app.get(last.run, tenant=ask.tenant)
    upgrade = run.upgrade
    locked = upgrade is not None and await _still_lacks(ask.app, last, upgrade)
    return JSONResponse(
        {
            "run": last.run,
            "live": last.status in LIVE,
            "locked": locked,
            "upgrade": _notice(upgrade) if locked and upgrade is not None else None,
            "budget": await _budget(ask.app, last, run.cost_nano),
        }
    )


async def show_waiting(ask: Ask[Nothing, Nothing]) -> Response:
    """One thing that a run of the conversation asks people, as a form (a part of the page)."""
    ref = ask.path["ref"]
    row = await row_of_path(ask)
    past = await ask.app.engine.reader.past(row)
    item = next((each for each in items_of(row, past.state) if each.id == ref), None)
    if item is None:
        return render(ask, "chat_waiting.html", {"item": None})
    values: dict[str, object] = {
        "item": item,
        "barred": await _barred(ask, item),
        "view": view_call(item.arguments, past.state.messages, item.call.preview),
        "fields": _fields(item),
    }
    return render(ask, "chat_waiting.html", values)


# ---------------------------------------------------------------- what they share


async def _title(ask: AnyAsk, row: RunRow) -> str:
    """What was said last in a conversation: people know it by that; empty where it was erased."""
    try:
        records = await ask.app.store.records(row.tenant, row.run)
        body = open_record(records[0]) if records else None
    except (IntegrityError, StoreCorrupt):
        return ""  # `remit verify` tells more; the other conversations are still to be seen
    for event in () if body is None else body.events:
        if isinstance(event, RunStarted):
            text = " ".join(
                " ".join(p.text for p in event.input if isinstance(p, TextPart)).split()
            )
            return text if len(text) <= _TITLE_CHARS else f"{text[: _TITLE_CHARS - 1]}…"
    return ""


def _user(ask: AnyAsk | Ask[Nothing, SayForm]) -> str:
    return own_name(ask.principal) or ask.principal.name


def _talkers(app: App) -> list[Agent[object]]:
    """The agents that people may talk with: not those that only others call."""
    below = {each.name for agent in app.agents.values() for each in agent.agents}
    found = (agent for name, agent in app.agents.items() if name not in below)
    own = (each for each in found if not each.model.startswith("remit:"))  # those that undo
    return sorted(own, key=lambda each: each.name)


def _agent(app: App, name: str) -> Agent[object]:
    found = next((each for each in _talkers(app) if each.name == name), None)
    if found is None:
        raise NotFound(f"there is no agent {name!r} here to talk with")
    return found


async def _runs(ask: Ask[Nothing, Nothing], session: str) -> list[RunRow]:
    """The newest root runs of a conversation, the oldest of them first."""
    rows = await ask.app.store.runs(ask.tenant, session=session, limit=_LOOKED_AT)
    return [row for row in rows if row.parent is None][:_RUNS][::-1]


def _room(ask: AnyAsk, session: str, agent: str, rows: list[RunRow], *, mine: bool) -> Response:
    values = {
        "session": session,
        "agent": agent,
        "runs": json.dumps([row.run for row in rows]),
        "mine": mine and ask.may("operator"),
        "tenant_here": ask.tenant,
    }
    return render(ask, "chat.html", values)


async def _still_lacks(app: App, row: RunRow, upgrade: UpgradeRequired) -> bool:
    """Whether the plan that ran out is still the user's, in the same window."""
    holder = holder_name(app.plans.declared, row.tenant, row.user)
    now = await app.plans.show(row.tenant, holder)
    began_anew = (
        upgrade.resets_ms is not None and app.engine.services.clock.now_ms() >= upgrade.resets_ms
    )
    return now.plan == upgrade.plan and not began_anew


def _notice(upgrade: UpgradeRequired) -> dict[str, object]:
    """The notice without its address: the address is a link of its own, where it is one."""
    url = upgrade.checkout_url or ""
    words = upgrade.text.partition(" More with the plan")[0]
    safe = url if url.startswith(("https://", "http://")) else ""
    return {"text": words, "offer": upgrade.offer, "url": safe, "resets_ms": upgrade.resets_ms}


async def _budget(app: App, row: RunRow, cost_nano: int) -> dict[str, object]:
    """The budget that is used up most: one of the user's, or the run's own."""
    spec = await app.engine.reader.spec(row.tenant, row.spec)
    found = [(cost_nano, spec.limits.cost_nano, "nano", "this answer")]
    found += [
        (each.used + each.held, each.limit, each.unit, _window(each))
        for each in await app.budgets.show(row.tenant, f"user:{row.user}")
        if each.used is not None and each.limit > 0
    ]
    used, limit, unit, label = max(found, key=lambda one: one[0] / max(1, one[1]))
    share = min(100, 100 * used // max(1, limit))
    words = f"{format_amount(unit, used)} of {format_amount(unit, limit)}, {label}"
    return {"share": share, "text": words}


def _window(view: BudgetView) -> str:
    plan = f" (plan {view.plan})" if view.plan else ""
    return {"hour": "this hour", "day": "today", "month": "this month"}.get(
        view.window, "in all"
    ) + plan


async def _barred(ask: Ask[Nothing, Nothing], item: Item) -> str:
    """Why who looks may not answer; empty where they may."""
    role: Role = "approver" if item.kind == "approval" else "operator"
    if not ask.principal.person:
        return "a program answers nothing"
    if not ask.may(role):
        return f"it waits for somebody with the role {role}"
    if item.kind != "approval":
        return ""
    return await why_not(ask.app.desk, item, ask.principal.person)


def _fields(item: Item) -> tuple[object, ...]:
    if item.kind != "question":
        return ()
    try:
        return cast("tuple[object, ...]", SchemaForm(item.answer_schema).empty())
    except (ArgumentError, NotAllowed):
        return ()


ROUTES = (
    page("GET", "/chat", show_chats, needs="viewer", tenant="one", query=ChatQuery),
    page("POST", "/chat/say", say, needs="operator", tenant="one", body=SayForm),
    page("GET", "/chat/{session}", show_room, needs="viewer", tenant="one"),
    page("GET", "/chat/{session}/standing", tell_standing, needs="viewer", tenant="one"),
    page("POST", "/chat/{session}/cancel", cancel_run, needs="operator", tenant="one",
         body=CancelForm),
    page("GET", "/chat/waiting/{run}/{ref}", show_waiting, needs="viewer", tenant="one"),
)  # fmt: skip
