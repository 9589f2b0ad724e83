"""What tests of the helpdesk share: calls by hand, one run with any model, the journal's events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent import support
from rehearsal.cases import Case, cases
from rehearsal.finance import Finance
from rehearsal.triage import USERS, Desk
from rehearsal.world import World
from remit import App, Call, Run, ScriptedModel, declare
from remit.adapters.scripted import Reply, turn_of
from remit.journal.events import Event
from remit.policy.phase import Phase
from remit.ports import Model
from remit.values.model import ModelRequest

MODEL = "scripted:any"
PRICES = {"scripted:*": declare(MODEL, input_usd="1", output_usd="5")}
DONE = {"final_answer": {"answer": {"outcome": "answered", "category": "other"}}}


def case(ticket: str) -> Case:
    return next(each for each in cases() if each.id == ticket)


def calling(tenant: str, ticket: str, **more: object) -> Call:
    """The context that a tool gets in the run of a ticket."""
    given: dict[str, object] = {
        "user": "mia",
        "run": "r1",
        "call": "c1-1",
        "attempt": 1,
        "fence": 1,
        "until_ms": 0,
        **more,
    }
    key = f"{given['run']}:{given['call']}"
    return Call(tenant=tenant, session=ticket, idempotency_key=key, **given)  # type: ignore[arg-type]  # the rest is as Call wants it


def script(*steps: Reply) -> ScriptedModel:
    """One call or answer after the other, then the end."""

    def reply(request: ModelRequest) -> Reply:
        turn = turn_of(request.messages)
        return steps[turn] if turn < len(steps) else DONE

    return ScriptedModel(*[reply] * 20)


@asynccontextmanager
async def opened(
    place: World, model: Model, *, phase: Phase = "autonomous", delay: str = ""
) -> AsyncIterator[Desk]:
    """The desk with a scripted model."""
    inputs = place.inputs
    inputs["model"], inputs["phase"], inputs["delay"] = MODEL, phase, delay
    agent = support(**inputs)
    async with App(agents=[agent], models={"scripted": model}, prices=PRICES) as app:
        yield Desk(app, agent, Finance(place.shop))


async def begin(desk: Desk, ticket: str, text: str = "") -> Run[object]:
    """The run of a ticket, until it ends or waits."""
    tenant = case(ticket).tenant
    run = await desk.app.start(
        desk.agent,
        text or f"Ticket {ticket} came in.",
        tenant=tenant,
        user=USERS[tenant],
        session=ticket,
        roles=["support"],
    )
    return await desk.app.resume(run, tenant=tenant)


async def events(desk: Desk, run: Run[object]) -> list[Event]:
    """What stands in the journal of a run."""
    row = await desk.app.store.run(run.tenant, run.id)
    assert row is not None
    past = await desk.app.engine.reader.past(row)
    return [event for body in past.bodies for event in body.events]
