"""Tools with a price spend from the same accounts as models, from declaration to journal."""

import asyncio
from pathlib import Path

import pytest

from remit import Agent, App, Call, Remit, probe, tool
from remit.adapters.scripted import Reply, turn_of
from remit.app.replay import read_past
from remit.journal.events import (
    BudgetRefused,
    Event,
    ModelCompleted,
    ProbeCompleted,
    RunEnded,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.tools import AnyTool
from remit.policy.allowance import Budget
from remit.projections.spend import entries, posted, total
from remit.runtime.called_off import called_off
from remit.runtime.reader import Reader
from remit.runtime.toolgate import ToolGate
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from tests.app.damages import damages
from tests.runtime.kit import NOW, HandClock, a_cleaner, released, services_on
from tests.runtime.stage import an_agent, journal_at, opened, story, told

BEGUN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    BEGUN.clear()


@tool(access="read", price_usd="0.01")
async def look_up_firm(name: str) -> str:
    """Look a firm up in a register that charges for each look."""
    BEGUN.append(name)
    return f"{name} exists"


@tool(access="read", price_usd="0.50", reports_price=True)
async def translate_text(call: Call, how: str) -> str:
    """Have a text translated by people who charge by the word."""
    BEGUN.append(how)
    amounts: dict[str, tuple[str | float, ...]] = {
        "cheap": ("0.012", "0.001"),
        "dear": ("0.75",),
        "breaks": ("0.2",),
        "float": (0.1,),
    }
    for amount in amounts.get(how, ()):
        call.charge(amount)  # type: ignore[arg-type]  # one of them is what is refused
    if how == "breaks":
        raise ConnectionError("cut off")
    if how == "hangs":
        await asyncio.sleep(3600)
    return "done"


@tool(access="read", price_usd="0.25", reports_price=True)
def scan_slowly(call: Call, pages: int) -> str:
    """Scan pages, a cent each, in a thread."""
    for _ in range(pages):
        call.charge("0.01")
    return f"{pages} pages"


@tool
async def find_fact(call: Call, name: str) -> str:
    """Find a fact; it says a price that it never declared."""
    call.charge("0.01")
    return name


def was_ordered(name: str) -> str | None:
    """Ask whether the order came; the first never did."""
    return None


@tool(access="write", timeout="200ms", on_crash=probe(was_ordered), price_usd="0.03")
async def order_parcel(name: str) -> str:
    """Order a parcel."""
    BEGUN.append(name)
    if len(BEGUN) == 1:
        await asyncio.sleep(3600)
    return "ordered"


TOOLS: tuple[AnyTool, ...] = (look_up_firm, translate_text, scan_slowly, find_fact)


def spender(**declared: object) -> Agent[str]:
    return an_agent(tools=TOOLS, remit=Remit(**declared))  # type: ignore[arg-type]  # by name


def how(*ways: str) -> list[dict[str, dict[str, str]]]:
    return [{"translate_text": {"how": way}} for way in ways]


async def _sums(app: App, run: str) -> dict[str, int]:
    return {
        each.account: each.posted
        for each in await app.store.balances("local", "")
        if each.account.endswith("nano") and (run in each.account or "run:" not in each.account)
    }


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_what_tools_cost_is_on_the_account_of_the_run(kind: str, tmp_path: Path) -> None:
    agent = spender()
    url = "memory:" if kind == "memory" else journal_at(tmp_path)
    script: list[Reply] = [
        [{"look_up_firm": {"name": "a"}}, {"look_up_firm": {"name": "b"}}, *how("cheap")],
        {"scan_slowly": {"pages": 3}},
        "done",
    ]
    async with opened(url, [agent], *script) as app:
        run = await app.run(agent, "Go")
        assert run.output == "done"
        done = {each.call: each for each in await told(app, run.id, ToolCompleted)}
        costs = {call: each.cost for call, each in sorted(done.items())}
        assert costs == {
            "c1-1": 10_000_000,
            "c1-2": 10_000_000,
            "c1-3": 13_000_000,
            "c2-1": 30_000_000,
        }
        models = sum(each.cost for each in await told(app, run.id, ModelCompleted))
        (ended,) = await told(app, run.id, RunEnded)
        assert run.cost_nano == ended.cost == models + 63_000_000
        (account,) = [
            each
            for each in await app.store.balances("local", f"run:{run.id}")
            if each.account.endswith("nano")
        ]
        assert (account.posted, account.held) == (run.cost_nano, 0)


@pytest.mark.requirement("BUD-1")
async def test_a_reported_price_above_the_declared_one_is_posted_in_full_and_flagged() -> None:
    agent = spender()
    async with opened("memory:", [agent], *how("dear"), "done") as app:
        run = await app.run(agent, "Go")
        (done,) = await told(app, run.id, ToolCompleted)
        assert (done.charged, done.cost, done.over_hold) == (750_000_000, 750_000_000, True)
        (request,) = await told(app, run.id, ToolRequested)
        assert {hold.amount for hold in request.holds} == {500_000_000}
        assert (await _sums(app, run.id))[f"run:{run.id}|total|nano"] == run.cost_nano


@pytest.mark.requirement("BUD-1")
@pytest.mark.parametrize(
    ("way", "cost", "assumed", "says"),
    [
        ("breaks", 200_000_000, False, "cut off"),
        ("silent", 500_000_000, True, "done"),
        ("float", 500_000_000, True, "not 0.1"),
    ],
)
async def test_what_was_said_before_it_failed_counts_and_silence_is_assumed(
    way: str, cost: int, assumed: bool, says: str
) -> None:
    agent = spender()
    async with opened("memory:", [agent], *how(way), "done") as app:
        run = await app.run(agent, "Go")
        (outcome,) = [
            each
            for each in await story(app, run.id)
            if isinstance(each, ToolCompleted | ToolFailed)
        ]
        assert (outcome.cost, outcome.assumed) == (cost, assumed)
        assert says in outcome.text


async def test_a_price_that_was_never_declared_is_an_error_with_the_remedy() -> None:
    agent = spender()
    async with opened("memory:", [agent], {"find_fact": {"name": "x"}}, "done") as app:
        run = await app.run(agent, "Go")
        (failed,) = await told(app, run.id, ToolFailed)
        assert "reports_price=True" in failed.text
        assert (failed.cost, failed.charged) == (0, None)


@pytest.mark.requirement("BUD-1", "BUD-3")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_call_the_user_cannot_afford_is_told_to_the_model_and_the_run_goes_on(
    kind: str, tmp_path: Path
) -> None:
    budget = Budget(of="user", window="day", cost_usd="0.1")
    agent = spender(budgets=[budget])
    heard: list[str] = []

    def last(request: ModelRequest) -> Reply:
        heard.append(str(request.messages))
        return "done without"

    url = "memory:" if kind == "memory" else journal_at(tmp_path)
    both: list[Reply] = [[*how("cheap"), {"look_up_firm": {"name": "a"}}]]
    async with opened(url, [agent], *both, last) as app:
        run = await app.run(agent, "Go")
        assert (run.status, run.output) == ("completed", "done without")
        assert BEGUN == ["a"]
        (refused,) = await told(app, run.id, BudgetRefused)
        assert refused.call == "c1-1"
        assert refused.account.startswith("user:")
        assert (refused.needed, refused.limit) == (500_000_000, 100_000_000)
        assert refused.available < 100_000_000
        assert refused.resets_ms is not None
        (failed,) = await told(app, run.id, ToolFailed)
        assert (failed.kind, failed.rule) == ("limit", f"budget.{refused.account}")
        assert "this call may cost $0.5000" in heard[0]
        sums = await _sums(app, run.id)
        assert sums[refused.account] == run.cost_nano < 100_000_000


@pytest.mark.requirement("BUD-7")
async def test_many_calls_at_once_go_only_as_far_as_the_money() -> None:
    agent = spender(cost_usd="0.06", tool_calls=100, parallel_calls=50)
    calls = [{"look_up_firm": {"name": f"n{number}"}} for number in range(20)]
    async with opened("memory:", [agent], calls, "done") as app:
        run = await app.run(agent, "Go")
        done = await told(app, run.id, ToolCompleted)
        assert len(done) == len(BEGUN) == 5  # six would leave the model nothing to speak with
        assert len(await told(app, run.id, ToolFailed)) == 15
        assert run.cost_nano <= 60_000_000


@pytest.mark.requirement("BUD-1", "STOP-7")
async def test_the_tools_of_a_sub_run_draw_on_its_parents_accounts() -> None:
    scout = an_agent("scout", tools=TOOLS)
    boss = an_agent("boss", agents=[scout], remit=Remit(cost_usd="0.03"))

    def speak(request: ModelRequest) -> Reply:
        turn = turn_of(request.messages)
        if "You are boss" in request.system:
            return "fine" if turn else {"ask_scout": {"brief": "look"}}
        return {"look_up_firm": {"name": f"n{turn}"}} if turn < 4 else "that is enough"

    async with opened("memory:", [boss], *((speak,) * 8)) as app:
        run = await app.run(boss, "Go")
        (account,) = [
            each
            for each in await app.store.balances("local", f"run:{run.id}|")
            if each.account.endswith("nano")
        ]
        assert account.posted == run.cost_nano <= 30_000_000
        assert account.held == 0
        assert len(BEGUN) == 2  # the third does not fit under the parent's cap


@pytest.mark.requirement("BUD-1", "DUR-6")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_what_was_assumed_of_a_call_that_did_not_happen_is_taken_back(
    kind: str, tmp_path: Path
) -> None:
    agent = an_agent(tools=[order_parcel], remit=Remit(approvals={order_parcel: 0}))
    url = "memory:" if kind == "memory" else journal_at(tmp_path)
    async with opened(url, [agent], {"order_parcel": {"name": "a"}}, "done") as app:
        run = await app.run(agent, "Go")
        assert (run.output, BEGUN) == ("done", ["a", "a"])
        (lost,) = await told(app, run.id, ToolUnknown)
        (absent,) = await told(app, run.id, ProbeCompleted)
        (done,) = await told(app, run.id, ToolCompleted)
        assert (lost.cost, lost.assumed) == (30_000_000, True)
        assert (absent.cost, done.cost) == (-30_000_000, 30_000_000)
        models = sum(each.cost for each in await told(app, run.id, ModelCompleted))
        assert run.cost_nano == models + 30_000_000
        assert (await _sums(app, run.id))[f"run:{run.id}|total|nano"] == run.cost_nano
    if kind == "sqlite":
        assert await damages(tmp_path / "journal.db") == []


@pytest.mark.requirement("OBS-3")
async def test_the_sums_of_the_views_are_those_of_the_accounts() -> None:
    agent = spender()
    script: list[Reply] = [*how("cheap", "breaks", "silent"), "done"]
    async with opened("memory:", [agent], *script) as app:
        run = await app.run(agent, "Go")
        row = await app.store.run("local", run.id)
        assert row is not None
        lines = entries((await read_past(Reader(app.store), row)).pairs)
        whole = total(lines)
        assert whole.cost == run.cost_nano
        assert (whole.calls, whole.tool_calls, whole.assumed) == (4, 3, 500_000_000)
        assert [line.tool for line in lines if line.tool] == ["translate_text"] * 3
        used = posted(lines)[f"run:{run.id}|total|nano"]
        assert used == (await _sums(app, run.id))[f"run:{run.id}|total|nano"]


# ---------------------------------------------------------------- at the gate


async def gated(
    name: str, arguments: str, *, late: bool = False, agent: Agent[str] | None = None
) -> Event | None:
    """The outcome of one call, of a process that may have slept."""
    clock = HandClock(NOW + 60_000 if late else NOW)
    services = services_on(clock=clock)
    declared = spender()
    gate = ToolGate(
        services=services,
        agent=declared if agent is None else agent,
        cleaner=a_cleaner,
        fence=1,
    )
    state, call, event = released(declared, name, arguments, until_ms=NOW + 60_000)
    return (await gate.call(state, call, event)).input.fact


@pytest.mark.requirement("BUD-1")
async def test_what_did_not_begin_is_charged_nothing() -> None:
    arguments = '{"how":"cheap"}'
    for fact in (
        await gated("translate_text", arguments, late=True),
        await gated("translate_text", arguments, agent=an_agent()),
        await gated("translate_text", '{"how":7}'),
    ):
        assert isinstance(fact, ToolFailed)
        assert fact.charged == 0
    assert BEGUN == []


def test_what_was_called_off_is_charged_nothing() -> None:
    event = ToolRequested(call="c1-1", attempt=2, until_ms=NOW)
    for unsure in (False, True):
        outcome = called_off(event, Clean.vouch("stopped"), unsure=unsure)
        assert outcome is not None
        assert isinstance(outcome.input.fact, ToolFailed | ToolUnknown)
        assert outcome.input.fact.charged == 0
