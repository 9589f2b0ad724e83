"""A local stand-in for Zendesk: OAuth tokens with scopes, ticket creation, idempotency keys."""

import base64
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from aiohttp import web

_TOKEN_S = 300  # short-lived, so that the gateway must ask again
_WRITE = "tickets:write"
_LOOKUP = "x-idempotency-lookup"


@dataclass(frozen=True, slots=True)
class Queued:
    """A ticket in the queue."""

    id: int
    tenant: str
    external_id: str
    team: str
    priority: str
    body: str
    key: str
    """The idempotency key that it was made with."""


@dataclass
class Zendesk:
    """The queue, with each tenant's own client secret. Tickets are kept in a file."""

    client_secrets: Mapping[str, str]
    """By tenant."""
    file: Path
    url: str = ""
    queue: list[Queued] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why requests were refused."""
    lookups: list[str] = field(default_factory=list)
    """`hit` or `miss`, as each answer said of its idempotency key."""
    tokens: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    """The tenant and the scopes of each."""

    def __post_init__(self) -> None:
        if self.file.exists():
            lines = self.file.read_text(encoding="utf-8").splitlines()
            self.queue = [Queued(**json.loads(line)) for line in lines]

    async def token(self, request: web.Request) -> web.Response:
        """`POST /oauth/tokens`: client credentials (RFC 6749, 4.4), the client by Basic."""
        form = await request.post()
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        client, _, secret = base64.b64decode(given).decode().partition(":")
        tenant = self._tenant_of(unquote(secret))
        if unquote(client) != "helpdesk" or not tenant:
            return self._refuse(401, "invalid_client")
        scopes = frozenset(str(form.get("scope", "")).split())
        if form.get("grant_type") != "client_credentials" or not scopes <= {_WRITE, "read"}:
            return self._refuse(400, "invalid_scope")
        token = secrets.token_hex(20)
        self.tokens[token] = tenant, scopes
        answer = {"access_token": token, "token_type": "bearer", "expires_in": _TOKEN_S}
        return web.json_response({**answer, "scope": " ".join(scopes)})

    def _tenant_of(self, secret: str) -> str:
        known = self.client_secrets.items()
        return next((name for name, each in known if hmac.compare_digest(each, secret)), "")

    async def create(self, request: web.Request) -> web.Response:
        """`POST /api/v2/tickets.json`."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        tenant, scopes = self.tokens.get(token, ("", frozenset()))
        if not tenant:
            return self._refuse(401, "invalid_token")
        if _WRITE not in scopes:
            return self._refuse(403, "insufficient_scope")
        tree = cast("dict[str, dict[str, object]]", await request.json())
        ticket = tree.get("ticket", {})
        body = cast("dict[str, str]", ticket.get("comment", {})).get("body", "")
        if not body:
            return self._refuse(422, "RecordInvalid")
        key = request.headers.get("idempotency-key", secrets.token_hex(8))
        wanted = Queued(
            id=len(self.queue) + 1,
            tenant=tenant,
            external_id=str(ticket.get("external_id", "")),
            team=" ".join(cast("list[str]", ticket.get("tags", []))),
            priority=str(ticket.get("priority", "")),
            body=body,
            key=key,
        )
        known = next((q for q in self.queue if (q.tenant, q.key) == (tenant, key)), None)
        if known is None:
            return self._told(self._filed(wanted), "miss")
        if asdict(known) | {"id": 0} != asdict(wanted) | {"id": 0}:
            return self._refuse(400, "IdempotentRequestError")
        return self._told(known, "hit")

    def _filed(self, ticket: Queued) -> Queued:
        self.queue.append(ticket)
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(ticket)) + "\n")
        return ticket

    def _told(self, ticket: Queued, lookup: str) -> web.Response:
        self.lookups.append(lookup)
        told = {
            "id": ticket.id,
            "url": f"{self.url}/api/v2/tickets/{ticket.id}.json",
            "external_id": ticket.external_id,
            "status": "new",
            "priority": ticket.priority,
            "tags": ticket.team.split(),
        }
        return web.json_response({"ticket": told}, status=201, headers={_LOOKUP: lookup})

    def _refuse(self, status: int, error: str) -> web.Response:
        self.refused.append(error)
        return web.json_response({"error": error}, status=status)


@asynccontextmanager
async def zendesk(client_secrets: Mapping[str, str], file: Path) -> AsyncIterator[Zendesk]:
    """A queue at a free port of this machine."""
    made = Zendesk(client_secrets, file)
    app = web.Application()
    app.router.add_post("/oauth/tokens", made.token)
    app.router.add_post("/api/v2/tickets.json", made.create)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
