"""The API about itself: its OpenAPI document."""

from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from remit.server.openapi import DOCUMENT_PATH, Tree
from remit.server.route import Ask, Nothing, Route, api


def described(document: Callable[[], Tree]) -> tuple[Route, ...]:
    """The route that shows the document of a table, which is made when it is first asked for."""
    made: list[Tree] = []

    async def show_openapi(_ask: Ask[Nothing, Nothing]) -> Response:
        """This document: OpenAPI 3.1."""
        if not made:
            made.append(document())
        return JSONResponse(made[0], headers={"cache-control": "public, max-age=300"})

    return (api("GET", DOCUMENT_PATH, show_openapi, needs="public", tenant="none"),)
