"""What operators and admins do over the API happens, and stands in the journal with their name."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remit import Agent, App, Plan, Plans, Remit, ScriptedModel, tool
from remit.journal.codec import open_record
from remit.policy.allowance import Budget
from tests.cli.shop import PRICES, clerk, model
from tests.server.acting import list_of, pick, program, rows, start, tree, tree_of, wait
from tests.server.stage import Grants, Served, journal, served, shop_app, signed_in

ADMIN: Grants = {"acme": frozenset({"admin"})}
ROOT: Grants = {"*": frozenset({"admin"})}
GOOD = "correct horse battery"


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(shop_app(journal(tmp_path))) as server:
        yield server


async def by(app: App, name: str) -> list[tuple[str, str]]:
    """(tenant, type) of everything that a principal did."""
    return [
        (item.record.header.tenant, event.type)
        for item in await app.store.feed()
        if (body := open_record(item.record)) is not None
        for event in body.events
        if getattr(event, "principal", None) == name
    ]


@pytest.mark.requirement("OPS-1")
async def test_a_tenant_is_switched_off_and_on(found: Served) -> None:
    ann = await signed_in(found, "ann", {"acme": frozenset({"operator"})})
    bot = await program(found, "acme", "operator")
    body = {"what": "all", "reason": "looks odd"}
    told = await ann.ask("POST", "/api/v1/switches/off", json=body)
    assert (told.status, tree(told)["target"]) == (200, "tenant:acme")
    await found.app.engine.services.switchboard.reread()
    stopped = await start(bot, "look at it")
    assert stopped["status"] == "stopped"
    [shown] = rows(await bot.get("/api/v1/switches"), "switches")
    assert (shown["principal"], shown["reason"]) == ("ann", "looks odd")
    other = await program(found, "globex", "operator")
    assert rows(await other.get("/api/v1/switches"), "switches") == []
    assert (await other.ask("POST", "/api/v1/switches/on?tenant=*", json=body)).status == 404
    on = await ann.ask("POST", "/api/v1/switches/on", json={"what": "all"})
    assert tree(on) == {"target": "tenant:acme", "was_off": True}
    lines = rows(await ann.get("/api/v1/switches/history"), "history")
    assert [(each["off"], each["principal"]) for each in lines] == [(False, "ann"), (True, "ann")]
    assert await by(found.app, "ann") == [("*", "SessionOpened")] + [("acme", "TargetSwitched")] * 2


async def test_a_switch_has_an_end_to_come(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for until, status in (("2020-01-01T00:00:00Z", 409), ("soon", 422), (later, 200)):
        body = {"what": "tool:refund_order", "reason": "x", "until": until}
        told = await bot.ask("POST", "/api/v1/switches/off", json=body)
        assert told.status == status, told.text


@pytest.mark.requirement("TEN-1")
async def test_budgets_are_set_by_admins_and_only_their_own(found: Served) -> None:
    ann = await signed_in(found, "ann", ADMIN)
    body = {"holder": "user:cust", "cost_usd": "1.50", "calls": 3, "reason": "trial"}
    told = await ann.ask("PUT", "/api/v1/budgets", json=body)
    assert told.status == 200, told.text
    lines = rows(await ann.get("/api/v1/budgets?holder=user:cust"), "budgets")
    assert {each["unit"]: each["limit"] for each in lines} == {"nano": 1_500_000_000, "calls": 3}
    assert {each["principal"] for each in lines} == {"ann"}
    everybody = {"holder": "global", "calls": 1, "reason": "mine"}
    assert (await ann.ask("PUT", "/api/v1/budgets", json=everybody)).status == 403
    assert (await ann.ask("POST", "/api/v1/budgets/unset", json=everybody)).status == 422
    root = await signed_in(found, "root", ROOT)
    set_by_root = await root.ask("PUT", "/api/v1/budgets?tenant=*", json=everybody)
    assert set_by_root.status == 200
    seen = rows(await ann.get("/api/v1/budgets"), "budgets")
    assert "global:all" not in {each["holder"] for each in seen}
    unset = {"holder": "user:cust", "reason": "over"}
    assert (await ann.ask("POST", "/api/v1/budgets/unset", json=unset)).status == 200
    assert (await ann.ask("POST", "/api/v1/budgets/unset", json=unset)).status == 404
    assert ("acme", "BudgetSet") in await by(found.app, "ann")
    assert ("*", "BudgetSet") in await by(found.app, "root")


@pytest.mark.requirement("OBS-3")
async def test_the_ledger_agrees_with_the_run(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "look at it")
    await start(await program(found, "globex", "operator"), "look at it")
    told = tree(await bot.get("/api/v1/ledger?by=user,session"))
    assert pick(told, "total", "cost_usd") == run["cost_usd"]
    assert [pick(each, "names", "user") for each in list_of(told["rows"])] == ["cust"]
    everything = await program(found, "*", "viewer")
    both = tree(await everything.get("/api/v1/ledger?by=tenant"))
    assert [pick(each, "names", "tenant") for each in list_of(both["rows"])] == ["acme", "globex"]
    assert (await bot.get("/api/v1/ledger?since=2026-02-30")).status == 422


@pytest.mark.requirement("TEN-1", "SEC-3")
async def test_keys_are_issued_and_revoked_by_admins(found: Served) -> None:
    ann = await signed_in(found, "ann", ADMIN)
    body = {"name": "ci", "roles": ["viewer"]}
    made = tree(await ann.ask("POST", "/api/v1/keys", json=body))
    bot = found.client(authorization=f"Bearer {made['token']}")
    assert (await bot.get("/api/v1/runs")).status == 200
    listed = await ann.get("/api/v1/keys")
    assert str(made["token"]).rpartition("_")[2] not in listed.text
    key = pick(made, "key", "key")
    assert (await ann.ask("POST", f"/api/v1/keys/{key}/revoke?tenant=globex")).status == 404
    assert (await ann.ask("POST", f"/api/v1/keys/{key}/revoke")).status == 204
    assert (await bot.get("/api/v1/runs")).status == 401
    others = {"name": "x", "roles": ["approver"], "person": "bob"}
    assert (await ann.ask("POST", "/api/v1/keys", json=others)).status == 403
    nobodys = {"name": "x", "roles": ["approver"]}
    assert (await ann.ask("POST", "/api/v1/keys", json=nobodys)).status == 409
    own = {"name": "x", "roles": ["approver"], "person": "ann"}
    assert (await ann.ask("POST", "/api/v1/keys", json=own)).status == 201
    assert (await ann.ask("POST", "/api/v1/keys?tenant=*", json=body)).status == 404
    told = await by(found.app, "ann")
    assert told.count(("acme", "KeyIssued")) == 2
    assert told.count(("acme", "KeyRevoked")) == 1


async def test_users_are_managed_by_admins_of_all_tenants(found: Served) -> None:
    root = await signed_in(found, "root", ROOT)
    body = {"user": "zoe", "in_tenant": "acme", "roles": ["viewer"], "password": "short"}
    assert (await root.ask("POST", "/api/v1/users", json=body)).status == 409
    assert await found.app.access.user("zoe") is None
    body["password"] = GOOD
    made = await root.ask("POST", "/api/v1/users", json=body)
    assert (made.status, tree(made)["has_password"]) == (201, True)
    assert (await root.ask("POST", "/api/v1/users", json=body)).status == 409
    changed = {"in_tenant": "globex", "roles": ["approver"]}
    told = await root.ask("PUT", "/api/v1/users/zoe/roles", json=changed)
    assert [each["tenant"] for each in map(tree_of, list_of(tree(told)["grants"]))] == [
        "acme",
        "globex",
    ]
    assert (await root.ask("PUT", "/api/v1/users/no/roles", json=changed)).status == 404
    off = {"off": True, "reason": "left"}
    assert tree(await root.ask("PUT", "/api/v1/users/zoe/off", json=off))["off"] is True
    assert (await root.ask("PUT", "/api/v1/users/zoe/off", json=off)).status == 409
    other = {"password": GOOD + "!"}
    assert (await root.ask("PUT", "/api/v1/users/zoe/password", json=other)).status == 200
    names = [each["user"] for each in rows(await root.get("/api/v1/users"), "users")]
    assert names == ["root", "zoe"]
    assert (await (await signed_in(found, "ann", ADMIN)).get("/api/v1/users")).status == 403
    told_of = {kind for _, kind in await by(found.app, "root")}
    assert {"UserGranted", "PasswordSet", "UserBarred"} <= told_of


async def test_people_change_their_own_password(found: Served) -> None:
    await found.app.access.grant("zoe", "acme", ["viewer"], principal="root")
    await found.app.access.set_password("zoe", GOOD, principal="root")
    zoe = await signed_in(found, "zoe", {"acme": frozenset({"viewer"})})
    path = "/api/v1/me/password"
    wrong = {"current": "not it at all", "password": GOOD + "!"}
    assert (await zoe.ask("PUT", path, json=wrong)).status == 403
    right = {"current": GOOD, "password": GOOD + "!"}
    assert (await zoe.ask("PUT", path, json=right)).status == 204
    assert (await zoe.get("/api/v1/me")).status == 401
    assert await found.app.sign_ins.check_password("zoe", GOOD + "!") is not None
    bot = await program(found, "acme", "viewer")
    assert (await bot.ask("PUT", path, json=right)).status == 409


@pytest.mark.requirement("AUD-4")
async def test_the_journal_is_verified_against_a_kept_head(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    await start(bot, "look at it")
    first = tree(await bot.ask("POST", "/api/v1/verify", json={}))
    assert first["sound"] is True
    head = pick(first, "tenants", 0, "head")
    await start(bot, "look again")
    second = tree(await bot.ask("POST", "/api/v1/verify", json={"heads": [head]}))
    assert second["sound"] is True
    size, _, root = str(head).partition(":")
    forged = f"{size}:{'0' * len(root)}"
    third = tree(await bot.ask("POST", "/api/v1/verify", json={"heads": [forged]}))
    assert third["sound"] is False
    assert (await bot.ask("POST", "/api/v1/verify", json={"heads": ["x"]})).status == 422
    everybody = await program(found, "*", "operator")
    all_of_them = tree(await everybody.ask("POST", "/api/v1/verify", json={}))
    assert {pick(each, "tenant") for each in list_of(all_of_them["tenants"])} == {"*", "acme"}


async def test_agents_are_shown_as_they_are_declared(found: Served) -> None:
    bot = await program(found, "acme", "viewer")
    names = [each["name"] for each in rows(await bot.get("/api/v1/agents"), "agents")]
    assert names == ["clerk", "helper"]
    shown = tree(await bot.get("/api/v1/agents/clerk"))
    tools = {each["name"]: each for each in map(tree_of, list_of(shown["tools"]))}
    assert (tools["refund_order"]["access"], tools["refund_order"]["risk"]) == ("write", "high")
    assert (await bot.get("/api/v1/agents/nobody")).status == 404


@pytest.mark.requirement("BIL-3")
async def test_the_cap_shows_a_notice_with_a_checkout_link(tmp_path: Path) -> None:
    free = Plan(name="free", limits=(Budget(of="user", window="day", calls=0),))
    pro = Plan(name="pro", prices=("price_1",), checkout_url="https://pay.example/pro")
    plans = Plans(default="free", plans=(free, pro))
    app = App(journal(tmp_path), agents=[clerk], models=model(), prices=PRICES, plans=plans)
    async with served(app) as found:
        bot = await program(found, "acme", "operator")
        run = await start(bot, "look at it")
        assert (run["status"], run["reason"]) == ("stopped", "upgrade-required")
        assert pick(run, "upgrade", "offer") == "pro"
        url = str(pick(run, "upgrade", "checkout_url"))
        assert url.startswith("https://pay.example/pro?client_reference_id=")
        bought = tree(await bot.ask("POST", "/api/v1/plans/pro/checkout", json={"user": "cust"}))
        assert str(bought["url"]).startswith("https://pay.example/pro?")
        shown = tree(await bot.get("/api/v1/plans?user=cust"))
        assert (shown["plan"], shown["holder"]) == ("free", "user:cust")
        assert (
            await bot.ask("POST", "/api/v1/plans/none/checkout", json={"user": "u"})
        ).status in (
            404,
            409,
        )
        forged = await found.client().ask("POST", "/payments", data=b"{}")
        assert forged.status in (400, 503)


@tool(access="write")
def unbook(room: str) -> str:
    """Give a room back."""
    return f"gave {room} back"


@tool(access="write", undo=unbook)
def book(room: str) -> str:
    """Book a room."""
    return f"booked {room}"


@pytest.mark.requirement("TOOL-14")
async def test_a_run_is_undone_in_the_name_of_who_asks(tmp_path: Path) -> None:
    porter = Agent(
        "porter",
        model="scripted:x",
        instructions="You book rooms.",
        tools=[book],
        remit=Remit(approvals={book: 0}),
    )
    script = ScriptedModel({"book": {"room": "7"}}, "Booked.")
    app = App(journal(tmp_path), agents=[porter], models={"scripted": script}, prices=PRICES)
    async with served(app) as found:
        zoe = await signed_in(found, "zoe", {"acme": frozenset({"operator"})})
        body = {"agent": "porter", "input": "book 7", "wait_s": 30}
        run = tree(await zoe.ask("POST", "/api/v1/runs", json=body))
        assert run["status"] == "completed"
        undone = await zoe.ask("POST", f"/api/v1/runs/{run['run']}/undo")
        assert (undone.status, tree(undone)["user"]) == (201, "zoe")
        ended = await wait(zoe, tree(undone))
        assert (ended["status"], ended["success"]) == ("completed", True)
        again = await zoe.ask("POST", f"/api/v1/runs/{run['run']}/undo")
        assert again.status == 409
