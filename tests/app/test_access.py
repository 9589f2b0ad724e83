"""Keys are issued, shown, revoked; users are granted, barred; all of it stands in the journal."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from remit.app.access import MAX_KEY_MS, PREFIX, Access
from remit.app.app import App
from remit.errors import ConfigError, NotAllowed, NotFound, UsageError
from remit.journal.codec import open_record
from tests.cli.shop import shop

GOOD = "correct horse battery"
pytestmark = pytest.mark.requirement("TEN-1")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with shop(tmp_path / "j.db") as opened:
        yield opened


@pytest.fixture
def access(app: App) -> Access:
    return app.access


async def test_a_key_shows_itself_by_its_token_alone(app: App, access: Access) -> None:
    made = await access.issue_key("acme", "ci", roles=["operator", "viewer"], principal="ann")
    assert made.token.startswith(f"{PREFIX}acme_")
    shown = await access.show_key(made.token)
    assert shown is not None
    assert shown[0] == "acme"
    assert shown[1] == made.state
    assert made.state.roles == ("viewer", "operator")
    wrong = made.token[:-1] + ("0" if made.token[-1] != "0" else "1")
    other_tenant = made.token.replace("_acme_", "_globex_")
    for token in (wrong, other_tenant, "", PREFIX, made.token + "0", "rmk_a_b_c"):
        assert await access.show_key(token) is None


@pytest.mark.requirement("SEC-3")
async def test_no_secret_is_stored(app: App, access: Access, tmp_path: Path) -> None:
    made = await access.issue_key("acme", "ci", roles=["viewer"], principal="ann")
    await access.grant("zoe", "acme", ["viewer"], principal="ann")
    await access.set_password("zoe", GOOD, principal="ann")
    secret = made.token.rpartition("_")[2]
    for item in await app.store.feed():
        body = open_record(item.record)
        assert body is not None
        assert secret not in body.model_dump_json()
        assert GOOD not in body.model_dump_json()
    for file in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("tenant", ["acme", "*", "a.b@c", "x_y-z+1"])
async def test_every_tenant_has_its_tokens(access: Access, tenant: str) -> None:
    made = await access.issue_key(tenant, "ci", roles=["viewer"], principal="ann")
    shown = await access.show_key(made.token)
    assert shown is not None
    assert shown[0] == tenant
    assert [each.key for each in await access.keys(tenant)] == [made.state.key]
    assert not await access.keys("another")


async def test_a_revoked_key_is_listed_and_opens_nothing(access: Access) -> None:
    made = await access.issue_key("acme", "ci", roles=["viewer"], principal="ann")
    await access.revoke_key("acme", made.state.key, principal="bob", reason="left the firm")
    shown = await access.show_key(made.token)
    assert shown is not None
    assert not shown[1].opens(0)
    with pytest.raises(NotFound):
        await access.revoke_key("acme", made.state.key, principal="bob")
    with pytest.raises(NotFound):
        await access.revoke_key("globex", made.state.key, principal="bob")


async def test_use_is_told_once_a_day(access: Access) -> None:
    made = await access.issue_key("acme", "ci", roles=["viewer"], principal="ann")
    for _ in range(3):
        await access.note_use("acme", made.state.key)
    await access.note_use("acme", "0" * 26)
    pages = await access.books.read("acme", f"key:{made.state.key}")
    assert [page.event.type for page in pages] == ["KeyIssued", "KeyUsed"]


async def test_a_key_that_cannot_be_is_refused(access: Access) -> None:
    now_ms = access.clock.now_ms()
    with pytest.raises(UsageError, match="say which"):
        await access.issue_key("acme", "ci", roles=["approver"], principal="ann")
    with pytest.raises(UsageError, match="say some of"):
        await access.issue_key("acme", "ci", roles=[], principal="ann")
    for until_ms in (now_ms, now_ms + 2 * MAX_KEY_MS):
        with pytest.raises(UsageError, match="within a year"):
            await access.issue_key(
                "acme", "ci", roles=["viewer"], principal="ann", until_ms=until_ms
            )
    with pytest.raises(ConfigError):
        await access.issue_key("no/tenant", "ci", roles=["viewer"], principal="ann")
    assert not await access.anybody()


async def test_users_have_roles_by_tenant(access: Access) -> None:
    await access.grant("zoe", "acme", ["viewer"], principal="root")
    await access.grant("zoe", "globex", ["approver", "operator"], principal="root")
    known = await access.grant("zoe", "acme", [], principal="root")
    assert known.grants == {"globex": ("operator", "approver")}
    await access.grant("ann.b", "*", ["admin"], principal="root")
    assert [each.user for each in await access.users()] == ["ann.b", "zoe"]
    assert not await access.anybody()  # nobody has a password yet
    await access.set_password("zoe", GOOD, principal="root")
    assert await access.anybody()
    await access.bar("zoe", barred=True, principal="root", reason="on leave")
    assert not await access.anybody()
    with pytest.raises(NotAllowed, match="off already"):
        await access.bar("zoe", barred=True, principal="root")
    with pytest.raises(NotFound):
        await access.bar("nobody", barred=True, principal="root")
    with pytest.raises(NotFound):
        await access.set_password("nobody", GOOD, principal="root")
    with pytest.raises(UsageError, match="12 to 256"):
        await access.set_password("zoe", "short", principal="root")


async def test_a_key_is_somebody_who_could_sign_in(access: Access) -> None:
    made = await access.issue_key("acme", "ci", roles=["viewer"], principal="ann")
    assert await access.anybody()
    await access.revoke_key("acme", made.state.key, principal="ann")
    assert not await access.anybody()


@pytest.mark.requirement("AUD-4")
async def test_what_admins_do_is_sealed_with_everything_else(app: App, access: Access) -> None:
    await access.issue_key("acme", "ci", roles=["viewer"], principal="ann")
    await access.grant("zoe", "acme", ["viewer"], principal="ann")
    await app.sign_ins.open("token", "zoe", how="password", until_ms=1)
    found = await app.verify(tenants=("acme", "*"))
    assert {each.tenant: (each.books, each.damages) for each in found} == {
        "acme": (1, ()),
        "*": (2, ()),
    }
