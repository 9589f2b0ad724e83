"""All routes of the JSON API, in the order of its document."""

from remit.server.api import (
    agents,
    approvals,
    health,
    keys,
    me,
    money,
    proof,
    questions,
    reverts,
    runs,
    sessions,
    switches,
    traces,
    transcripts,
    undo,
    users,
)
from remit.server.route import Route

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *me.ROUTES,
    *runs.ROUTES,
    *undo.ROUTES,
    *transcripts.ROUTES,
    *traces.ROUTES,
    *sessions.ROUTES,
    *approvals.ROUTES,
    *questions.ROUTES,
    *switches.ROUTES,
    *reverts.ROUTES,
    *money.ROUTES,
    *agents.ROUTES,
    *proof.ROUTES,
    *keys.ROUTES,
    *users.ROUTES,
)
