"""A path means the root of the run it names; of others there is nothing."""

from pathlib import Path

import pytest

from tests.cli.shop import fill, shop
from tests.server.stage import Grants, served, signed_in

VIEWER: Grants = {"local": frozenset({"viewer"})}


@pytest.mark.requirement("TEN-1")
async def test_a_sub_run_leads_to_its_root_and_a_foreign_one_nowhere(tmp_path: Path) -> None:
    await fill(tmp_path / "j.db")
    async with served(shop(tmp_path / "j.db")) as found:
        rows = await found.app.store.runs("local", limit=100)
        child = next(row for row in rows if row.parent is not None)
        eve = await signed_in(found, "eve", VIEWER)
        told = await eve.get(f"/api/v1/runs/{child.run}/trace")
        assert isinstance(told.json, dict)
        assert told.json["nodes"][0]["run"] == child.parent
        (foreign,) = await found.app.store.runs("acme")
        assert (await eve.get(f"/api/v1/runs/{foreign.run}/trace")).status == 404
