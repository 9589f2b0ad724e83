"""The number beside Approvals in the navigation: how much waits for people (a part of a page)."""

from starlette.responses import Response

from remit.server.route import Ask, Nothing, page
from remit.server.web import render


async def count_waiting(ask: Ask[Nothing, Nothing]) -> Response:
    """How many calls, questions and doubts wait for people."""
    return render(ask, "waiting.html")


ROUTES = (page("GET", "/waiting", count_waiting, needs="viewer", tenant="any"),)
