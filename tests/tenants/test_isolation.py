"""Many tenants at once through the engine: nobody sees or spends what is another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from remit import Agent, App, Budget, Remit
from remit.adapters.keys import new_keys
from remit.adapters.scripted import answer_for
from remit.errors import NotFound
from remit.machine.declaring import tool
from remit.ports import Store
from remit.values.model import ModelAnswer, ModelRequest
from remit.values.usage import Usage
from tests.runtime.stage import PRICES
from tests.support.postgres import PostgresServer
from tests.support.trial import kept, told, whole_feed
from tests.tenants.isolation import (
    PROBES,
    QUIET,
    Leaky,
    Tenancy,
    faults,
    furnish,
    methods_with_a_tenant,
)

_PATIENCE_S = 60.0
TENANTS = 5
RUNS = 6
CALLS = 2 * RUNS - 3
pytestmark = pytest.mark.requirement("TEN-1", "TEN-4")


@tool(access="write", risk="high")
async def pay_out(note: str) -> str:
    """Pay."""
    return f"paid {note}"


@tool
async def look_up(note: str) -> str:
    """Look."""
    return f"seen {note}"


clerk = Agent(
    "clerk",
    model="scripted:x",
    instructions="Work.",
    tools=[pay_out, look_up],
    remit=Remit(approvals={pay_out: 1}),
    max_output_tokens=1000,
)


class Mind:
    """Looks up what it was told, then asks for a payment in every other run."""

    provider = "scripted"

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: object
    ) -> ModelAnswer:
        del deadline_s, emit
        await asyncio.sleep(0)
        turn = sum(message.role == "assistant" for message in request.messages)
        said = str(request.messages[0].parts[0].text)  # type: ignore[union-attr]  # a user's text
        plain = answer_for(request, {"look_up": {"note": said}} if turn == 0 else said, turn)
        if turn == 1 and said.endswith("pay"):
            plain = answer_for(request, {"pay_out": {"note": said}}, turn)
        usage = Usage(input=50, output=20)
        return ModelAnswer(parts=plain.parts, stop=plain.stop, usage=usage, model="x")

    async def close(self) -> None: ...


@pytest.fixture(params=["sqlite", "postgres"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "str | PostgresServer":
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    return PostgresServer() if request.param == "postgres" else f"sqlite:///{tmp_path / 'j.db'}"


@asynccontextmanager
async def opened(url: "str | PostgresServer") -> AsyncIterator[App]:
    if isinstance(url, PostgresServer):
        with url:
            async with opened(url.database()) as app:
                yield app
        return
    budgets = [
        Budget(of="tenant", window="day", calls=CALLS),
        Budget(of="tenant", name="t0", window="day", calls=0),
        *(Budget(of="label", name=f"mark-of-t{n}", cost_usd="9") for n in range(TENANTS)),
    ]
    async with App(
        url, agents=[clerk], models={"scripted": Mind()}, prices=PRICES, budgets=budgets
    ) as app:
        yield app


async def crowd(app: App) -> list[Tenancy]:
    """All tenants work at once, with the same names of users and sessions."""
    tenants = [Tenancy(f"t{number}") for number in range(TENANTS)]

    async def work(tenant: Tenancy, number: int) -> None:
        text = f"{tenant.mark} {'pay' if number % 2 else 'look'}"
        run = await app.run(
            clerk,
            text,
            tenant=tenant.name,
            user="ann",
            session=f"s{number}",
            labels=[tenant.mark],
        )
        tenant.runs.append(run.id)

    await asyncio.gather(*(work(tenant, n) for n in range(RUNS) for tenant in tenants))
    return tenants


def test_every_method_with_a_tenant_is_looked_through() -> None:
    assert methods_with_a_tenant() - {"ledger"} == set(PROBES) | QUIET


async def test_nothing_of_another_tenant_comes_through(url: "str | PostgresServer") -> None:
    async with opened(url) as app:
        tenants = await crowd(app)
        await _budgets_do_not_mix(app, tenants)
        await _the_app_shows_nothing_foreign(app, tenants)
        for tenant in tenants:
            await furnish(app.store, app.books, tenant)
            await _tree_and_feed_agree(app.store, tenant.name)
        assert await kept(app.store, [t.name for t in tenants]) == await told(app.store)
        assert await faults(app.store, tenants) == []
        for method in PROBES:
            leak = cast("Store", Leaky(app.store, method, tenants))
            seen = [fault for fault in await faults(leak, tenants) if fault.startswith(method)]
            assert seen, f"a leak through {method} was not found"


async def _tree_and_feed_agree(store: Store, tenant: str) -> None:
    """Both show what is final; on Postgres a transaction under way holds the newest back."""
    async with asyncio.timeout(_PATIENCE_S):
        while await store.sequence(tenant) != len(await whole_feed(store, tenant)):
            await asyncio.sleep(0.01)


async def _budgets_do_not_mix(app: App, tenants: list[Tenancy]) -> None:
    """One may make no call at all and the others as many as each has; nobody pays for another."""
    used = {}
    for tenant in tenants:
        own = await app.store.balances(tenant.name, f"tenant:{tenant.name}|day")
        used[tenant.name] = sum(each.posted for each in own if each.account.endswith("|calls"))
        for other in tenants:
            if other is not tenant:
                assert await app.store.balances(tenant.name, f"tenant:{other.name}|") == []
    assert used == {"t0": 0, **{f"t{number}": CALLS for number in range(1, TENANTS)}}


async def _the_app_shows_nothing_foreign(app: App, tenants: list[Tenancy]) -> None:
    one, other = tenants[1], tenants[2]
    pending = [each for each in await app.desk.approvals(other.name) if each.run in other.runs]
    assert pending
    for tenant in tenants:
        for shown in (
            await app.desk.living(tenant.name),
            await app.desk.approvals(tenant.name),
            await app.ledger("user", tenant=tenant.name),
            await app.ledger("session", tenant=tenant.name),
        ):
            assert not any(
                sign in repr(shown) for t in tenants if t is not tenant for sign in t.signs
            )
    for run in other.runs:
        for ask in (app.get, app.resume, app.wait):
            with pytest.raises(NotFound):
                await ask(run, tenant=one.name)
        with pytest.raises(NotFound):
            await app.cancel(run, tenant=one.name)
    for approval in pending:
        with pytest.raises(NotFound):
            await app.approve(approval.id, principal="eve", tenant=one.name)
        with pytest.raises(NotFound):
            await app.deny(approval.id, principal="eve", tenant=one.name)
