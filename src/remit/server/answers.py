"""Answers that every route can give: a problem, as JSON or as a page, and the headers of all."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from remit.server.problem import MEDIA_TYPE, Problem
from remit.server.route import Ask, Nothing
from remit.server.web import SECURITY_HEADERS, render


def answer_problem(request: Request, problem: Problem) -> Response:
    """A problem as JSON, or as a page for who asks for pages."""
    headers = dict(problem.headers)
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and not request.url.path.startswith("/api/"):
        ask = Ask(
            request=request,
            app=request.app.state.remit,
            tenant="",
            principal_or_none=request.state.principal,
            query=Nothing(),
            body=Nothing(),
        )
        response = render(ask, "problem.html", {"problem": problem}, status=problem.status)
        response.headers.update(headers)
        return response
    return JSONResponse(
        problem.details.model_dump(),
        status_code=problem.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def secure(headers: MutableHeaders) -> None:
    """Add what every answer says, where it does not say it otherwise."""
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-store")
