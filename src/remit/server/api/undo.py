"""The API of undo: what would take back what a run did, what is in doubt, and doing it."""

from typing import Annotated

from pydantic import Field

from remit.app.undo import what_to_undo, why_in_doubt, wish_to_undo
from remit.server.api.run_shapes import RunView
from remit.server.api.runs import look
from remit.server.api.shapes import Id, Shape
from remit.server.route import Ask, Nothing, api
from remit.server.runs.place import row_of_path
from remit.server.starting import check_open, user_of

MOST_DOUBTFUL = 100  # looked at by a human, one by one


class StepView(Shape):
    """One compensation: the tool, its arguments as JSON text, and the write it takes back."""

    of: str
    """The write as RUN/CALL."""
    tool: str
    arguments: str
    doubt: str
    """Why nobody knows whether it is to be taken back; empty where it is due."""


class LastingView(Shape):
    """A write that cannot be taken back: its tool declares nothing that does."""

    of: str
    tool: str


class UndoPlan(Shape):
    """What an undo of a run would do now, newest first."""

    run: str
    steps: tuple[StepView, ...]
    lasting: tuple[LastingView, ...]


class UndoBody(Shape):
    """What to take back besides what is due."""

    doubtful: Annotated[tuple[Id, ...], Field(max_length=MOST_DOUBTFUL)] = Field(
        default=(), description="Writes in doubt (RUN/CALL, as the plan says) that are to be, too."
    )


async def plan_undo(ask: Ask[Nothing, Nothing]) -> UndoPlan:
    """What an undo would take back, what is in doubt, and what cannot be taken back."""
    app, run = ask.app, (await row_of_path(ask)).root
    steps, lasting = await what_to_undo(app.engine.reader, ask.tenant, run, app.agents)
    return UndoPlan(
        run=run,
        steps=tuple(
            StepView(of=each.of, tool=each.tool, arguments=each.arguments, doubt=why_in_doubt(each))
            for each in steps
        ),
        lasting=tuple(LastingView(of=each.key, tool=each.tool) for each in lasting),
    )


async def undo_run(ask: Ask[Nothing, UndoBody]) -> RunView:
    """Take back what an ended run did, in a run of its own; each step is judged like any call."""
    check_open(ask)
    app = ask.app
    await row_of_path(ask)
    agent, wish = await wish_to_undo(
        app.engine.reader,
        ask.tenant,
        ask.path["run"],
        app.agents,
        user_of(ask, None),
        ask.body.doubtful,
    )
    run = await app.launch(agent, wish)
    await app.engine.begun(ask.tenant, run)
    return await look(ask, run)


ROUTES = (
    api(
        "GET",
        "/api/v1/runs/{run}/undo",
        plan_undo,
        needs="viewer",
        tenant="one",
        gives=UndoPlan,
    ),
    api(
        "POST",
        "/api/v1/runs/{run}/undo",
        undo_run,
        needs="operator",
        tenant="one",
        body=UndoBody,
        gives=RunView,
        status=201,
    ),
)
