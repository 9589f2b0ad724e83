"""The cookie of the console: no script reads it, no other site makes it be sent with a change."""

from starlette.requests import Request
from starlette.responses import Response

from remit.server.settings import ServerSettings


def _is_https(request: Request, settings: ServerSettings) -> bool:
    return settings.https or request.url.scheme == "https"


def cookie_name(request: Request, settings: ServerSettings) -> str:
    """`__Host-` binds a cookie to this host (RFC 6265bis), and wants https.

    Ports share cookies, so that of a local server bears its port.
    """
    if _is_https(request, settings):
        return "__Host-remit"
    return f"remit-{request.url.port or 80}"


def shown_cookie(request: Request, settings: ServerSettings) -> str:
    """What the browser shows; empty where it shows nothing."""
    return request.cookies.get(cookie_name(request, settings), "")


def set_cookie(response: Response, request: Request, settings: ServerSettings, value: str) -> None:
    """Give it to the browser."""
    response.set_cookie(
        cookie_name(request, settings),
        value,
        max_age=settings.sign_in_s,
        path="/",
        secure=_is_https(request, settings),
        httponly=True,
        samesite="lax",  # strict would sign people out of links in mails and chats
    )


def cookie_header(request: Request, settings: ServerSettings, value: str) -> str:
    """The header that gives it to the browser."""
    response = Response()
    set_cookie(response, request, settings, value)
    return response.headers["set-cookie"]


def drop_cookie(response: Response, request: Request, settings: ServerSettings) -> None:
    """Take it back."""
    response.delete_cookie(
        cookie_name(request, settings),
        path="/",
        secure=_is_https(request, settings),
        httponly=True,
        samesite="lax",
    )
