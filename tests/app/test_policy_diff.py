"""Past calls are found and judged again, however many runs are under way at once."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from remit import Agent, App, Remit, ScriptedModel, declare, tool
from remit.app import policy_diff
from remit.app.policy_diff import PolicyDiff
from remit.policy.rule import Rule
from remit.policy.where import Where
from remit.projections.verdicts import Change, Counterfactual

pytestmark = pytest.mark.requirement("AUD-6")

RUNS, CALLS = 3, 4
LARGE = Rule(id="large", effect="deny", tool="*", where=(Where(name="amount", above="1"),))
TAINTED = Rule(id="tainted", effect="deny", tool="pay", origins=("tool:look",))


@tool(access="write")
def pay(amount: int) -> str:
    """Pay."""
    return str(amount)


@tool(access="read")
def look() -> str:
    """Look."""
    return "seen"


PAYER = Agent(
    "payer",
    model="scripted:x",
    instructions="Pay.",
    tools=[pay, look],
    remit=Remit(approvals={pay: 0}),
)


def opened(path: Path) -> App:
    turns = [{"pay": {"amount": number}} for number in range(CALLS)]
    return App(
        f"sqlite:///{path}",
        agents=[PAYER],
        models={"scripted": ScriptedModel({"look": {}}, *turns, "done")},
        prices={"scripted:*": declare("scripted:*", input_usd="0.01", output_usd="0.01")},
    )


async def changes(app: App, rules: Counterfactual, since_ms: int = 0) -> list[Change]:
    diff = PolicyDiff(app.engine.reader, rules, since_ms=since_ms)
    return [each async for each in diff.changes()]


def told(change: Change) -> tuple[str, str, str, str]:
    return change.run, change.call, change.question.arguments, change.new.rule


async def test_runs_that_were_under_way_at_once_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "j.db") as app:
        await asyncio.gather(*(app.run(PAYER, "Pay.") for _ in range(RUNS)))
        rules = Counterfactual((), (LARGE,))
        found = await changes(app, rules)
        assert rules.judged == RUNS * (CALLS + 1)
        assert len(found) == RUNS * 2
        assert {each.question.arguments for each in found} == {'{"amount":2}', '{"amount":3}'}
        tainted = await changes(app, Counterfactual((), (TAINTED,)))
        assert len(tainted) == RUNS * CALLS
        # Where few runs are kept, what was forgotten is read again.
        monkeypatch.setattr(policy_diff, "_RUNS", 1)
        again = await changes(app, Counterfactual((), (LARGE,)))
        assert [told(each) for each in again] == [told(each) for each in found]
        assert await changes(app, Counterfactual((), (TAINTED,))) == tainted


async def test_what_was_said_before_the_first_instant_counts(tmp_path: Path) -> None:
    async with opened(tmp_path / "j.db") as app:
        await app.run(PAYER, "Pay.")
        found = await changes(app, Counterfactual((), (TAINTED,)))
        # Its only record that is read here is the last one with a verdict: the rest is read back.
        diff = PolicyDiff(app.engine.reader, Counterfactual((), (TAINTED,)))
        feed = await app.store.feed()
        judged = [each for each in feed if b"CallJudged" in each.plain]
        assert await diff._of(judged[-1].record.header, judged[-1].plain) == found[-1:]


async def test_erased_records_are_counted_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with opened(path) as app:
        await app.run(PAYER, "Pay.")
        whole = await changes(app, Counterfactual((), (LARGE,)))
    with sqlite3.connect(path) as connection:
        last = connection.execute("SELECT position, payload, proof FROM records").fetchall()[-2]
        connection.execute("UPDATE records SET payload = x'' WHERE position = ?", (last[0],))
    connection.close()
    async with opened(path) as app:
        diff = PolicyDiff(app.engine.reader, Counterfactual((), (LARGE,)))
        assert [each async for each in diff.changes()] == whole
        assert diff.skipped == 1


async def test_a_store_gives_what_it_had_to_open_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "j.db") as app:
        await app.run(PAYER, "Pay.")
        assert all(each.plain for each in await app.store.feed())
        found = await changes(app, Counterfactual((), (LARGE,)))
        monkeypatch.setattr("remit.adapters.sqlite.reading._SMALL", 0)  # large ones are not kept
        assert not any(each.plain for each in await app.store.feed())
        assert await changes(app, Counterfactual((), (LARGE,))) == found
