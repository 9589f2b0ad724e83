"""Whether the process lives (`/healthz`), and whether runs can work here (`/readyz`)."""

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from remit.server.route import Ask, Nothing, api
from remit.server.settings import ServerSettings


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(frozen=True)

    ok: bool


class CheckView(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True)

    name: str
    ok: bool
    detail: str
    remedy: str


class Ready(BaseModel):
    """Whether traffic is welcome; only who is signed in sees why not."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    draining: bool
    checks: tuple[CheckView, ...] = ()


async def is_alive(_ask: Ask[Nothing, Nothing]) -> Health:
    """The process answers; nothing is looked at."""
    return Health(ok=True)


async def is_ready(ask: Ask[Nothing, Nothing]) -> Response:
    """Whether runs can work here: journal, models, prices, tools; 503 until they can."""
    state = ask.request.app.state
    settings: ServerSettings = state.settings
    found = await ask.app.ready(max_age_s=settings.ready_s)
    draining = state.draining.is_set()
    ready = Ready(
        ok=found.ok and not draining,
        draining=draining,
        checks=tuple(
            CheckView(name=each.name, ok=each.ok, detail=each.detail, remedy=each.remedy)
            for each in found.checks
        )
        if ask.principal_or_none is not None
        else (),
    )
    status = 200 if ready.ok else 503
    return Response(ready.model_dump_json(), status_code=status, media_type="application/json")


ROUTES = (
    api("GET", "/healthz", is_alive, needs="public", tenant="none", gives=Health),
    api("GET", "/readyz", is_ready, needs="public", tenant="none", gives=Ready),
)
