"""Signing in to the console, by password or by the one-time link, and out of it."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.errors import RequestRefused
from remit.server.cookies import drop_cookie, set_cookie, shown_cookie
from remit.server.identity import Identity, user_principal
from remit.server.one_time import OneTimeLink
from remit.server.principal import How, Principal
from remit.server.route import Ask, Nothing, page
from remit.server.settings import ServerSettings
from remit.server.throttle import Throttle
from remit.server.web import render

_MAX_PATH = 2_000  # of a page to go to after the sign-in
_MAX_TEXT = 1_000  # of a name, a password, a token
_WRONG = "The name or the password is wrong, or this user is off."


class LoginQuery(BaseModel):
    """Where to go afterwards, and the token of the one-time link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    next: str = Field(default="/", max_length=_MAX_PATH)
    token: str = Field(default="", max_length=_MAX_TEXT)


class LoginForm(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    user: str = Field(max_length=_MAX_TEXT)
    password: str = Field(max_length=_MAX_TEXT)
    next: str = Field(default="/", max_length=_MAX_PATH)


async def show_login(ask: Ask[LoginQuery, Nothing]) -> Response:
    """The sign-in page; with the token of the one-time link, it signs in."""
    link: OneTimeLink = ask.request.app.state.link
    target = safe_path(ask.query.next)
    if not ask.query.token:
        return await _form(ask, target)
    principal = link.take(ask.query.token) if ask.request.method == "GET" else None
    if principal is None:
        problem = "This link was used, or is too old. Start the server again for a new one."
        return await _form(ask, target, problem, status=403)
    return await _signed_in(ask, principal, "link", target)


async def log_in(ask: Ask[Nothing, LoginForm]) -> Response:
    """Sign in with a password; who guesses waits longer each time."""
    _check_origin(ask)
    throttle: Throttle = ask.request.app.state.throttle
    form = ask.body
    client = ask.request.client
    keys = (f"user:{form.user}", f"address:{client.host if client else ''}")
    target = safe_path(form.next)
    wait_ms = throttle.wait_ms(keys)
    if wait_ms:
        seconds = wait_ms // 1000 + 1
        problem = f"Too many tries. Wait {seconds} seconds."
        response = await _form(ask, target, problem, status=429)
        response.headers["retry-after"] = str(seconds)
        return response
    # Counted before it is known: tries at once are many tries.
    throttle.failed(keys)
    user = await ask.app.sign_ins.check_password(form.user, form.password)
    if user is None:
        return await _form(ask, target, _WRONG, status=403)
    throttle.succeeded(keys)
    return await _signed_in(ask, user_principal(user), "password", target)


async def log_out(ask: Ask[Nothing, Nothing]) -> Response:
    """Sign out: the session ends, here and for every copy of its cookie."""
    identity: Identity = ask.request.app.state.identity
    settings: ServerSettings = ask.request.app.state.settings
    await identity.end(shown_cookie(ask.request, settings), ask.principal.name)
    response = RedirectResponse("/login", status_code=303)
    drop_cookie(response, ask.request, settings)
    return response


async def _form(
    ask: Ask[BaseModel, BaseModel], target: str, problem: str = "", *, status: int = 200
) -> Response:
    identity: Identity = ask.request.app.state.identity
    passwords = await identity.passwords()
    values = {"next": target, "problem": problem, "passwords": passwords}
    return render(ask, "login.html", values, status=status)


async def _signed_in(
    ask: Ask[BaseModel, BaseModel], principal: Principal, how: How, target: str
) -> Response:
    """The session begins under a new name; one that the browser had before ends."""
    identity: Identity = ask.request.app.state.identity
    settings: ServerSettings = ask.request.app.state.settings
    await identity.end(shown_cookie(ask.request, settings), principal.name)
    cookie = await identity.begin(principal, "link" if how == "link" else "password")
    response = RedirectResponse(target, status_code=303)
    set_cookie(response, ask.request, settings, cookie)
    return response


def _check_origin(ask: Ask[BaseModel, BaseModel]) -> None:
    """Raise where another site's page signs somebody in: browsers tell whose page it is."""
    headers = ask.request.headers
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    foreign = site not in ("", "same-origin", "none")
    if foreign or (origin and urlsplit(origin).netloc != headers.get("host", "")):
        raise RequestRefused(
            "another site asks to sign in", status=403, remedy="sign in at this server's own page"
        )


def safe_path(target: str) -> str:
    """A page of this server, or the first one: nobody is led elsewhere after signing in."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    clean = "\\" not in target and target.isprintable()
    return target if inside and clean and not (parts.scheme or parts.netloc) else "/"


ROUTES = (
    page("GET", "/login", show_login, needs="public", tenant="none", query=LoginQuery),
    page("POST", "/login", log_in, needs="public", tenant="none", body=LoginForm, changes=True),
    page("POST", "/logout", log_out, needs="anyone", tenant="none"),
)
