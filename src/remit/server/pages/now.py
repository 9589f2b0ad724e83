"""The page Now: what runs and costs, what was stopped, waits and is off, and who is unwell."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.datastructures import State as AppState
from starlette.responses import RedirectResponse, Response

from remit.app.ready import Check
from remit.app.recent import HOURS, Recent, Stopped
from remit.errors import IntegrityError
from remit.journal.rows import RunRow
from remit.machine.state import State
from remit.server.frame import linker
from remit.server.inbox.items import waiting
from remit.server.inbox.states import states_of
from remit.server.pages.switches import UNTIL, switched_off
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, page
from remit.server.web import render
from remit.values.account import OPERATOR

# Of the running: more fill no screen, and each is read again when it goes on.
_SHOWN = 25
_STOPPED = 12
_WAITING = 8
_CATCH_UP_S = 1.0  # of one look; a long day is read over several
_READY_AGE_S = 60.0  # providers are asked once a minute, however many look
_READY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A run that has not ended."""

    row: RunRow
    doing: str
    cost: int
    limit: int
    turns: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that was stopped, with whose it was."""

    stopped: Stopped
    row: RunRow | None


@dataclass(frozen=True, slots=True)
class Unwell:
    """A model or tool whose calls fail; `open`: none is made for now."""

    tenant: str
    target: str
    position: str


async def go_home(ask: Ask[Nothing, Nothing]) -> Response:
    """The first page is Now."""
    return RedirectResponse(linker(ask)("/now"), status_code=303)


async def show_now(ask: Ask[Nothing, Nothing]) -> Response:
    """How things stand at this moment."""
    app, tenant = ask.app, ask.tenants
    recent = _recent(ask)
    damaged = ""
    try:
        await recent.catch_up(_CATCH_UP_S)
    except IntegrityError as exc:
        damaged = str(exc)  # the rest of the page matters the more
    rows = await app.desk.living(tenant)
    items = await waiting(app.desk, states_of(ask), tenant)
    hours = recent.hours(tenant)
    stopped = recent.stopped(tenant)
    values = {
        "running": [each async for each in _living(ask, rows)],
        "living": len(rows),
        "waiting": items[:_WAITING],
        "waits": len(items),
        "hours": hours,
        "spent_hour": hours[-1].amounts.cost,
        "spent_day": sum(each.amounts.cost for each in hours),
        "assumed": sum(each.amounts.assumed for each in hours),
        "shown_hours": HOURS,
        "recent": recent,
        "damaged": damaged,
        "stopped": len(stopped),
        "failures": [
            Failure(each, await app.store.run(each.tenant, each.run)) for each in stopped[:_STOPPED]
        ],
        "off": [each for each in await switched_off(ask) if not each.over],
        "aims": _aims(ask),
        "until": UNTIL,
    }
    return render(ask, "now.html", values)


async def show_health(ask: Ask[Nothing, Nothing]) -> Response:
    """Whether providers, tools and the journal answer."""
    ready = await ask.app.ready(max_age_s=_READY_AGE_S, timeout_s=_READY_S)
    unwell = [
        Unwell(tenant, target, position)
        for tenant, target, position in ask.app.engine.services.health.unwell()
        if tenant == "" or ask.tenants in (None, tenant)
    ]
    checks: list[Check] = sorted(ready.checks, key=lambda check: check.ok)
    values = {"checks": checks, "at_ms": ready.at_ms, "unwell": unwell}
    return render(ask, "now_health.html", values)


def _recent(ask: Ask[Nothing, Nothing]) -> Recent:
    state: AppState = ask.request.app.state
    if not hasattr(state, "recent"):
        state.recent = Recent(ask.app.store, ask.app.desk.clock)
    found: Recent = state.recent
    return found


async def _living(ask: Ask[Nothing, Nothing], rows: list[RunRow]) -> AsyncIterator[Living]:
    async for row, state in states_of(ask).each(rows[:_SHOWN]):
        yield Living(
            row=row,
            doing=doing(state),
            cost=state.cost,
            limit=state.spec.limits.cost_nano,
            turns=state.turns,
        )


def doing(state: State) -> str:
    """What a run does now, in a few words."""
    if state.stopping:
        return "is being stopped"
    if state.model is not None:
        again = " (waits to try again)" if state.model.retry_at_ms is not None else ""
        return f"asks {state.model.model}{again}"
    words = {
        "asking": "waits for approval",
        "input": "waits for an answer",
        "doubt": "in doubt",
        "delayed": "waits to leave",
        "released": "runs",
        "queued": "queued",
    }
    told = dict.fromkeys(
        f"{call.tool} {words[call.status]}" for call in state.unfinished if call.status in words
    )
    return ", ".join(told) or state.phase


def _aims(ask: Ask[Nothing, Nothing]) -> list[tuple[str, str]]:
    """What the stop button offers to whom: the least first, so that nobody stops all by a slip."""
    who, agents = ask.principal, sorted(ask.app.agents)
    found: list[tuple[str, str]] = []
    if ask.tenant != EVERYWHERE and who.may("operator", ask.tenant):
        inside = f"tenant:{ask.tenant}"
        found += [(f"{inside}/agent:{each}", f"{each} in {ask.tenant}") for each in agents]
        found.append((inside, f"everything in {ask.tenant}"))
    if who.may("operator", OPERATOR):
        found += [(f"agent:{each}", f"{each} in all tenants") for each in agents]
        found.append(("all", "everything in all tenants"))
    return found


ROUTES = (
    page("GET", "/", go_home, needs="anyone", tenant="none"),
    page("GET", "/now", show_now, needs="viewer", tenant="any"),
    page("GET", "/now/health", show_health, needs="viewer", tenant="any"),
)
