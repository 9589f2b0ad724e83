"""Limits of a run, from declaration to journal: money, tokens, sessions, calls, repeats, depth."""

from pathlib import Path

import pytest

from remit import Agent, App, Remit, tool
from remit.adapters.scripted import Reply, answer_for
from remit.journal.events import (
    BudgetRefused,
    BudgetWarned,
    CallJudged,
    ModelCompleted,
    ModelRequested,
    ToolFailed,
)
from remit.journal.rows import Balance
from remit.values.model import ModelAnswer, ModelRequest
from remit.values.usage import Usage
from tests.runtime.stage import an_agent, journal_at, opened, told

COUNT: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    COUNT.clear()


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    COUNT.append(name)
    return f"{name} is so"


def endless(request: ModelRequest) -> Reply:
    """A model that uses all it may say and never ends."""
    turn = len(request.messages)
    plain = answer_for(request, {"find_fact": {"name": f"n{turn}"}}, turn)
    usage = Usage(input=2_000, output=request.max_output_tokens)
    return ModelAnswer(parts=plain.parts, stop=plain.stop, usage=usage, model=plain.model)


ENDLESS = (endless,) * 60
MANY = {"tool_calls": 100, "turns": 60}


def spender(**limits: str | int) -> Agent[str]:
    fields = {**MANY, **limits}
    return an_agent(tools=[find_fact], remit=Remit(**fields))  # type: ignore[arg-type]  # by name


async def balances(app: App, prefix: str) -> dict[str, Balance]:
    found = await app.store.balances("local", prefix)
    return {each.account.rpartition("|")[2]: each for each in found}


def over(posted: int, limit: int) -> int:
    return max(0, posted - limit)


@pytest.mark.requirement("BUD-1")
async def test_the_cap_in_money_is_never_passed_and_the_refusal_says_what_was_needed() -> None:
    agent = spender(cost_usd="0.02")
    async with opened("memory:", [agent], *ENDLESS) as app:
        run = await app.run(agent, "Go")
        assert run.status == "stopped"
        assert run.reason.startswith("budget")
        (account,) = (await balances(app, f"run:{run.id}")).values()
        assert over(account.posted, 20_000_000) == 0
        assert account.held == 0
        assert account.posted == run.cost_nano
        assert account.posted > 10_000_000  # it was used, not refused at once
        (refused,) = await told(app, run.id, BudgetRefused)
        assert refused.needed > refused.available
        assert refused.limit == 20_000_000
        asked = await told(app, run.id, ModelRequested)
        assert len(asked) == len(await told(app, run.id, ModelCompleted))  # nothing was sent for it


@pytest.mark.requirement("BUD-2")
async def test_the_cap_in_tokens_is_never_passed() -> None:
    agent = spender(tokens=20_000)
    async with opened("memory:", [agent], *ENDLESS) as app:
        run = await app.run(agent, "Go")
        assert run.status == "stopped"
        account = (await balances(app, f"run:{run.id}"))["tokens"]
        assert over(account.posted, 20_000) == 0
        assert account.posted == run.usage.total
        assert account.posted > 10_000
        (refused,) = await told(app, run.id, BudgetRefused)
        assert refused.account.endswith("|tokens")


@pytest.mark.requirement("BUD-1")
async def test_a_cap_below_one_call_sends_nothing() -> None:
    agent = spender(cost_usd="0.000001")
    async with opened("memory:", [agent], *ENDLESS) as app:
        run = await app.run(agent, "Go")
        assert (run.status, run.cost_nano, run.turns) == ("stopped", 0, 0)
        assert await told(app, run.id, ModelRequested) == []


