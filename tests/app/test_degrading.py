"""Tools that are down: runs end with a degraded answer, and a fresh one once they are back."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from remit import AfterAnswer, App, Call, HookedResult, Remit, ScriptedModel, after_tool, tool
from remit.app.replay import read_past
from remit.errors import OutsideError
from remit.journal.events import (
    ApprovalRequested,
    CallJudged,
    ToolCompleted,
    ToolDegraded,
    ToolFailed,
)
from remit.machine.agent import Agent
from remit.projections.audit import decisions, proposed
from remit.projections.redecide import redecide
from remit.projections.tree import decision_tree
from tests.runtime.stage import PATIENCE_S, PRICES, an_agent, journal_at, story, told


class Shop:
    """What the tools reach; a test takes parts of it down."""

    down: frozenset[str] = frozenset()
    sent: tuple[str, ...] = ()
    number = 1


@pytest.fixture(autouse=True)
def _shop() -> Iterator[None]:
    Shop.down, Shop.sent, Shop.number = frozenset(), (), 1
    yield
    Shop.down = frozenset()


def reach(part: str) -> None:
    if part in Shop.down:
        raise OutsideError(f"{part} does not answer")


@tool
async def read_mirror(item: str) -> str:
    """Stock of an item, from the mirror."""
    reach("mirror")
    return f"mirror: {item} {Shop.number}"


@tool(fallback=read_mirror, last_good="1h", critical=True)
async def read_stock(item: str) -> str:
    """Stock of an item."""
    reach("stock")
    return f"{item}: {Shop.number} in stock"


@tool(last_good="1h")
async def read_orders(call: Call) -> str:
    """Orders of the user."""
    reach("orders")
    return f"orders of {call.user}"


@tool(access="write", sends=True)
async def mail_slowly(to: str) -> str:
    """Send by the slow way."""
    Shop.sent += (f"slow {to}",)
    return "sent slowly"


@tool(access="write", fallback=mail_slowly)
async def mail_fast(to: str) -> str:
    """Send."""
    reach("mail")
    Shop.sent += (f"fast {to}",)
    return "sent"


@tool(critical=True)
def read_clock() -> str:
    """What time it is."""
    return "noon"


CLERK = an_agent(
    "clerk",
    tools=[read_stock, read_orders, mail_fast],
    remit=Remit(approvals={mail_fast: 0, mail_slowly: 1}),
)
STOCK = {"read_stock": {"item": "tea"}}


def app_on(url: str, *script: Mapping[str, object], agent: Agent[str] = CLERK) -> App:
    models = {"scripted": ScriptedModel(*script, "done")}
    return App(url, agents=[agent], models=models, prices=PRICES)


async def same_again(app: App, run: str) -> None:
    """The journal is decided again the same, and its projections take it."""
    row = await app.store.run("local", run)
    assert row is not None
    past = await read_past(app.engine.reader, row)
    for each in redecide(past.before, past.pairs):
        assert each.same, (each.journalled, each.decided, each.problem)
    judged = [each for each in decisions(past.pairs) if each.what == "judged"]
    assert len(judged) == proposed(past.pairs)
    assert "degraded" in [node.label for node in decision_tree(past.pairs).walk()]


@pytest.mark.requirement("TOOL-18")
async def test_the_fallback_answers_and_the_tool_again_once_it_is_back(tmp_path: Path) -> None:
    async with app_on(journal_at(tmp_path), STOCK) as app:
        Shop.down = frozenset({"stock"})
        run = await app.run(CLERK, "How much tea?")
        assert run.output == "done"
        (failed,) = await told(app, run.id, ToolFailed)
        assert (failed.fault, failed.untouched) == (True, True)
        (down,) = await told(app, run.id, ToolDegraded)
        assert (down.tool, down.to, down.reason) == (
            "read_stock",
            "read_mirror",
            "stock does not answer",
        )
        (answer,) = await told(app, run.id, ToolCompleted)
        assert answer.text == "mirror: tea 1"
        stood = [event.instead_of for event in await told(app, run.id, CallJudged)]
        assert stood == ["", "read_stock"]
        await same_again(app, run.id)
        Shop.down = frozenset()
        again = await app.run(CLERK, "And now?")
        (fresh,) = await told(app, again.id, ToolCompleted)
        assert (fresh.text, fresh.age_ms) == ("tea: 1 in stock", None)


@pytest.mark.requirement("TOOL-18")
async def test_the_breaker_spares_the_tool_and_the_fallback_answers(tmp_path: Path) -> None:
    async with app_on(journal_at(tmp_path), STOCK) as app:
        Shop.down = frozenset({"stock"})
        for _ in range(3):
            await app.run(CLERK, "How much tea?")
        run = await app.run(CLERK, "How much tea?")
        assert not await told(app, run.id, ToolFailed)  # it was not called
        (down,) = await told(app, run.id, ToolDegraded)
        assert "this tool fails since 20" in down.reason
        (answer,) = await told(app, run.id, ToolCompleted)
        assert answer.text == "mirror: tea 1"
        await same_again(app, run.id)


@pytest.mark.requirement("TOOL-18", "DUR-3")
async def test_the_last_good_answer_serves_across_restarts_with_its_age(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with app_on(url, STOCK) as app:
        await app.run(CLERK, "How much tea?", user="bob")
    Shop.number = 2
    async with app_on(url, STOCK) as app:  # another process: nothing is kept in memory
        Shop.down = frozenset({"stock", "mirror"})
        run = await app.run(CLERK, "How much tea?")
        assert run.output == "done"
        (answer,) = await told(app, run.id, ToolCompleted)
        assert answer.age_ms is not None
        head, _, text = answer.text.partition("\n")
        assert text == "tea: 1 in stock"
        assert head.startswith("[not fresh: read_stock does not work since 20")
        assert "; read_mirror, tried in its place, does not work either. This is what it" in head
        assert head.endswith(" ago]")
        await same_again(app, run.id)
        # What is not fresh is no good answer to keep.
        later = await app.run(CLERK, "How much tea?")
        (second,) = await told(app, later.id, ToolCompleted)
        assert second.text.count("not fresh") == 1
        Shop.down = frozenset()
        fresh = await app.run(CLERK, "How much tea?")
        (now,) = await told(app, fresh.id, ToolCompleted)
        assert now.text == "tea: 2 in stock"


@pytest.mark.requirement("TOOL-18", "TEN-1")
async def test_nobody_gets_the_last_good_answer_of_another(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with app_on(url, {"read_orders": {}}) as app:
        await app.run(CLERK, "My orders", user="ann")
        await app.run(CLERK, "My orders", user="ann", tenant="acme")
        Shop.down = frozenset({"orders"})
        for user, tenant, words in (
            ("ann", "local", "orders of ann"),
            ("ann", "acme", "orders of ann"),
            ("bob", "local", ""),
            ("ann", "beta", ""),
        ):
            run = await app.run(CLERK, "My orders", user=user, tenant=tenant)
            found = await told(app, run.id, ToolCompleted, tenant=tenant)
            assert [event.text.partition("\n")[2] for event in found] == [words] * bool(words)
            if not words:
                last = (await told(app, run.id, ToolFailed, tenant=tenant))[-1]
                assert last.text.startswith("read_orders does not work since 20")
                assert last.text.endswith("no earlier answer that may serve. Say so; make none up.")


@pytest.mark.requirement("TOOL-18", "TOOL-11")
async def test_the_hooks_of_today_hear_the_answer_of_yesterday(tmp_path: Path) -> None:
    @after_tool("read_stock")
    def shut(result: HookedResult) -> AfterAnswer:
        return result.withhold("stock is secret now")

    url = journal_at(tmp_path)
    async with app_on(url, STOCK) as app:
        await app.run(CLERK, "How much tea?")
    Shop.down = frozenset({"stock", "mirror"})
    careful = an_agent(
        "clerk",
        tools=CLERK.tools,
        remit=Remit(approvals={mail_fast: 0, mail_slowly: 1}, hooks=[shut]),
    )
    async with app_on(url, STOCK, agent=careful) as app:
        run = await app.run(careful, "How much tea?")
        (answer,) = await told(app, run.id, ToolCompleted)
        assert "in stock" not in answer.text
        assert "withheld: stock is secret now" in answer.text


@pytest.mark.requirement("TOOL-18", "APR-1")
async def test_a_write_that_stands_in_asks_as_its_own_rules_say(tmp_path: Path) -> None:
    async with app_on(journal_at(tmp_path), {"mail_fast": {"to": "ann"}}) as app:
        Shop.down = frozenset({"mail"})
        run = await app.run(CLERK, "Write")
        assert (run.status, Shop.sent) == ("waiting", ())
        (asked,) = await told(app, run.id, ApprovalRequested)
        assert asked.tool == "mail_slowly"
        await app.approve(asked.approval, principal="boss")
        assert (await app.resume(run.id)).output == "done"
        assert Shop.sent == ("slow ann",)
        await same_again(app, run.id)


_ONE = """
import asyncio, sys
from tests.app.test_degrading import CLERK, STOCK, Shop, app_on
async def main():
    Shop.down = frozenset(sys.argv[2].split(","))
    async with app_on(sys.argv[1], STOCK) as app:
        run = await app.run(CLERK, "How much tea?")
        print(run.status, run.id, flush=True)
