"""Builds the server of an App: `build(app, settings)` is an ASGI application of Starlette.

On `request.app.state` stand `remit` (the `App`), `settings`, `templates`, `statics`, `identity`,
`throttle`, `link` (the one-time link), `streams` (the live ones) and `draining`, an `asyncio.Event`
that is set when the server is to end: then streams end, and no run is started any more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Path

from remit.app.app import App
from remit.app.lazy import WallClock
from remit.errors import NotAllowed
from remit.server.answers import answer_problem, secure
from remit.server.gate import Door, Doors
from remit.server.identity import Identity
from remit.server.one_time import OneTimeLink
from remit.server.problem import Problem
from remit.server.route import Route
from remit.server.settings import ServerSettings
from remit.server.streams import Streams
from remit.server.table import ROUTES, check
from remit.server.throttle import Throttle
from remit.server.web import Statics, make_templates, read_statics


def build(
    app: App, settings: ServerSettings | None = None, *, routes: tuple[Route, ...] = ROUTES
) -> Starlette:
    """The server of an app, which it opens where it is not open yet.

    Raises `ConfigError` and `SpecError` for what cannot be served.
    """
    chosen = settings or ServerSettings()
    check(routes)
    statics = read_statics()
    clock = WallClock()
    identity = Identity(app, chosen, clock.now_ms)
    doors = Doors(chosen, identity)

    @asynccontextmanager
    async def lifespan(_server: Starlette) -> AsyncIterator[None]:
        if _is_open(app):
            yield
            return
        app.readers_may_come = True
        async with app:
            server.state.streams.begin()
            yield

    hosts = [Middleware(TrustedHostMiddleware, allowed_hosts=list(chosen.hosts))]
    server = Starlette(
        routes=[*_paths(routes, doors), _static_path(statics)],
        middleware=hosts if chosen.hosts else [],
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )
    server.router.redirect_slashes = False
    server.state.remit = app
    server.state.settings = chosen
    server.state.statics = statics
    server.state.templates = make_templates(statics)
    server.state.identity = identity
    server.state.doors = doors
    server.state.throttle = Throttle(clock.now_ms)
    server.state.link = OneTimeLink(chosen.person, chosen.link_s, clock.now_ms)
    server.state.verifying = asyncio.Lock()
    server.state.draining = asyncio.Event()
    server.state.streams = Streams(app, server.state.draining)
    if _is_open(app):
        server.state.streams.begin()
    return server


def _is_open(app: App) -> bool:
    try:
        return bool(app.store)
    except NotAllowed:
        return False


def _paths(routes: tuple[Route, ...], doors: Doors) -> list[BaseRoute]:
    """One door for each path, with an entry for each method."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        entries = by_path.setdefault(route.path, {})
        entries[route.method] = route
        if route.mounted is not None:  # it refuses other methods by itself
            entries |= dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), route)
    return [Path(path, Door(entries, doors), name=path) for path, entries in by_path.items()]


def _static_path(statics: Statics) -> BaseRoute:
    async def serve(request: Request) -> Response:
        response = statics.answer(request)
        secure(response.headers)
        return response

    return Path("/static/{digest}/{name:path}", serve, methods=["GET"], name="static")


async def _http_error(request: Request, exc: Exception) -> Response:
    """What Starlette itself refuses: no such path, mostly."""
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    known = status if status in (400, 404, 405) else 404
    request.state.principal, request.state.tenant, request.state.csrf = None, "", ""
    reads_pages = "text/html" in request.headers.get("accept", "")
    remedy = "the list of routes is docs/reference/api.md, and /api/v1/openapi.json"
    problem = Problem(
        status=known,
        detail=f"there is nothing at {request.url.path[:200]!r}",
        remedy="Check the address, or begin at the console." if reads_pages else remedy,
    )
    response = answer_problem(request, problem)
    secure(response.headers)
    return response
