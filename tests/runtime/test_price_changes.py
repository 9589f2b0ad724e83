"""A price that changes in mid-month leaves what was entered before as it was."""

from pathlib import Path

import pytest

from remit import App, Remit, ScriptedModel, declare, tool
from remit.app.replay import read_past
from remit.journal.events import ModelCompleted, RunStarted
from remit.policy.allowance import Budget
from remit.projections.spend import entries, per_run, posted, spent_by
from remit.runtime.reader import Reader
from remit.values.model import ModelAnswer, RawText
from remit.values.price import ModelPrice
from remit.values.usage import Usage
from tests.runtime.stage import an_agent, journal_at, story, told

OLD = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
NEW = {"scripted:*": declare("scripted:x", input_usd="3", output_usd="5")}
ANSWER = ModelAnswer(
    parts=(RawText("done"),), stop="end", usage=Usage(input=100, output=10), model="x"
)


@tool(access="write", price_usd="0.01")
async def order_shares(name: str) -> str:
    """Order shares."""
    return name


AGENT = an_agent(
    tools=[order_shares],
    remit=Remit(
        budgets=[Budget(of="user", window="month", cost_usd="1")], approvals={order_shares: 1}
    ),
)


def app_at(url: str, prices: dict[str, ModelPrice], *replies: object) -> App:
    script = ScriptedModel(*(replies or (ANSWER,)))  # type: ignore[arg-type]  # replies
    return App(url, agents=[AGENT], models={"scripted": script}, prices=prices)


@pytest.mark.requirement("BUD-3", "OBS-3")
async def test_two_tables_in_one_journal_each_run_by_its_own(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with app_at(url, OLD) as app:
        first = await app.run(AGENT, "Go", user="ann")
        before = await story(app, first.id)
    async with app_at(url, NEW) as app:
        second = await app.run(AGENT, "Go", user="ann")
        assert first.cost_nano == 100 * 1_000 + 10 * 2_000
        assert second.cost_nano == 100 * 3_000 + 10 * 5_000
        assert await story(app, first.id) == before
        lines = []
        for run in (first.id, second.id):
            row = await app.store.run("local", run)
            assert row is not None
            lines += entries((await read_past(Reader(app.store), row)).pairs)
        by_run = {run: spent.cost for run, spent in spent_by(lines, per_run).items()}
        assert by_run == {first.id: first.cost_nano, second.id: second.cost_nano}
        (month,) = await app.store.balances("local", "user:ann|month")
        assert month.posted == first.cost_nano + second.cost_nano
        assert posted(lines)[month.account] == month.posted


@pytest.mark.requirement("BUD-1", "OBS-3")
async def test_a_run_that_began_under_the_old_table_ends_under_it(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    waits: list[object] = [{"order_shares": {"name": "a"}}, ANSWER]
    async with app_at(url, OLD, *waits) as app:
        run = await app.run(AGENT, "Go", user="ann")
        assert run.status == "waiting"
    async with app_at(url, NEW, *waits) as app:
        await app.approve(run.approvals[0].id, principal="boss")
        ended = await app.resume(run.id)
        assert ended.output == "done"
        *_, last = await told(app, run.id, ModelCompleted)
        assert last.cost == 100 * 1_000 + 10 * 2_000
        fresh = await app.run(AGENT, "Go", user="eve", session="s2")
        assert (await told(app, fresh.id, ModelCompleted))[0].cost > 0
        started = [
            (await told(app, each, RunStarted))[0].prices[0].input for each in (run.id, fresh.id)
        ]
        assert started == [1_000_000_000, 3_000_000_000]


@pytest.mark.requirement("BUD-1")
async def test_an_answer_that_was_served_otherwise_is_priced_by_the_providers_word() -> None:
    served = ModelAnswer(
        parts=ANSWER.parts, stop="end", usage=ANSWER.usage, model="x", service_tier="priority"
    )
    price = declare("scripted:x", input_usd="1", output_usd="2", services={"priority": 200})
    async with app_at("memory:", {"scripted:*": price}, served) as app:
        run = await app.run(AGENT, "Go")
        (done,) = await told(app, run.id, ModelCompleted)
        assert (done.service_tier, done.over_hold) == ("priority", False)
        assert done.cost == run.cost_nano == 2 * (100 * 1_000 + 10 * 2_000)
