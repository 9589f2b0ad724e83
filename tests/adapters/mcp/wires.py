"""An MCP server over HTTP that is told how to misbehave: good manners up to the call of a tool."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SCHEMA = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
Answer = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


def reply(number: int, result: object, **headers: str) -> web.Response:
    """An answer to a request by its number."""
    body = {"jsonrpc": "2.0", "id": number, "result": result}
    return web.json_response(body, headers=headers)


def said(number: int, text: str) -> web.Response:
    """What a tool says."""
    return reply(number, {"content": [{"type": "text", "text": text}]})


@dataclass
class Wire:
    """A server; `answer` answers calls of its one tool."""

    answer: Answer
    description: str = "Find an order."
    url: str = ""
    methods: list[str] = field(default_factory=list)
    """What it was asked, in order."""
    credentials: list[str] = field(default_factory=list)
    sessions: int = 0
    expired: set[str] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if request.method != "POST":
            self.methods.append(request.method)
            return web.Response(status=405)
        asked = json.loads(await request.read())
        self.methods.append(asked["method"])
        self.credentials.append(request.headers.get("authorization", ""))
        if request.headers.get("mcp-session-id") in self.expired:
            return web.Response(status=404)
        match asked["method"]:
            case "initialize":
                self.sessions += 1
                about = {
                    "protocolVersion": asked["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "wire", "version": "1"},
                }
                return reply(asked["id"], about, **{"mcp-session-id": f"s{self.sessions}"})
            case "tools/list":
                tool = {
                    "name": "find_order",
                    "description": self.description,
                    "inputSchema": SCHEMA,
                }
                return reply(asked["id"], {"tools": [tool]})
            case "tools/call":
                return await self.answer(request, asked["id"])
            case _:
                return web.Response(status=202)


@asynccontextmanager
async def wired(answer: Answer) -> AsyncIterator[Wire]:
    """A server on this machine that answers calls so."""
    wire = Wire(answer)
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/mcp", wire.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    wire.url = f"http://127.0.0.1:{port}/mcp"
    try:
        yield wire
    finally:
        await runner.cleanup()
