"""Sign-ins are opened, found and ended; passwords fit their users alone."""

from pathlib import Path

import pytest

from remit.app.sign_ins import session_id
from tests.cli.shop import shop

GOOD = "correct horse battery"


async def test_a_session_is_found_by_its_token_until_it_ends(tmp_path: Path) -> None:
    async with shop(tmp_path / "j.db") as app:
        sign_ins = app.sign_ins
        await sign_ins.open("token", "zoe", how="password", until_ms=7)
        found = await sign_ins.find("token")
        assert found is not None
        assert (found.principal, found.how, found.until_ms, found.ended) == (
            ("zoe", "password", 7, False)
        )
        assert await sign_ins.find("another") is None
        for _ in range(2):
            await sign_ins.end("token", "zoe")
        await sign_ins.end("another", "zoe")
        ended = await sign_ins.find("token")
        assert ended is not None
        assert ended.ended
        pages = await sign_ins.books.read("*", f"session:{session_id('token')}")
        assert [page.event.type for page in pages] == ["SessionOpened", "SessionEnded"]


@pytest.mark.requirement("SEC-3")
async def test_a_password_fits_its_user_while_they_are_on(tmp_path: Path) -> None:
    async with shop(tmp_path / "j.db") as app:
        access, sign_ins = app.access, app.sign_ins
        await access.grant("zoe", "acme", ["viewer"], principal="root")
        assert await sign_ins.check_password("zoe", "") is None
        await access.set_password("zoe", GOOD, principal="root")
        known = await sign_ins.check_password("zoe", GOOD)
        assert known is not None
        assert known.user == "zoe"
        assert await sign_ins.check_password("zoe", "wrong horse battery") is None
        assert await sign_ins.check_password("nobody", GOOD) is None
        await access.bar("zoe", barred=True, principal="root")
        assert await sign_ins.check_password("zoe", GOOD) is None
