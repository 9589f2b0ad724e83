"""The API says who asks, and refuses who is nobody."""

from pathlib import Path

from tests.server.stage import journal, served, shop_app


async def test_who_am_i(tmp_path: Path) -> None:
    async with served(shop_app(journal(tmp_path))) as found:
        told = await (await found.browser()).get("/api/v1/me")
        assert isinstance(told.json, dict)
        assert told.json["name"] == "local"
        assert told.json["grants"] == [
            {"tenant": "*", "roles": ["admin", "approver", "operator", "viewer"]}
        ]
        nobody = await found.client().get("/api/v1/me")
        assert nobody.status == 401
        assert nobody.headers["www-authenticate"] == "Bearer"
        assert isinstance(nobody.json, dict)
        assert nobody.json["type"] == "urn:remit:problem:unauthenticated"