asyncio.run(main())
"""


@pytest.mark.requirement("TOOL-18")
async def test_processes_degrade_alike(tmp_path: Path) -> None:
    url = journal_at(tmp_path)

    def start(down: str) -> str:
        done = subprocess.run(  # our own interpreter
            [sys.executable, "-c", _ONE, url, down],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        status, run = done.stdout.split()
        assert status == "completed"
        return run

    fresh, mirrored, old = [
        await asyncio.to_thread(start, down) for down in ("none", "stock", "stock,mirror")
    ]
    async with app_on(url) as app:
        texts = [
            [str(e.text) for e in await story(app, run) if isinstance(e, ToolCompleted)]
            for run in (fresh, mirrored, old)
        ]
    assert texts[0] == ["tea: 1 in stock"]
    assert texts[1] == ["mirror: tea 1"]
    assert texts[2][0].endswith("\ntea: 1 in stock")
    assert "not fresh" in texts[2][0]


@pytest.mark.requirement("TOOL-18")
async def test_a_critical_tool_that_nothing_serves_for_is_warned_of() -> None:
    agent = an_agent("watch", tools=[read_clock, read_stock])
    async with app_on("memory:", agent=agent) as app:
        found = await app.ready()
        assert [check.name for check in found.warnings] == ["fallback read_clock"]
        assert found.ok
