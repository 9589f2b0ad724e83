"""A ticket system with an HTTP API, and its OpenAPI document, on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from remit import Call
from remit.values.credential import Credential

DOCUMENT: dict[str, object] = {
    "openapi": "3.1.0",
    "info": {"title": "Tickets", "version": "7"},
    "servers": [{"url": "https://tickets.example.com/v1"}],
    "paths": {
        "/tickets/{id}": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "get": {"operationId": "getTicket", "summary": "Read a ticket."},
            "delete": {"operationId": "deleteTicket", "summary": "Delete a ticket."},
            "put": {
                "operationId": "putTicket",
                "summary": "Replace a ticket.",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Ticket"}}
                    },
                },
            },
        },
        "/tickets": {
            "post": {
                "summary": "Open a ticket.",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Ticket"}}
                    },
                },
            },
        },
        "/search": {
            "get": {
                "operationId": "search",
                "summary": "Search.",
                "parameters": [
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                    {"name": "tags", "in": "query", "schema": {"type": "array"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            }
        },
    },
    "components": {
        "parameters": {
            "id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        },
        "schemas": {
            "Ticket": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "price": {"type": "number"},
                    "parent": {"$ref": "#/components/schemas/Ticket"},
                },
                "required": ["title"],
                "additionalProperties": False,
            }
        },
    },
}


class Api:
    """What the server was sent, and what it answers next."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer = web.Response(text='{"price": 1.10}', content_type="application/json")
        self.drop = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.raw_path, headers, await request.read()))
        if self.drop:
            assert request.transport is not None
            request.transport.abort()
        kept = self.answer  # a response is sent once
        return web.Response(status=kept.status, body=kept.body, headers=kept.headers)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        async with TestServer(app) as server:
            yield f"http://{server.host}:{server.port}/v1"


def a_call(credential: str | None = None) -> Call:
    return Call(
        tenant="acme",
        user="ann",
        session="s",
        run="r1",
        call="c1-1",
        attempt=1,
        idempotency_key="key-of-the-call",
        fence=1,
        until_ms=1,
        credential=None if credential is None else Credential(credential, name="crm"),
    )
