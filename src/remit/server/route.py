"""One table of routes: each entry declares who may use it and what it takes, gives and changes.

Starlette's routes, the OpenAPI document and the tests of access are made from these entries, so
there is no route without a rule. A module of routes has a tuple `ROUTES`, and is named in
`remit.server.table`. Make entries with `api`, `page`, `stream` and `webhook`:

    ROUTES = (
        api("GET", "/api/v1/agents", list_agents, needs="viewer", tenant="one", gives=Agents),
        page("GET", "/runs", show_runs, needs="viewer", tenant="any", query=RunsQuery),
        stream("/api/v1/runs/{run}/stream", follow, needs="viewer", tenant="one"),
    )

What a route does is an `async` function that takes an `Ask`. One of an `api` route gives an
instance of its model; one of a `page` a response, as a rule `remit.server.web.render(ask, …)`; one
of a `stream` a streaming response. Any of them may give another Starlette response.

**needs**: the least role (`remit.values.role`), `"anyone"` who is signed in, or `"public"`.
**tenant**: `"one"`: the request is about one tenant, that of `?tenant=`, else the one the principal
has; who has none there gets 404. `"any"`: also `?tenant=*`, all tenants, for who has the role in
all. `"all"`: it is about what belongs to no tenant; the role is needed in `*`. `"none"`: the tenant
does not matter.
**changes**: something happens that outlives the request. It is journalled with the principal's name
by what carries it out, and whoever is signed in by a cookie must show a CSRF token.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from remit.app.app import App
from remit.errors import RequestRefused
from remit.server.principal import EVERYWHERE, Principal
from remit.values.role import Role

Kind = Literal["api", "page", "stream", "webhook"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Needs = Role | Literal["anyone", "public"]
Tenancy = Literal["one", "any", "all", "none"]


class Nothing(BaseModel):
    """No parameters, no body, no answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
Q_co = TypeVar("Q_co", bound=BaseModel, covariant=True)
B_co = TypeVar("B_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Generic[Q_co, B_co]):
    """One request that was let in: who asks, about which tenant, and what, already checked."""

    request: Request
    app: App
    tenant: str
    """`*` for all, where the route allows that; empty where the tenant does not matter."""
    principal_or_none: Principal | None
    query: Q_co
    body: B_co

    @property
    def principal(self) -> Principal:
        """Who asks. Raises `RequestRefused` on a public route where nobody signed in."""
        if self.principal_or_none is None:
            raise RequestRefused("nobody is signed in", status=401, remedy="sign in")
        return self.principal_or_none

    @property
    def tenants(self) -> str | None:
        """The tenant as the store and the desk take it: None for all."""
        return None if self.tenant == EVERYWHERE else self.tenant

    @property
    def path(self) -> Mapping[str, str]:
        """What stands in the place of the path's parameters."""
        return cast("Mapping[str, str]", self.request.path_params)

    def may(self, role: Role) -> bool:
        """Whether who asks has a role here: for what a page shows."""
        asker = self.principal_or_none
        return asker is not None and asker.may(role, self.tenant or EVERYWHERE)


Act = Callable[[Ask[BaseModel, BaseModel]], Awaitable[BaseModel | Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An entry of the table."""

    kind: Kind
    method: Method
    path: str
    needs: Needs
    tenant: Tenancy
    changes: bool
    act: Act | None = None
    mounted: Callable[[App], ASGIApp] | None = None
    """What serves a webhook, whatever the method: it authenticates by its own signature."""
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    gives: type[BaseModel] = Nothing
    media_type: str = "application/json"
    """Of a successful answer."""
    status: int = 200
    uploads: bool = False
    """The body may be as large as images and documents are."""
    once: bool = False
    """A request that bears an `Idempotency-Key` is carried out once, however often it comes."""
    name: str = field(default="")
    """Found nowhere else: the operation in OpenAPI."""
    summary: str = ""


def api(  # noqa: PLR0913  # one argument per word of an entry
    method: Method,
    path: str,
    act: Callable[[Ask[Q, B]], Awaitable[BaseModel | Response]],
    *,
    needs: Needs,
    tenant: Tenancy,
    query: type[Q] | None = None,
    body: type[B] | None = None,
    gives: type[BaseModel] = Nothing,
    status: int = 200,
    changes: bool | None = None,
    uploads: bool = False,
    once: bool = False,
    media_type: str = "application/json",
) -> Route:
    """A route of the API. What is no GET changes something, unless it says otherwise."""
    return Route(
        kind="api",
        method=method,
        path=path,
        needs=needs,
        tenant=tenant,
        changes=method != "GET" if changes is None else changes,
        act=cast("Act", act),
        query=query or Nothing,
        body=body or Nothing,
        gives=gives,
        status=status,
        uploads=uploads,
        once=once,
        media_type=media_type,
        name=act.__name__,
        summary=_summary(act),
    )


def page(  # noqa: PLR0913  # one argument per word of an entry
    method: Method,
    path: str,
    act: Callable[[Ask[Q, B]], Awaitable[Response]],
    *,
    needs: Needs,
    tenant: Tenancy,
    query: type[Q] | None = None,
    body: type[B] | None = None,
    changes: bool | None = None,
    uploads: bool = False,
) -> Route:
    """A page of the console, or a part of one; the body is a form (urlencoded)."""
    return Route(
        kind="page",
        method=method,
        path=path,
        needs=needs,
        tenant=tenant,
        changes=method != "GET" if changes is None else changes,
        act=cast("Act", act),
        query=query or Nothing,
        body=body or Nothing,
        media_type="text/html",
        uploads=uploads,
        name=act.__name__,
        summary=_summary(act),
    )


def stream(
    path: str,
    act: Callable[[Ask[Q, Nothing]], Awaitable[Response]],
    *,
    needs: Needs,
    tenant: Tenancy,
    query: type[Q] | None = None,
) -> Route:
    """A live stream (server-sent events); it lasts until the reader leaves or the server drains."""
    return Route(
        kind="stream",
        method="GET",
        path=path,
        needs=needs,
        tenant=tenant,
        changes=False,
        act=cast("Act", act),
        query=query or Nothing,
        media_type="text/event-stream",
        name=act.__name__,
        summary=_summary(act),
    )


def webhook(path: str, mounted: Callable[[App], ASGIApp], *, name: str, summary: str) -> Route:
    """An ASGI application that knows by itself who calls: a signature stands in the request."""
    return Route(
        kind="webhook",
        method="POST",
        path=path,
        needs="public",
        tenant="none",
        changes=True,
        mounted=mounted,
        name=name,
        summary=summary,
    )


def _summary(act: Callable[..., object]) -> str:
    return (act.__doc__ or "").strip().partition("\n")[0]
