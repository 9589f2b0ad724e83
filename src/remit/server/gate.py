"""Lets requests in: who asks, about which tenant, with which role, within which bounds."""

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from pydantic import BaseModel
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from remit.app.app import App
from remit.errors import RemitError, RequestRefused
from remit.runtime.cleaning import storable
from remit.server.admission import check_csrf, check_role, stranger, tenant_of
from remit.server.answers import answer_problem, secure
from remit.server.asked import Fields, body_of, check_path, form_of, query_of, read, read_json
from remit.server.cookies import cookie_header, shown_cookie
from remit.server.identity import Identity
from remit.server.inbox.tally import tally_of
from remit.server.principal import Principal
from remit.server.problem import Problem, problem_of
from remit.server.route import Ask, Route
from remit.server.settings import ServerSettings

log = logging.getLogger("remit.server")
_FAULT = Problem(
    status=500,
    detail="the server made a mistake; its log says which",
    remedy="tell whoever runs it",
)


@dataclass(slots=True)
class Doors:
    """What every route shares: bounds, sign-ins, and who is doing how much at this moment."""

    settings: ServerSettings
    identity: Identity
    busy: Counter[tuple[str, str]] = field(default_factory=Counter)

    @contextmanager
    def slot(self, who: str, *, stream: bool) -> Iterator[None]:
        """A place among the requests of one principal. Raises `RequestRefused`."""
        key = ("stream" if stream else "request", who)
        most = self.settings.streams if stream else self.settings.requests
        if self.busy[key] >= most:
            raise RequestRefused(
                f"{who} has {most} of these under way",
                status=429,
                remedy="wait until one is done",
                headers={"retry-after": "1"},
            )
        self.busy[key] += 1
        try:
            yield
        finally:
            self.busy[key] -= 1
            if not self.busy[key]:
                del self.busy[key]


def _traced(app: App) -> str:
    """The exception that is handled, for the log: its text may hold what somebody sent."""
    return app.engine.redactor("").clean(storable(traceback.format_exc())).text


class Door:
    """The ASGI application of one path: finds the entry for the method and holds to its rule."""

    def __init__(self, routes: Mapping[str, Route], doors: Doors) -> None:
        self._routes = routes
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that goes wrong leaves here."""
        request = Request(scope, receive)
        request.state.principal = None
        request.state.tenant = ""
        request.state.csrf = ""
        request.state.renewed = ""
        request.state.tally = None
        began = False

        async def told(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(scope=message)
                secure(headers)
                if request.state.renewed and "set-cookie" not in headers:
                    headers.append("set-cookie", request.state.renewed)
            await send(message)

        try:
            await self._serve(request, receive, told)
        except RemitError as exc:
            problem = problem_of(exc)
            if problem.status >= 500:  # noqa: PLR2004  # RFC 9110: the server's fault
                log.warning("%s %s: %s", request.method, request.url.path, type(exc).__name__)
            if not began:
                await answer_problem(request, problem)(scope, receive, told)
        except ClientDisconnect:
            return  # nobody is there to be told
        except Exception:  # noqa: BLE001  # a fault of ours or of a tool: told as such, and logged
            text = _traced(request.app.state.remit)
            log.error("%s %s\n%s", request.method, request.url.path, text)  # noqa: TRY400  # cleaned
            if began:  # the server closes the connection, and logs what it is told
                raise RuntimeError("the answer broke off; remit.server has logged why") from None
            await answer_problem(request, _FAULT)(scope, receive, told)

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        route = self._routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            raise RequestRefused(
                f"{request.method} is not done at {request.url.path}",
                status=405,
                remedy=f"use {', '.join(self._routes)}",
                headers={"allow": ", ".join(self._routes)},
            )
        if route.mounted is not None:
            await route.mounted(request.app.state.remit)(request.scope, receive, send)
            return
        principal = await self._who(request)
        if principal is None and route.needs != "public":
            await stranger(request, route)(request.scope, receive, send)
            return
        request.state.principal = principal
        pairs = query_of(request)
        tenant = tenant_of(route, principal, pairs.pop("tenant", ""))
        request.state.tenant = tenant
        check_role(route, principal, tenant)
        check_path(request)
        request.state.still = partial(self._still, request, route, tenant)
        who = _stranger_at(request, route) if principal is None else principal.name
        with self._doors.slot(who, stream=route.kind == "stream"):
            response = await self._act(request, route, tenant, pairs)
            await response(request.scope, receive, send)

    async def _who(self, request: Request) -> Principal | None:
        """Who asks; None where nobody is signed in. A header counts before a cookie."""
        identity = self._doors.identity
        header = request.headers.get("authorization", "")
        if header:
            scheme, _, token = header.partition(" ")
            return await identity.by_key(token.strip()) if scheme.lower() == "bearer" else None
        cookie = shown_cookie(request, self._doors.settings)
        found = await identity.by_cookie(cookie) if cookie else None
        if found is None:
            return None
        request.state.csrf = found.csrf
        if found.renewed:
            request.state.renewed = cookie_header(request, self._doors.settings, found.renewed)
        return found.principal

    async def _still(self, request: Request, route: Route, tenant: str) -> bool:
        """Whether who was let in would be let in now: a stream outlives what it was let in by."""
        principal = await self._who(request)
        try:
            check_role(route, principal, tenant)
        except RequestRefused:
            return False
        return principal is not None or route.needs == "public"

    async def _act(self, request: Request, route: Route, tenant: str, pairs: Fields) -> Response:
        settings = self._doors.settings
        bound = asyncio.timeout(settings.timeout_s)
        try:
            async with bound:
                given = await self._asked(request, route, tenant, pairs)
        except TimeoutError:
            if not bound.expired():
                raise  # something else was late
            raise RequestRefused(
                f"it was not done within {settings.timeout_s:g} s",
                status=504,
                remedy="look whether it was done before you ask again",
            ) from None
        if isinstance(given, Response):
            return given
        if route.status == 204:  # noqa: PLR2004  # RFC 9110: no content
            return Response(status_code=204)
        return Response(
            given.model_dump_json(), status_code=route.status, media_type="application/json"
        )

    async def _asked(
        self, request: Request, route: Route, tenant: str, pairs: Fields
    ) -> BaseModel | Response:
        """Read what is asked, and do it."""
        if route.act is None:
            raise RequestRefused("nothing is done here", status=404, remedy="")
        is_page = route.kind == "page"
        content = await body_of(request, self._doors.settings, uploads=route.uploads)
        form = form_of(content) if is_page else {}
        check_csrf(request, route, form)
        app: App = request.app.state.remit
        ask = Ask(
            request=request,
            app=app,
            tenant=tenant,
            principal_or_none=request.state.principal,
            query=read(route.query, pairs, "query"),
            body=read(route.body, form, "body")
            if is_page
            else read_json(request, route.body, content),
        )
        if is_page and tenant and ask.principal_or_none is not None:
            request.state.tally = await tally_of(ask).of(ask.tenants)
        return await route.act(ask)


def _stranger_at(request: Request, route: Route) -> str:
    """Who is not signed in, by address and path: sign-ins that take long hold up no probe."""
    return f"{request.client.host if request.client else 'somebody'} at {route.path}"
