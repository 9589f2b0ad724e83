"""The API of reverts: prompts that runs recorded, an earlier one or another model, and back."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from remit.journal.rows import Switch
from remit.policy.revert import MAX_TO, Revert
from remit.server.api.shapes import Shape, Text, Words, instant, instant_or_none
from remit.server.api.switches import until_ms_of
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, api
from remit.server.starting import agent_named


class RevertView(Shape):
    """A revert of a prompt or of a model."""

    agent: str
    what: Literal["prompt", "model"]
    to: str
    """The digest of the declaration whose prompt it is, or the name of the model."""
    target: str
    """As it stands among the switches; with its tenant, where it is one tenant's."""
    reason: str
    principal: str
    since: datetime
    until: datetime | None


class Reverts(Shape):
    """What takes the place of what is deployed, a tenant's own before everybody's."""

    reverts: tuple[RevertView, ...]


class PromptView(Shape):
    """A prompt that runs recorded."""

    digest: str
    """Of the newest declaration with it."""
    text_digest: str
    name: str
    model: str
    text: str
    first_at: datetime
    last_at: datetime
    runs: int


class Prompts(Shape):
    """The prompts of an agent, the newest first."""

    prompts: tuple[PromptView, ...]


class RevertBody(Shape):
    """What is to take the place of what is deployed, why, and until when."""

    what: Literal["prompt", "model"]
    to: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_TO)]
    """A prompt's digest or its beginning, or its name; or a model as `provider:name`."""
    reason: Annotated[Words, StringConstraints(min_length=1)]
    until: datetime | None = Field(default=None, description="With its zone; none: until lifted.")


class LiftBody(Shape):
    """What is to be as deployed again, and why."""

    what: Literal["prompt", "model"] | None = None
    """None: both."""
    reason: Words = ""


class Lifted(Shape):
    """The targets of what was lifted; none where nothing was reverted."""

    lifted: tuple[str, ...]


async def list_prompts(ask: Ask[Nothing, Nothing]) -> Prompts:
    """The prompts that runs of an agent recorded in a tenant, the newest first."""
    agent = agent_named(ask, ask.path["agent"])
    found = await ask.app.reverts.versions(agent.name, ask.tenant)
    return Prompts(
        prompts=tuple(
            PromptView(
                digest=each.digest,
                text_digest=each.text_digest,
                name=each.name,
                model=each.model,
                text=each.text,
                first_at=instant(each.first_ms),
                last_at=instant(each.last_ms),
                runs=each.runs,
            )
            for each in found
        )
    )


async def list_reverts(ask: Ask[Nothing, Nothing]) -> Reverts:
    """What is reverted of an agent for a tenant; `?tenant=*`: for everybody."""
    agent = agent_named(ask, ask.path["agent"])
    found = await ask.app.reverts.current(ask.tenant, agent.name)
    return Reverts(reverts=tuple(_view(each.revert, each.switch) for each in found))


async def revert_agent(ask: Ask[Nothing, RevertBody]) -> RevertView:
    """Let an agent use an earlier prompt or another model; new runs follow everywhere."""
    body, reverts = ask.body, ask.app.reverts
    act = reverts.revert_prompt if body.what == "prompt" else reverts.revert_model
    made = await act(
        agent_named(ask, ask.path["agent"]).name,
        body.to,
        principal=ask.principal.name,
        reason=body.reason,
        tenant=_tenant(ask.tenant),
        until_ms=until_ms_of(ask.app.desk.clock.now_ms(), body.until),
    )
    return _view(made.revert, made.switch)


async def lift_reverts(ask: Ask[Nothing, LiftBody]) -> Lifted:
    """Let an agent use what is deployed again."""
    found = await ask.app.reverts.lift(
        agent_named(ask, ask.path["agent"]).name,
        ask.body.what,
        principal=ask.principal.name,
        reason=ask.body.reason,
        tenant=_tenant(ask.tenant),
    )
    return Lifted(lifted=tuple(each.target for each in found))


def _tenant(tenant: str) -> str | None:
    return None if tenant == EVERYWHERE else tenant


def _view(revert: Revert, switch: Switch) -> RevertView:
    return RevertView(
        agent=revert.agent,
        what=revert.what,
        to=revert.to,
        target=switch.target,
        reason=switch.reason,
        principal=switch.principal,
        since=instant(switch.since_ms),
        until=instant_or_none(switch.until_ms),
    )


_ONE = "/api/v1/agents/{agent}"
ROUTES = (
    api("GET", f"{_ONE}/prompts", list_prompts, needs="viewer", tenant="one", gives=Prompts),
    api("GET", f"{_ONE}/reverts", list_reverts, needs="viewer", tenant="any", gives=Reverts),
    api(
        "POST",
        f"{_ONE}/reverts",
        revert_agent,
        needs="operator",
        tenant="any",
        body=RevertBody,
        gives=RevertView,
    ),
    api(
        "POST",
        f"{_ONE}/reverts/lift",
        lift_reverts,
        needs="operator",
        tenant="any",
        body=LiftBody,
        gives=Lifted,
    ),
)
