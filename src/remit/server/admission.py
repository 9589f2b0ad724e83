"""Who is let in where: the tenant a request is about, the role it takes, the token it must show."""

import hmac
from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from remit.errors import RequestRefused
from remit.server.answers import answer_problem
from remit.server.principal import EVERYWHERE, Principal
from remit.server.problem import Problem
from remit.server.route import Route
from remit.values.role import granting

DEFAULT_TENANT = "local"
"""Of who has a role in all tenants and names none: that of `App.run`."""
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"


def stranger(request: Request, route: Route) -> Response:
    """What somebody gets who is not signed in: pages lead to the sign-in, the rest is refused."""
    # A page that refreshes a part of itself has no use for another page: it is told, and reloads.
    accepted = request.headers.get("accept", "")
    refreshes = "hx-request" in request.headers or accepted == "application/json"
    if route.kind == "page" and request.method in ("GET", "HEAD") and not refreshes:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(target)}", status_code=303)
    problem = Problem(
        status=401,
        detail="nobody is signed in",
        remedy="send `Authorization: Bearer rmk_…` (remit key create), or sign in at /login",
        headers={"www-authenticate": "Bearer"},
    )
    return answer_problem(request, problem)


def tenant_of(route: Route, principal: Principal | None, wanted: str | list[str]) -> str:
    """The tenant that a request is about. Raises `RequestRefused`: who has no role there, 404."""
    if not isinstance(wanted, str):
        raise RequestRefused("tenant is said twice", status=422, remedy="say it once")
    if route.tenant == "none" or principal is None:
        return ""
    if route.tenant == "all":
        return EVERYWHERE
    tenant = wanted or _home(route, principal)
    if tenant == EVERYWHERE and route.tenant != "any":
        raise RequestRefused(
            "this is about one tenant", status=422, remedy="say which: ?tenant=NAME"
        )
    if not principal.roles(tenant):
        raise RequestRefused(
            f"there is no tenant {tenant!r}", status=404, remedy="/api/v1/me lists your tenants"
        )
    return tenant


def _home(route: Route, principal: Principal) -> str:
    """The tenant of somebody who names none."""
    tenants = principal.tenants
    if EVERYWHERE in tenants:
        return EVERYWHERE if route.tenant == "any" else DEFAULT_TENANT
    if len(tenants) == 1:
        return tenants[0]
    raise RequestRefused(
        "you have roles in several tenants, or in none",
        status=422,
        remedy=f"say which: ?tenant=NAME, one of {', '.join(tenants) or 'none'}",
    )


def check_role(route: Route, principal: Principal | None, tenant: str) -> None:
    """Raise `RequestRefused` for who has not the role that a route needs."""
    needs = route.needs
    if needs == "public" or needs == "anyone" or principal is None:  # noqa: PLR1714  # narrows
        return
    if not principal.may(needs, tenant or EVERYWHERE):
        where = "all tenants" if tenant in ("", EVERYWHERE) else f"the tenant {tenant}"
        raise RequestRefused(
            f"{principal.name} is no {needs} of {where}",
            status=403,
            remedy=f"an admin can grant {' or '.join(granting(needs))}",
        )


def check_csrf(request: Request, route: Route, form: Mapping[str, str | list[str]]) -> None:
    """Who is signed in by a cookie must show that a page of ours asks."""
    principal: Principal | None = request.state.principal
    if not route.changes or principal is None or principal.how == "key":
        return
    shown = request.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD, "")
    if not isinstance(shown, str) or not hmac.compare_digest(
        shown.encode(), str(request.state.csrf).encode()
    ):
        raise RequestRefused(
            "the CSRF token is missing or wrong",
            status=403,
            remedy=f"send it as the header {CSRF_HEADER}, or as the field {CSRF_FIELD} of a form; "
            "/api/v1/me tells it",
        )
