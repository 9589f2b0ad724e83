"""The page Agents: what each can do, what it can spend, who approved its actions, its prompts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.app.prompt_versions import models, prompts
from remit.app.switching import tenant_of
from remit.errors import NotFound, UsageError
from remit.journal.rows import Switch
from remit.policy.revert import MAX_TO, InForce, Revert
from remit.server.api.shapes import Words as Text
from remit.server.frame import linker
from remit.server.inbox.call_view import text_diff
from remit.server.inbox.said import RUNS, Words, runs_of
from remit.server.inbox.sheet import sheet_of
from remit.server.pages.switches import UNTIL, check_authorised, places
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, page
from remit.server.starting import agent_named
from remit.server.web import render
from remit.values.duration import milliseconds

_SAID = 50  # words shown; the list of runs has all
_WHERE = r"^(\*|[A-Za-z0-9][A-Za-z0-9._@+-]{0,127})$"
_UNTIL = (("", "somebody lifts it"), *UNTIL[1:])


class AgentQuery(BaseModel):
    """Which version of the prompt is compared with the one before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(default="", max_length=64)
    said: Text = ""
    """Why a button that was pressed did nothing."""


class RevertForm(BaseModel):
    """What is to take the place of what is deployed, where, why and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal["prompt", "model"]
    to: str = Field(max_length=MAX_TO)
    where: str = Field(pattern=_WHERE)
    """A tenant, or `*`."""
    reason: Text
    until: str = Field(default="", max_length=16)


class LiftForm(BaseModel):
    """What is to be as deployed again, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal["prompt", "model"]
    where: str = Field(pattern=_WHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRevert:
    """A revert that counts in the tenant."""

    revert: Revert
    switch: Switch
    mine: bool
    """Who looks may lift it."""


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
    reverts = await app.reverts.current(tenant, name)
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
        "query": ask.query,
        "until": _UNTIL,
        "where": places(ask),
        "models": await models(app.engine.reader, rows),
        **await _reverted(ask, reverts),
    }
    values["newer"] = (
        bool(versions) and not values["in_use"] and versions[0].text != spec.instructions
    )
    return render(ask, "agent.html", values)


async def _reverted(ask: Ask[AgentQuery, Nothing], found: Iterable[InForce]) -> dict[str, object]:
    """What is reverted, and the digest of the text that stands in for the deployed prompt."""
    in_use = ""
    for each in found:
        if each.revert.what == "prompt":
            holder = tenant_of(each.switch.target)
            try:
                in_use = (await ask.app.engine.reader.spec(holder, each.revert.to)).prompt_digest
            except NotFound:
                in_use = each.revert.to  # erased: no run starts until it is lifted
    return {
        "reverts": [
            ShownRevert(
                revert=each.revert,
                switch=each.switch,
                mine=ask.principal.may("operator", tenant_of(each.switch.target)),
            )
            for each in found
        ],
        "reverted": {each.revert.what for each in found},
        "in_use": in_use,
    }


async def revert_from_page(ask: Ask[Nothing, RevertForm]) -> Response:
    """Let an agent use an earlier prompt or another model."""
    form, name = ask.body, agent_named(ask, ask.path["agent"]).name
    tenant = _where(ask, form.where, Revert(agent=name, what=form.what, to=form.to))
    reverts = ask.app.reverts
    act = reverts.revert_prompt if form.what == "prompt" else reverts.revert_model
    if not form.reason.strip():
        return _back(ask, name, "Say why: it is kept in the book of switches.")
    try:
        until = milliseconds(form.until) + ask.app.desk.clock.now_ms() if form.until else None
        await act(
            name, form.to.strip(), principal=ask.principal.name, reason=form.reason.strip(),
            tenant=tenant, until_ms=until,
        )  # fmt: skip
    except UsageError as exc:
        return _back(ask, name, str(exc))
    return _back(ask, name)


async def lift_from_page(ask: Ask[Nothing, LiftForm]) -> Response:
    """Let an agent use what is deployed again."""
    form, name = ask.body, agent_named(ask, ask.path["agent"]).name
    tenant = _where(ask, form.where, Revert(agent=name, what=form.what, to=""))
    await ask.app.reverts.lift(name, form.what, principal=ask.principal.name, tenant=tenant)
    return _back(ask, name)


def _where(
    ask: Ask[Nothing, RevertForm] | Ask[Nothing, LiftForm], where: str, revert: Revert
) -> str | None:
    """The tenant that is meant, None for all. Raises `RequestRefused` where it is not theirs."""
    tenant = None if where == EVERYWHERE else where
    check_authorised(ask, replace(revert, tenant=tenant or "").place)
    return tenant


def _back(
    ask: Ask[Nothing, RevertForm] | Ask[Nothing, LiftForm], name: str, said: str = ""
) -> Response:
    return RedirectResponse(linker(ask)(f"/agents/{name}", said=said), status_code=303)


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
    page(
        "POST",
        "/agents/{agent}/revert",
        revert_from_page,
        needs="operator",
        tenant="one",
        body=RevertForm,
    ),
    page(
        "POST",
        "/agents/{agent}/lift",
        lift_from_page,
        needs="operator",
        tenant="one",
        body=LiftForm,
    ),
)
