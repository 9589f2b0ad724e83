"""What an agent may do is told by its rules, and its prompts by the runs that were started."""

from pathlib import Path

import pytest

from remit.app.app import App
from remit.machine.agent import Agent
from remit.server.inbox.said import runs_of
from remit.server.inbox.sheet import prompts, sheet_of
from tests.cli.shop import PRICES
from tests.server.office import clerk, model, office
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


async def test_prompts_are_versions_of_what_runs_were_started_with(tmp_path: Path) -> None:
    url = journal(tmp_path)
    async with office(url) as app:
        await app.run(clerk, "look")
        await app.run(clerk, "look")
    other = Agent("clerk", model="scripted:x", instructions="Be kind.", tools=clerk.tools,
                  remit=clerk.remit)  # fmt: skip
    async with App(url, agents=[other], models=model(), prices=PRICES) as app:
        await app.run(other, "look")
        rows = await runs_of(app.store, "local", "clerk")
        found = await prompts(app.engine.reader, "local", rows)
        assert [(it.text, it.runs) for it in found] == [
            ("Be kind.", 1),
            (clerk.prompt.text, 2),
        ]
        assert found[1].first_ms <= found[1].last_ms <= found[0].first_ms
        assert await prompts(app.engine.reader, "nobody", rows) == (), "of another tenant nothing"