async def test_the_runs_of_a_session_share_its_cap_also_after_a_restart(tmp_path: Path) -> None:
    agent = spender(session_cost_usd="0.02", session_tokens=1_000_000, turns=3)
    costs, reasons = [], []
    for _ in range(6):
        async with opened(journal_at(tmp_path), [agent], *ENDLESS) as app:
            run = await app.run(agent, "Go", session="s1")
            costs.append(run.cost_nano)
            accounts = await balances(app, "session:s1")
            assert accounts["nano"].posted == sum(costs) <= 20_000_000
            reasons.append(run.reason)
    assert costs[0] > 0
    assert costs[-1] == 0
    assert reasons[-1].startswith("budget")
    async with opened(journal_at(tmp_path), [agent], *ENDLESS) as app:
        other = await app.run(agent, "Go", session="s2")
        assert other.cost_nano > 0  # another session has a cap of its own


@pytest.mark.requirement("BUD-4")
async def test_at_80_percent_there_is_one_warning_and_at_100_the_lock() -> None:
    agent = spender(cost_usd="0.02", tokens=1_000_000)
    async with opened("memory:", [agent], *ENDLESS) as app:
        run = await app.run(agent, "Go")
        (warned,) = await told(app, run.id, BudgetWarned)
        assert warned.account.endswith("|nano")
        assert (warned.limit, warned.used >= 16_000_000) == (20_000_000, True)
        assert len(await told(app, run.id, BudgetRefused)) == 1


@pytest.mark.requirement("BUD-5", "STOP-3")
async def test_an_endless_agent_stops_at_exactly_its_turns() -> None:
    agent = spender(turns=7)
    async with opened("memory:", [agent], *ENDLESS) as app:
        run = await app.run(agent, "Go")
        assert (run.status, run.turns) == ("stopped", 7)
        assert run.reason == "turn-limit"
        assert len(await told(app, run.id, ModelCompleted)) == 7


@pytest.mark.requirement("TOOL-16")
async def test_the_eleventh_tool_call_is_refused_with_the_reason() -> None:
    agent = an_agent(tools=[find_fact])
    script = [{"find_fact": {"name": f"n{turn}"}} for turn in range(11)]
    async with opened("memory:", [agent], *script, "enough") as app:
        run = await app.run(agent, "Go")
        assert run.output == "enough"
        assert (len(COUNT), run.tool_calls) == (10, 10)
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.kind == "limit"
        assert "may make 10 tool calls" in failed.text


@pytest.mark.requirement("STOP-5")
async def test_the_third_identical_call_is_refused() -> None:
    agent = an_agent(tools=[find_fact])
    same = {"find_fact": {"name": "tea"}}
    async with opened(
        "memory:", [agent], same, same, same, {"find_fact": {"name": "sea"}}, "ok"
    ) as app:
        run = await app.run(agent, "Go")
        assert run.output == "ok"
        assert COUNT == ["tea", "tea", "sea"]
        judged = [each.effect for each in await told(app, run.id, CallJudged)]
        assert judged == ["allow", "allow", "deny", "allow"]
        (failed,) = await told(app, run.id, ToolFailed)
        assert "this exact call was made 2 times before" in failed.text


@pytest.mark.requirement("BUD-1", "STOP-7")
async def test_sub_runs_draw_on_the_roots_cap() -> None:
    scout = an_agent("scout", tools=[find_fact], remit=Remit(tool_calls=100, turns=60))
    boss = an_agent("boss", agents=[scout], remit=Remit(cost_usd="0.02", tool_calls=100))

    def speak(request: ModelRequest) -> Reply:
        if "scout" in request.system:
            return endless(request)
        plain = answer_for(request, {"ask_scout": {"brief": "look"}}, 0)
        usage = Usage(input=10, output=10)
        return ModelAnswer(parts=plain.parts, stop="tools", usage=usage, model="x")

    async with opened("memory:", [boss], *((speak,) * 60)) as app:
        run = await app.run(boss, "Go")
        accounts = await balances(app, f"run:{run.id}|")
        assert over(accounts["nano"].posted, 20_000_000) == 0
        assert accounts["nano"].posted > 10_000_000
        assert accounts["nano"].held == 0
        rows = await app.store.runs("local", parent=run.id)
        assert rows
        below = [await told(app, row.run, ModelCompleted) for row in rows]
        own = await told(app, run.id, ModelCompleted)
        spent = sum(each.cost for facts in (*below, own) for each in facts)
        assert spent == accounts["nano"].posted
