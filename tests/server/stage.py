"""Tests of the server share an app on a real uvicorn, and browsers and programs to ask it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import aiohttp
import uvicorn
from starlette.applications import Starlette

from remit.app.app import App
from remit.server.bounded import BoundedProtocol
from remit.server.build import build
from remit.server.principal import Principal
from remit.server.route import Route
from remit.server.settings import ServerSettings
from remit.server.table import ROUTES
from remit.values.role import Role
from tests.cli.shop import PRICES, clerk, model


def shop_app(url: str) -> App:
    """The shop's app on a journal."""
    return App(url, agents=[clerk], models=model(), prices=PRICES)


@dataclass(slots=True)
class Told:
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: object = None


@dataclass(slots=True)
class Client:
    """A browser or a program; the cookies of a browser are its own."""

    url: str
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Told:
        """One request; redirects are not followed."""
        async with self.http.request(
            method,
            f"{self.url}{path}",
            json=json,
            data=data,
            headers={**self.headers, **(headers or {})},
            allow_redirects=False,
        ) as answer:
            text = await answer.text()
            is_json = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
            tree: object = await answer.json(content_type=None) if is_json and text else None
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Told(answer.status, named, text, tree)

    async def get(self, path: str, **headers: str) -> Told:
        """A GET."""
        return await self.ask("GET", path, headers=headers)


@dataclass(slots=True)
class Served:
    """A server that runs in this event loop."""

    url: str
    app: App
    server: Starlette
    clients: list[aiohttp.ClientSession] = field(default_factory=list)

    def client(self, **headers: str) -> Client:
        """A new browser or program."""
        # Cookies of an address without a name are refused by default.
        http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.clients.append(http)
        return Client(self.url, http, dict(headers))

    async def browser(self) -> Client:
        """The browser of who started the server: signed in by the one-time link."""
        client = self.client()
        token = self.server.state.link.make()
        assert (await client.get(f"/login?token={token}")).status == 303
        told = await client.get("/api/v1/me")
        assert isinstance(told.json, dict)
        client.headers["x-csrf-token"] = str(told.json["csrf"])
        return client


@asynccontextmanager
async def served(
    app: App, settings: ServerSettings | None = None, *, routes: tuple[Route, ...] = ROUTES
) -> AsyncIterator[Served]:
    """The app behind a real uvicorn on loopback."""
    async with app:
        server = build(app, settings, routes=routes)
        config = uvicorn.Config(
            server, port=0, lifespan="off", log_config=None, http=BoundedProtocol, ws="none"
        )
        runner = uvicorn.Server(config)
        task = asyncio.create_task(runner._serve())  # `serve` would take the signals of the tests
        while not runner.started:
            await asyncio.sleep(0.01)
            if task.done():
                task.result()
        port = runner.servers[0].sockets[0].getsockname()[1]
        found = Served(f"http://127.0.0.1:{port}", app, server)
        try:
            yield found
        finally:
            server.state.draining.set()
            for client in found.clients:
                await client.close()
            runner.should_exit = True
            await task


def journal(folder: Path) -> str:
    """The URL of a SQLite journal in a folder."""
    return f"sqlite:///{folder / 'journal.db'}"


Grants = Mapping[str, frozenset[Role]]


async def signed_in(found: Served, name: str, grants: Grants) -> Client:
    """The browser of a user with these roles, as if they had signed in with a password."""
    for tenant, roles in grants.items():
        await found.app.access.grant(name, tenant, sorted(roles), principal="root")
    identity = found.server.state.identity
    identity.forget()
    who = Principal(name=name, person=name, grants=grants, how="password")
    cookie = await identity.begin(who, "password")
    client = found.client(cookie=f"remit-{urlsplit(found.url).port}={cookie}", accept="text/html")
    told = await client.get("/api/v1/me")
    assert isinstance(told.json, dict)
    client.headers["x-csrf-token"] = str(told.json["csrf"])
    return client


async def post(client: Client, path: str, **fields: str) -> Told:
    """A form that is sent."""
    return await client.ask(
        "POST",
        path,
        data=urlencode(fields).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
