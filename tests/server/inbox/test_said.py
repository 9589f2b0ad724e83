"""Who said what about an agent's calls is read from the journal: yes, changed, no, too late."""

from pathlib import Path

import pytest

from remit.server.inbox.said import Words, runs_of
from tests.server.office import clerk, office
from tests.server.stage import journal

pytestmark = pytest.mark.requirement("GOV-3", "APR-4")


async def test_every_word_stands_with_who_and_why(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        first = await app.run(clerk, "file it", tenant="acme")
        await app.approve(first.approvals[0].id, tenant="acme", principal="ann", comment="fine")
        await app.wait(first.id, tenant="acme")
        second = await app.run(clerk, "file it", tenant="acme")
        await app.deny(second.approvals[0].id, tenant="acme", principal="bob", comment="no")
        await app.wait(second.id, tenant="acme")
        third = await app.run(clerk, "file it", tenant="acme")
        await app.desk.approve(
            "acme",
            third.approvals[0].id,
            principal="carl",
            channel="console",
            arguments='{"path":"a","content":"b"}',
        )
        await app.wait(third.id, tenant="acme")
        await app.run(clerk, "file it", tenant="beta")
        words = Words(app.store)
        found = await words.of_agent("acme", "clerk")
        assert [(it.what, it.person, it.comment, it.tool, it.channel) for it in found] == [
            ("changed", "carl", "", "write_file", "console"),
            ("denied", "bob", "no", "write_file", "app"),
            ("approved", "ann", "fine", "write_file", "app"),
        ]
        assert {it.rule for it in found} == {"remit.approvals.write_file"}
        assert await words.of_agent("beta", "clerk") == []
        assert await words.of_agent("acme", "nobody") == []
        assert await words.of_agent("acme", "clerk") == found, "what is known is known"
        assert len(await runs_of(app.store, "acme", "clerk")) == 3
