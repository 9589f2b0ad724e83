"""Every route, asked by every kind of principal: who may is let in, nobody else learns anything."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from remit.server.principal import EVERYWHERE
from remit.server.route import Needs, Route
from remit.server.table import ROUTES
from remit.values.role import ROLES, Role, included
from tests.server.acting import program
from tests.server.stage import Client, Served, Told, journal, served, shop_app, signed_in

pytestmark = pytest.mark.requirement("TEN-1", "SEC-3")
TENANTS = ("acme", EVERYWHERE)
PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True)
class Asker:
    """A program with one role in one tenant; no role: nobody at all."""

    role: Role | None
    tenant: str = ""


def named(asker: Asker) -> str:
    return f"{asker.role or 'nobody'}-{'all' if asker.tenant == EVERYWHERE else asker.tenant}"


ASKERS = (Asker(None), *(Asker(role, tenant) for tenant in TENANTS for role in ROLES))


def expected(route: Route, asker: Asker, tenant: str) -> int | None:
    """The refusal that is due for a request about a tenant; None: it is let in."""
    if route.needs == "public":
        return None
    if asker.role is None:
        return 303 if route.kind == "page" and route.method == "GET" else 401
    if route.needs == "anyone":
        return None
    if route.tenant in ("one", "any"):
        if tenant == EVERYWHERE and route.tenant == "one":
            return 422
        if asker.tenant not in (tenant, EVERYWHERE):
            return 404
    elif route.tenant in ("all", "none") and asker.tenant != EVERYWHERE:
        return 403
    return None if _has(route.needs, asker.role) else 403


def _has(needs: Needs, role: Role) -> bool:
    return needs in included([role])


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(shop_app(journal(tmp_path))) as server:
        yield server


async def ask(client: Client, route: Route, tenant: str) -> Told:
    """The route with an id that there is not, and a body that fits nothing."""
    path = PARAMETER.sub("run_00000000000000000000000000", route.path)
    mark = f"?tenant={tenant}" if route.tenant in ("one", "any") else ""
    if route.kind == "stream":
        # What is let in may go on for ever: the status tells enough.
        async with client.http.get(f"{client.url}{path}{mark}", headers=client.headers) as answer:
            refused = answer.status >= 400
            return Told(answer.status, {}, await answer.text() if refused else "")
    # Not JSON alone: whoever asks so refreshes a part of a page, and is not led to the sign-in.
    headers = {"accept": "application/json, */*;q=0.1"}
    return await client.ask(route.method, f"{path}{mark}", headers=headers)


def let_in(told: Told) -> bool:
    """The request got past the rule: what it names does not exist, or its body does not fit."""
    return told.status in (200, 201, 202, 204, 303, 400, 404, 409, 410, 415, 422)


@pytest.mark.parametrize("asker", ASKERS, ids=named)
async def test_who_may_what_where(found: Served, asker: Asker) -> None:
    client = (
        found.client()
        if asker.role is None
        else await program(found, asker.tenant, asker.role, person="zoe")
    )
    for route in ROUTES:
        if route.mounted is not None:
            continue
        for tenant in ("acme", "globex", EVERYWHERE):
            told = await ask(client, route, tenant)
            due = expected(route, asker, tenant)
            where = f"{route.method} {route.path} about {tenant}: {told.status} {told.text[:200]}"
            if due is None:
                assert let_in(told), where
                assert told.status != 404 or "tenant" not in told.text.partition("of tenant")[0], (
                    where
                )
            else:
                assert told.status == due, where


async def test_a_tenant_that_is_not_mine_is_one_that_does_not_exist(found: Served) -> None:
    client = await program(found, "acme", "admin")
    await found.app.access.issue_key("globex", "x", roles=["viewer"], principal="root")
    for route in ROUTES:
        if route.tenant not in ("one", "any") or route.kind == "stream":
            continue
        there, nowhere = await ask(client, route, "globex"), await ask(client, route, "nowhere")
        assert there.status == nowhere.status == 404
        assert there.text.replace("globex", "T") == nowhere.text.replace("nowhere", "T")


async def test_browsers_must_show_their_token_wherever_something_changes(found: Served) -> None:
    everything = frozenset(ROLES)
    client = await signed_in(found, "zoe", {EVERYWHERE: everything})
    client.headers.pop("x-csrf-token")
    for route in ROUTES:
        if route.mounted is not None or route.needs == "public":
            continue
        told = await ask(client, route, "acme")
        refused = told.status == 403 and "CSRF" in told.text
        assert refused == route.changes, f"{route.method} {route.path}: {told.status}"
        if route.method != "GET":
            assert route.changes, "what is no GET changes something"


def test_public_is_only_what_has_a_reason_to_be() -> None:
    public = {(route.method, route.path) for route in ROUTES if route.needs == "public"}
    assert public == {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/api/v1/openapi.json"),
        ("POST", "/payments"),
        ("POST", "/answer"),
    }


def test_what_tenants_own_needs_a_role_of_theirs() -> None:
    for route in ROUTES:
        if route.tenant in ("one", "any", "all"):
            assert route.needs in ROLES, f"{route.method} {route.path}"
        if "{run}" in route.path or "{approval}" in route.path or "{session}" in route.path:
            assert route.tenant == "one", f"{route.method} {route.path}"
