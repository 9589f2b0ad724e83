"""An open app verifies its own journal and signs its head."""

from pathlib import Path

import pytest

from remit.app.audit import known_head
from tests.cli.shop import clerk, shop


@pytest.mark.requirement("AUD-4")
async def test_an_app_verifies_its_journal(tmp_path: Path) -> None:
    async with shop(tmp_path / "j.db") as app:
        await app.run(clerk, "look at order 17")
        [first] = await app.verify(tenants=["local"])
        assert not first.damages
        assert first.head is not None
        await app.run(clerk, "look at order 17")
        head = known_head(f"{first.size}:{first.root.hex()}", "kept")
        [second] = await app.verify(tenants=["local"], heads=[head])
        assert not second.damages
        assert second.size > first.size
        forged = known_head(f"{first.size}:{bytes(32).hex()}", "forged")
        [third] = await app.verify(tenants=["local"], heads=[forged])
        assert third.damages
