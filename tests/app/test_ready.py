"""Readiness: one line for each thing that was looked at, bounded in time, without secrets."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from remit import Agent, App, Call, Command, EchoModel, Remit, SyncApp, declare, tool
from remit.app.ready import Check, Readiness
from remit.errors import ProviderError
from remit.machine.tools import AnyTool
from remit.values.model import ModelCard
from tests.runtime.stage import PATIENCE_S, PRICES, an_agent, opened, secret

MODEL = "scripted:x"


class Told(EchoModel):
    """A provider that tells of its models."""

    def __init__(self, card: ModelCard | ProviderError | None = None) -> None:
        super().__init__()
        self.card = card
        self.asked: list[str] = []

    async def check(self, model: str, *, deadline_s: float) -> ModelCard | None:
        self.asked.append(model)
        if isinstance(self.card, ProviderError):
            raise self.card
        return self.card


def line(found: Readiness, name: str) -> Check:
    return next(check for check in found.checks if check.name == name)


@asynccontextmanager
async def told(*agents: Agent[object], **models: Told) -> AsyncIterator[App]:
    prices = {f"{name}:*": declare("m:x", input_usd="1", output_usd="2") for name in models}
    async with App("memory:", agents=agents, models=models, prices=PRICES | prices) as app:
        yield app


@pytest.mark.requirement("PROV-7")
async def test_all_is_well() -> None:
    model = Told(ModelCard(name="x"))
    async with told(an_agent(), scripted=model) as app:
        found = await app.ready()
    assert found.ok
    assert [check.name for check in found.checks] == ["journal", "clock", f"model {MODEL}"]
    assert line(found, f"model {MODEL}").detail == "pinned, priced (declared), there"
    assert model.asked == ["x"]
    assert found.failed == ()


async def test_what_an_adapter_cannot_tell_is_no_fault() -> None:
    async with opened("memory:", [an_agent()], "ok") as app:
        assert "cannot look" in line(await app.ready(), f"model {MODEL}").detail
    async with told(an_agent(), scripted=Told()) as app:
        assert "tells nothing of single models" in line(await app.ready(), f"model {MODEL}").detail


@pytest.mark.requirement("PROV-7")
@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("auth", "look at the key"),
        ("not_found", "name a model"),
        ("timeout", "providers.scripted.base_url"),
        ("overloaded", "try again"),
    ],
)
async def test_a_model_that_cannot_be_had_is_a_no_with_its_remedy(kind: str, remedy: str) -> None:
    key = secret()
    failure = ProviderError(f"it said no to {key}", kind=kind)
    async with told(an_agent(), scripted=Told(failure)) as app:
        found = await app.ready()
    check = line(found, f"model {MODEL}")
    assert not found.ok
    assert found.failed == (check,)
    assert remedy in check.remedy
    assert "it said no to [secret:" in check.detail
    assert key not in repr(found)


@pytest.mark.requirement("PROV-7")
async def test_a_model_that_is_away_for_a_moment_is_forgiven_where_another_answers() -> None:
    agent = Agent(
        "clerk", model={"a:x": 1, "b:x": 1}, instructions="Sell.", agents=[an_agent("sub")]
    )
    away = ProviderError("overloaded", kind="overloaded")
    card = ModelCard(name="x")
    async with told(agent, a=Told(away), b=Told(card), scripted=Told(card)) as app:
        found = await app.ready()
        assert found.ok
        assert "others answer in its place" in line(found, "model a:x").detail
    gone = ProviderError("no such model", kind="not_found")
    async with told(agent, a=Told(gone), b=Told(card), scripted=Told(card)) as app:
        assert not (await app.ready()).ok  # nobody forgets a model that is not there
    async with told(agent, a=Told(card), b=Told(card), scripted=Told(away)) as app:
        assert [each.name for each in (await app.ready()).failed] == ["model scripted:x"]


@pytest.mark.requirement("PROV-6", "PROV-7")
async def test_names_that_float_and_models_without_a_price_or_key() -> None:
    agents = (
        Agent("a", model="openai:gpt-4o", instructions="x"),
        Agent("b", model="nobody:x", instructions="x"),
        Agent("c", model="anthropic:claude-haiku-4-5-20251001", instructions="x"),
    )
    async with App("memory:", agents=agents) as app:
        found = await app.ready()
    assert "floating alias" in line(found, "model openai:gpt-4o").detail
    assert "no known price" in line(found, "model nobody:x").detail
    check = line(found, "model anthropic:claude-haiku-4-5-20251001")
    assert "no key for anthropic" in check.detail
    assert check.remedy


@pytest.mark.requirement("PROV-7")
async def test_a_model_whose_end_is_announced_is_told_but_good() -> None:
    for ends, words in (("2027-01-01", "retired on 2027-01-01"), ("", "retired soon")):
        card = ModelCard(name="x", stage="deprecated", ends=ends)
        async with told(an_agent(), scripted=Told(card)) as app:
            check = line(await app.ready(), f"model {MODEL}")
        assert check.ok
        assert words in check.detail


# ---------------------------------------------------------------- tools


def says_no() -> bool:
    return False


async def raises() -> None:
    raise OSError(f"cannot log in with {secret()}")


def in_words() -> str:
    return "the index is empty"


def well() -> None:
    assert threading.current_thread() is not threading.main_thread()


@pytest.mark.requirement("PROV-7")
async def test_tools_are_looked_at_by_their_own_checks() -> None:
    @tool(access="read", check=well)
    async def find_order(order: int) -> str:
        """Find an order."""
        return str(order)

    @tool(access="read", check=says_no)
    async def find_person(name: str) -> str:
        """Find a person."""
        return name

    @tool(access="read", check=raises)
    def find_stock(item: str) -> str:
        """Find what is in stock."""
        return item

    @tool(access="read", check=in_words)
    def find_text(text: str) -> str:
        """Find a text."""
        return text

    @tool(access="read", check=lambda: asyncio.sleep(0))
    def find_time() -> str:
        """Find the time."""
        return ""

    @tool
    def find_nothing() -> str:
        """Find nothing."""
        return ""

    tools: list[AnyTool] = [find_order, find_person, find_stock, find_text, find_time, find_nothing]
    sub = an_agent("sub", tools=tools)
    async with opened("memory:", [an_agent(agents=[sub])], "ok") as app:
        found = await app.ready()
    assert line(found, "tool find_order") == Check("tool find_order", True, "its check says yes")
    assert line(found, "tool find_time").ok
    assert line(found, "tool find_person").detail == "its check says no"
    assert line(found, "tool find_text").detail == "the index is empty"
    assert "OSError: cannot log in with [secret:" in line(found, "tool find_stock").detail
    assert "tool find_nothing" not in {check.name for check in found.checks}
    assert len(found.failed) == 3


@pytest.mark.requirement("PROV-7")
async def test_what_hangs_is_cut_while_the_rest_is_seen() -> None:
    released = threading.Event()

    def hangs() -> None:
        released.wait(PATIENCE_S)

    @tool(access="read", check=hangs)
    def find_order(order: int) -> str:
        """Find an order."""
        return str(order)

    async with opened("memory:", [an_agent(tools=[find_order])], "ok") as app:
        found = await app.ready(timeout_s=0.05)
        released.set()
    assert line(found, "journal").ok
    check = line(found, "tool find_order")
    assert (check.ok, check.detail) == (False, "nothing was heard in time")


@pytest.mark.requirement("PROV-7")
async def test_a_sandbox_is_looked_for_where_a_tool_runs_programs() -> None:
    @tool
    async def count_lines(call: Call, file: str) -> str:
        """Count the lines of a file."""
        return str(await call.run_confined(Command(argv=("wc", file), cwd="/")))

    assert count_lines.runs_programs
    async with opened("memory:", [an_agent(tools=[count_lines])], "ok") as app:
        names = [check.name for check in (await app.ready()).checks]
    assert names[:3] == ["journal", "clock", "sandbox"]


# ---------------------------------------------------------------- answers that are kept


async def test_an_answer_may_be_some_seconds_old() -> None:
    model = Told(ModelCard(name="x"))
    async with told(an_agent(), scripted=model) as app:
        first, second = await asyncio.gather(app.ready(max_age_s=60), app.ready(max_age_s=60))
        assert first is second
        assert model.asked == ["x"]
        await app.ready()
        assert model.asked == ["x", "x"]


def test_the_synchronous_face() -> None:
    app = App("memory:", agents=[an_agent()], models={"scripted": EchoModel()}, prices=PRICES)
    with SyncApp(app) as shop:
        assert shop.ready().ok


async def test_what_takes_writes_back_asks_no_provider() -> None:
    @tool(access="write")
    def unwrite() -> str:
        """Take it back."""
        return "gone"

    @tool(access="write", undo=unwrite)
    def write() -> str:
        """Write."""
        return "there"

    agent = an_agent(tools=[write], remit=Remit(approvals={write: 0}))
    async with told(agent, scripted=Told(ModelCard(name="x"))) as app:
        found = await app.ready()
    assert [check.name for check in found.checks] == ["journal", "clock", f"model {MODEL}"]
    assert found.ok


async def test_the_remit_of_an_agent_is_not_asked() -> None:
    agent = an_agent(remit=Remit(cost_usd="0.000001"))
    async with told(agent, scripted=Told(ModelCard(name="x"))) as app:
        assert (await app.ready()).ok
        assert await app.store.runs(None) == []
