"""The page Agents: what each can do, what it can spend, who approved its actions, its prompts."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from remit.app.prompt_versions import prompts
from remit.errors import NotFound
from remit.server.inbox.call_view import text_diff
from remit.server.inbox.said import RUNS, Words, runs_of
from remit.server.inbox.sheet import sheet_of
from remit.server.route import Ask, Nothing, page
from remit.server.web import render

_SAID = 50  # words shown; the list of runs has all


class AgentQuery(BaseModel):
    """Which version of the prompt is compared with the one before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(default="", max_length=64)


async def show_agents(ask: Ask[Nothing, Nothing]) -> Response:
    """All agents of this deployment."""
    specs = ask.app.specs
    since = _month(ask)
    spent = await ask.app.ledger("agent", tenant=ask.tenant, since=since)
    values = {
        "agents": [specs[name] for name in sorted(specs)],
        "spent": {row.names["agent"]: row.amounts for row in spent.rows},
        "since": since,
    }
    return render(ask, "agents.html", values)


async def show_agent(ask: Ask[AgentQuery, Nothing]) -> Response:
    """One agent: what it can do, how much it can spend, who approved its actions."""
    app, name, tenant = ask.app, ask.path["agent"], ask.tenant
    spec = app.specs.get(name)
    if spec is None:
        raise NotFound(f"there is no agent {name!r} in this deployment")
    since = _month(ask)
    rows = await runs_of(app.store, tenant, name)
    versions = await prompts(app.engine.reader, rows)
    chosen = next((each for each in versions if each.digest == ask.query.version), None)
    if chosen is None and versions:
        chosen = versions[0]
    older = versions[versions.index(chosen) + 1 :] if chosen else ()
    said = await _words(ask).of_agent(tenant, name)
    environment = app.engine.services.environment
    values = {
        "spec": spec,
        "tools": sheet_of(spec, tenant, environment),
        "environment": environment,
        "budgets": await app.budgets.show(tenant, f"agent:{name}"),
        "spent": await app.ledger("model", tenant=tenant, agent=name, since=since),
        "since": since,
        "said": said[:_SAID],
        "said_in_all": len(said),
        "looked_at": RUNS,
        "versions": versions,
        "chosen": chosen,
        "diff": text_diff(older[0].text, chosen.text) if chosen and older else (),
        "newer": bool(versions) and versions[0].text != spec.instructions,
    }
    return render(ask, "agent.html", values)


def _month(ask: Ask[Nothing, Nothing] | Ask[AgentQuery, Nothing]) -> str:
    """The first day of the present month, of UTC as the ledger's days are."""
    now = datetime.fromtimestamp(ask.app.desk.clock.now_ms() / 1000, UTC)
    return now.date().replace(day=1).isoformat()


def _words(ask: Ask[AgentQuery, Nothing]) -> Words:
    state = ask.request.app.state
    if not hasattr(state, "words"):
        state.words = Words(ask.app.store)
    found: Words = state.words
    return found


ROUTES = (
    page("GET", "/agents", show_agents, needs="viewer", tenant="one"),
    page("GET", "/agents/{agent}", show_agent, needs="viewer", tenant="one", query=AgentQuery),
)
