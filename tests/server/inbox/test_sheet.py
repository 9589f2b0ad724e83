"""What an agent may do is told by its rules."""

from pathlib import Path

import pytest

from remit.server.inbox.sheet import sheet_of
from tests.server.office import office
from tests.server.stage import journal

pytestmark = pytest.mark.requirement("GOV-3")


async def test_each_tool_stands_with_its_verdict_and_rules(tmp_path: Path) -> None:
    async with office(journal(tmp_path)) as app:
        sheets = sheet_of(app.specs["clerk"], "acme", "dev")
        told = {it.tool.name: (it.verdict.effect, it.verdict.needed) for it in sheets}
        assert told["refund"] == ("ask", 2)
        assert told["write_file"] == ("ask", 1)
        assert told["wrap_gift"] == ("allow", 0)
        assert told["read_file"] == ("allow", 0)
        assert sheets[0].tool.name == "refund", "what is of high risk stands first"
        assert "remit.approvals.refund" in {rule.id for rule in sheets[0].rules}
        assert "builtin.metadata" in {rule.id for rule in sheets[0].rules}
