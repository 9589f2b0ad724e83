"""Receivers over real HTTP: a webhook endpoint, Slack, Jira and Zendesk."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from remit.wire.webhook import standard

Answer = Callable[[web.Request, bytes], Awaitable[web.Response]]


@dataclass
class Got:
    """One request that came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def tree(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class Receiver:
    """What came, and what is answered: statuses first, then the good answer."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answers: dict[str, object] = field(default_factory=dict)
    """By path; else `{}`."""
    gate: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.method, request.path, request.query_string, headers, body))
        if self.gate is not None:
            await self.gate.wait()
        if self.statuses:
            status = self.statuses.pop(0)
            if status:
                return web.Response(status=status, headers={"location": "/elsewhere"})
        found = self.answers.get(request.path, {})
        return web.json_response(found)

    def posts(self, path: str = "/") -> list[Got]:
        return [each for each in self.got if each.method == "POST" and each.path == path]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address = runner.addresses[0]
        receiver.url = f"http://127.0.0.1:{address[1]}"
        yield receiver
    finally:
        await runner.cleanup()


def verified(got: Got, secret: str, now_s: int) -> str:
    """The id of a webhook whose signature the receiver has checked."""
    key = standard.verify_key(secret, "test")
    return standard.verify(got.body, got.headers, [key], now_s=now_s)
