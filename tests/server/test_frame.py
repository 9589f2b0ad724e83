"""The frame of the console: pages that exist, tenants of who looks, errors with their remedy."""

from pathlib import Path

import pytest

from remit.server.frame import PLACES, stamp
from tests.server.stage import journal, served, shop_app, signed_in

pytestmark = pytest.mark.requirement("UX-2")


async def test_only_pages_that_exist_are_offered(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        text = (await ann.get("/switches")).text
        known = {getattr(route, "path", "") for route in found.server.routes}
        for place in PLACES:
            assert (f'data-go="{place.key}"' in text) == (place.path in known), place
        assert text.count('aria-current="page"') == 1
        for landmark in ("<nav ", "<main ", "<header ", 'href="#main"', 'lang="en"'):
            assert landmark in text, landmark
        assert ">ann<" in text


async def test_who_has_one_tenant_chooses_none(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        assert '<strong id="tenant">acme</strong>' in (await ann.get("/switches")).text
        bob = await signed_in(
            found, "bob", {"acme": frozenset({"viewer"}), "beta": frozenset({"viewer"})}
        )
        text = (await bob.get("/switches?tenant=beta")).text
        assert "<option selected>beta</option>" in text
        assert 'href="/switches?tenant=beta"' in text, "links stay in the tenant"
        boss = await found.browser()
        assert 'list="tenants"' in (await boss.get("/switches")).text


async def test_scripts_run_only_with_the_nonce_of_the_page(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        boss = await found.browser()
        first, second = await boss.get("/switches"), await boss.get("/switches")
        policies = [told.headers["content-security-policy"] for told in (first, second)]
        assert policies[0] != policies[1], "a nonce is used once"
        for told, policy in zip((first, second), policies, strict=True):
            nonce = policy.partition("'nonce-")[2].partition("'")[0]
            assert len(nonce) >= 22
            assert told.text.count("<script") == told.text.count(f'nonce="{nonce}"') - (
                told.text.count(f'hx-nonce="{nonce}"')
            )
            assert "require-trusted-types-for 'script'" in policy
            assert "unsafe" not in policy
            assert "style=" not in told.text, "inline style would not be shown"


async def test_an_error_is_a_page_with_its_remedy(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        ann = await signed_in(found, "ann", {"acme": frozenset({"viewer"})})
        told = await ann.get("/switches?tenant=beta")
        assert told.status == 404
        assert "What to do" in told.text
        assert 'role="alert"' in told.text
        told = await ann.get("/<script>alert(1)</script>")
        assert told.status == 404
        assert "<script>alert" not in told.text


@pytest.mark.requirement("UX-2")
async def test_the_first_page_is_small(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        boss = await found.browser()
        page = await boss.get("/now")
        size = len(page.text)
        for piece in page.text.split('"'):
            if piece.startswith("/static/"):
                size += len((await boss.get(piece.partition("#")[0])).text)
        assert size < 200_000


def test_a_stamp_cannot_be_broken_out_of() -> None:
    assert str(stamp('"><script>')) == 'hx-nonce="&#34;&gt;&lt;script&gt;"'
