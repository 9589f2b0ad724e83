"""The page Spend sums the ledger exactly and shows budgets; who sets one is named."""

from pathlib import Path

import pytest

from remit.values.money import format_usd
from tests.cli.shop import clerk
from tests.server.stage import Grants, Served, journal, post, served, shop_app, signed_in

pytestmark = pytest.mark.requirement("OBS-3", "UX-2")
ADMIN: Grants = {"acme": frozenset({"admin"})}
VIEWER: Grants = {"acme": frozenset({"viewer"})}


async def spent(found: Served, tenant: str, user: str) -> None:
    await found.app.run(clerk, "look up order 7", tenant=tenant, user=user)


async def test_the_page_says_what_the_ledger_says(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        await spent(found, "acme", "ann")
        await spent(found, "beta", "bob")
        whole = await found.app.ledger("agent", tenant="acme")
        ann = await signed_in(found, "ann", VIEWER)
        page = await ann.get("/spend?by=user")
        assert page.status == 200
        assert format_usd(whole.total.cost, 2) in page.text
        assert f"<dd>{whole.total.calls:,}</dd>" in page.text
        assert ">ann</a>" in page.text
        assert ">bob<" not in page.text, "another tenant's"
        assert page.text.count("<data ") == 30, "every day of a month, those without calls too"
        assert 'data-opens="budget"' not in page.text, "a viewer sets none"
        boss = await found.browser()
        page = await boss.get("/spend?tenant=*&by=tenant")
        assert "acme" in page.text
        assert "beta" in page.text
        page = await boss.get("/spend?tenant=beta&by=user&model=%3Cb%3Ex")
        assert "&lt;b&gt;x" in page.text
        assert "<b>x" not in page.text


async def test_only_the_days_that_are_asked_for(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        await spent(found, "acme", "ann")
        ann = await signed_in(found, "ann", VIEWER)
        page = await ann.get("/spend?since=2020-01-01&until=2020-01-31")
        assert "Nothing was spent in these days" in page.text
        for query, says in (
            ("since=2020-01-32", "a day is written as"),
            ("since=2020-02-01&until=2020-01-01", "ask for 1 to 366 days"),
            ("since=2000-01-01", "ask for 1 to 366 days"),
        ):
            page = await ann.get(f"/spend?{query}")
            assert page.status == 200
            assert says in page.text
            assert 'aria-invalid="true"' in page.text
        assert (await ann.get("/spend?by=colour")).status == 422


@pytest.mark.requirement("BUD-3")
async def test_a_budget_is_set_and_given_back_with_name_and_reason(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", ADMIN)
        told = await post(
            ann, "/spend/budget", of="user", name="bob", window="day", cost_usd="2.50",
            tokens="1,000", reason="a trial",
        )  # fmt: skip
        assert (told.status, told.headers["location"]) == (303, "/spend")
        page = await ann.get("/spend")
        for text in ("user:bob", "$2.50", "by ann,", "a trial"):
            assert text in page.text, text
        (cost, tokens) = await found.app.budgets.show("acme", "user:bob")
        assert {(cost.limit, cost.unit), (tokens.limit, tokens.unit)} == {
            (2_500_000_000, "nano"),
            (1_000, "tokens"),
        }
        told = await post(
            ann, "/spend/budget", of="user", name="bob", window="day", unset="true", reason="over"
        )
        assert told.status == 303
        assert await found.app.budgets.show("acme", "user:bob") == []


async def test_what_is_wrong_is_said_and_what_was_typed_stays(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", ADMIN)
        for fields, says in (
            ({"of": "user", "name": "", "cost_usd": "1"}, "whose budget?"),
            ({"of": "user", "name": "bob", "cost_usd": "lots"}, "cost_usd"),
            ({"of": "user", "name": "bob", "tokens": "-1"}, "write a whole number"),
            ({"of": "user", "name": "bob"}, ""),
            ({"of": "moon", "name": "bob", "calls": "1"}, "a budget is of one of"),
            ({"of": "global", "calls": "1"}, "admin of all tenants"),
        ):
            told = await post(ann, "/spend/budget", reason="why not", **fields)
            assert told.status == 422, fields
            assert says in told.text
            assert 'role="alert"' in told.text
            assert "why not" in told.text
        told = await post(ann, "/spend/budget", of="user", name="bob", calls="1", reason=" ")
        assert (told.status, "say a reason" in told.text) == (422, True)
        assert await found.app.budgets.show("acme", "user:bob") == []


async def test_who_may_not_set_is_refused(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        eve = await signed_in(found, "eve", VIEWER)
        told = await post(eve, "/spend/budget", of="user", name="bob", calls="1", reason="mine")
        assert told.status == 403
        del eve.headers["x-csrf-token"]
        ann = await signed_in(found, "ann", ADMIN)
        del ann.headers["x-csrf-token"]
        told = await post(ann, "/spend/budget", of="user", name="bob", calls="1", reason="forged")
        assert told.status == 403
        assert await found.app.budgets.show("acme", "user:bob") == []


@pytest.mark.requirement("TEN-1")
async def test_what_all_tenants_share_is_shown_to_who_may_see_all(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        budgets = found.app.budgets
        await budgets.set(
            "*", "global", amounts={"cost_usd": "987"}, principal="ops", reason="the whole firm"
        )
        eve = await signed_in(found, "eve", VIEWER)
        assert "the whole firm" not in (await eve.get("/spend")).text
        boss = await found.browser()
        assert "the whole firm" in (await boss.get("/spend?tenant=acme")).text
