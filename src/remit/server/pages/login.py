"""Signing in and out of the console."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.server.one_time import OneTimeLink
from remit.server.route import Ask, Nothing, page
from remit.server.sessions import Sessions, cookie_name, drop_cookie, set_cookie
from remit.server.settings import ServerSettings
from remit.server.web import render

_MAX_PATH = 2_000  # of a page to go to after the sign-in
_MAX_TOKEN = 200


class LoginQuery(BaseModel):
    """Where to go afterwards, and the token of the one-time link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    next: str = Field(default="/", max_length=_MAX_PATH)
    token: str = Field(default="", max_length=_MAX_TOKEN)


async def show_login(ask: Ask[LoginQuery, Nothing]) -> Response:
    """The sign-in page; with the token of the one-time link, it signs in."""
    state = ask.request.app.state
    link: OneTimeLink = state.link
    target = safe_path(ask.query.next)
    if not ask.query.token:
        return render(ask, "login.html", {"next": target, "problem": "", "passwords": False})
    principal = link.take(ask.query.token) if ask.request.method == "GET" else None
    if principal is None:
        problem = "This link was used, or is too old. Start the server again for a new one."
        values = {"next": target, "problem": problem, "passwords": False}
        return render(ask, "login.html", values, status=403)
    sessions: Sessions = state.sessions
    settings: ServerSettings = state.settings
    response = RedirectResponse(target, status_code=303)
    set_cookie(response, ask.request, settings, await sessions.begin(principal))
    return response


async def log_out(ask: Ask[Nothing, Nothing]) -> Response:
    """Sign out: the session ends, here and for every copy of its cookie."""
    sessions: Sessions = ask.request.app.state.sessions
    settings: ServerSettings = ask.request.app.state.settings
    await sessions.end(ask.request.cookies.get(cookie_name(ask.request, settings), ""))
    response = RedirectResponse("/login", status_code=303)
    drop_cookie(response, ask.request, settings)
    return response


def safe_path(target: str) -> str:
    """A page of this server, or the first one: nobody is led elsewhere after signing in."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    clean = "\\" not in target and target.isprintable()
    return target if inside and clean and not (parts.scheme or parts.netloc) else "/"


ROUTES = (
    page("GET", "/login", show_login, needs="public", tenant="none", query=LoginQuery),
    page("POST", "/logout", log_out, needs="anyone", tenant="none"),
)
