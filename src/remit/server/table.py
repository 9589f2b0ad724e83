"""All routes of the server. A module of routes that is not named here does not exist.

New pages: `remit/server/pages/NAME.py`; live streams: `remit/server/live.py`; the API:
`remit/server/api/NAME.py`, named in `remit/server/api/offered.py`; each with `ROUTES`.
"""

from remit.app.answer_route import AnswerRoute
from remit.app.payment_route import PaymentRoute
from remit.errors import SpecError
from remit.server import live
from remit.server.api import described, offered
from remit.server.openapi import Tree, document
from remit.server.pages import (
    agents,
    approvals,
    chat,
    login,
    now,
    run,
    runs,
    spend,
    switches,
    undo,
    waiting,
)
from remit.server.route import Route, webhook

WEBHOOKS = (
    webhook(
        "/payments",
        PaymentRoute,
        name="payments",
        summary="Webhooks of payment providers, signed by them.",
    ),
    webhook(
        "/answer",
        AnswerRoute,
        name="answer",
        summary="Answers by links of notices and buttons of Slack, signed.",
    ),
)


def _document() -> Tree:
    return document(ROUTES)


ROUTES: tuple[Route, ...] = (
    *described.described(_document),
    *offered.ROUTES,
    *agents.ROUTES,
    *approvals.ROUTES,
    *login.ROUTES,
    *run.ROUTES,
    *runs.ROUTES,
    *undo.ROUTES,
    *waiting.ROUTES,
    *spend.ROUTES,
    *now.ROUTES,
    *switches.ROUTES,
    *live.ROUTES,
    *chat.ROUTES,
    *WEBHOOKS,
)


def check(routes: tuple[Route, ...]) -> None:
    """Raise `SpecError` for a table in which something stands twice or cannot be."""
    seen: set[tuple[str, str]] = set()
    names: set[tuple[str, str]] = set()
    for route in routes:
        place = (route.method, route.path)
        if place in seen or (route.kind, route.name) in names:
            raise SpecError(f"{route.method} {route.path} ({route.name}) is in the table twice")
        if (route.act is None) == (route.mounted is None):
            raise SpecError(f"{route.method} {route.path}: it needs either `act` or `mounted`")
        if route.kind == "api" and not route.summary:
            raise SpecError(f"{route.method} {route.path}: its function needs a docstring")
        seen.add(place)
        names.add((route.kind, route.name))
