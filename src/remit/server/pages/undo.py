"""The page Undo: what would be taken back of a run, what is in doubt, and doing it."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.app.undo import what_to_undo, why_in_doubt, wish_to_undo
from remit.errors import NotAllowed, SpecError
from remit.projections.undoing import Effect, Step
from remit.server.api.shapes import Id
from remit.server.api.undo import MOST_DOUBTFUL
from remit.server.frame import linker
from remit.server.route import Ask, Nothing, page
from remit.server.runs.place import root_of_path
from remit.server.starting import check_open, user_of
from remit.server.web import render


def _listed(given: object) -> object:
    """One ticked box comes as a text, several as a list."""
    return (given,) if isinstance(given, str) else given


class DoubtfulForm(BaseModel):
    """Which writes in doubt are to be taken back too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    doubtful: Annotated[
        tuple[Id, ...], BeforeValidator(_listed), Field(max_length=MOST_DOUBTFUL)
    ] = ()


async def show_undo(ask: Ask[Nothing, Nothing]) -> Response:
    """What an undo of this run would do now."""
    return await _shown(ask)


async def undo_from_page(ask: Ask[Nothing, DoubtfulForm]) -> Response:
    """Take back what the run did, in a run of its own."""
    check_open(ask)
    app, root = ask.app, await root_of_path(ask)
    try:
        agent, wish = await wish_to_undo(
            app.engine.reader,
            ask.tenant,
            root.run,
            app.agents,
            user_of(ask, None),
            ask.body.doubtful,
        )
        run = await app.launch(agent, wish)
        await app.engine.begun(ask.tenant, run)
    except (NotAllowed, SpecError) as exc:
        return await _shown(ask, wrong=str(exc))
    return RedirectResponse(linker(ask)(f"/runs/{run}"), status_code=303)


async def _shown(
    ask: Ask[Nothing, Nothing] | Ask[Nothing, DoubtfulForm], wrong: str = ""
) -> Response:
    app, root = ask.app, await root_of_path(ask)
    steps: tuple[Step, ...] = ()
    lasting: tuple[Effect, ...] = ()
    cannot = ""
    try:
        steps, lasting = await what_to_undo(app.engine.reader, ask.tenant, root.run, app.agents)
    except (NotAllowed, SpecError) as exc:
        cannot = str(exc)
    values: dict[str, object] = {
        "row": root,
        "due": [each for each in steps if not each.doubt],
        "doubts": [(each, why_in_doubt(each)) for each in steps if each.doubt],
        "lasting": lasting,
        "cannot": cannot,
        "wrong": "" if wrong == cannot else wrong,
    }
    return render(ask, "undo.html", values, status=409 if wrong else 200)


ROUTES = (
    page("GET", "/runs/{run}/undo", show_undo, needs="viewer", tenant="one"),
    page(
        "POST",
        "/runs/{run}/undo",
        undo_from_page,
        needs="operator",
        tenant="one",
        body=DoubtfulForm,
    ),
)
