"""What a caller gets of a run: its answer, why there is none, and what waits for people."""

import asyncio
from dataclasses import dataclass

import pytest

from remit import Agent, Call, Remit, tool
from remit.adapters.scripted import Reply
from remit.errors import RunUnfinished
from remit.values.model import ModelRequest
from tests.runtime.stage import an_agent, opened


@dataclass
class Answer:
    """A typed answer."""

    city: str
    people: int


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


@tool
async def find_order() -> str:
    """Read about shipping."""
    return "slow"


@tool(access="write")
async def pack_order(call: Call, order: int) -> str:
    """Pack an order; asks how many boxes."""
    return f"packed {order} in {call.ask('boxes', 'How many boxes?', int)}"


async def test_the_answer_of_a_typed_agent_has_its_type() -> None:
    agent = Agent("geo", model="scripted:x", instructions="Say.", output_type=Answer)
    answer = {"answer": {"city": "Rome", "people": 3}}
    async with opened("memory:", [agent], {"final_answer": answer}) as app:
        run = await app.run(agent, "Where?")
        output: Answer = run.output
        assert output == Answer("Rome", 3)
        assert (run.status, run.reason, run.turns) == ("completed", "answered", 1)
        assert run.cost_nano == run.usage.input * 1000 + run.usage.output * 2000


async def test_a_waiting_run_has_no_output_and_says_what_it_waits_for() -> None:
    agent = an_agent(tools=[ship_order], remit=Remit(approvals={ship_order: 2}))
    async with opened("memory:", [agent], ["Shipping.", {"ship_order": {"order": 7}}]) as app:
        run = await app.run(agent, "Ship 7")
        assert run.status == "waiting"
        (pending,) = run.approvals
        assert (pending.tool, pending.arguments) == ("ship_order", '{"order": 7}')
        assert (pending.needed, pending.given, pending.run) == (2, (), run.id)
        assert pending.rule == "remit.approvals.ship_order"
        assert run.partial == '"Shipping."'
        with pytest.raises(RunUnfinished, match=rf"run {run.id} is waiting; it has no output"):
            _ = run.output
        await app.approve(pending.id, principal="ann")
        (pending,) = (await app.resume(run.id)).approvals
        assert pending.given == ("ann",)


async def test_a_stopped_run_names_the_reason_and_keeps_what_was_said() -> None:
    agent = an_agent(remit=Remit(turns=1), tools=[find_order])
    async with opened("memory:", [agent], ["So far so good.", {"find_order": {}}]) as app:
        run = await app.run(agent, "Go")
        assert run.status == "stopped"
        with pytest.raises(RunUnfinished, match=f"stopped: {run.reason}"):
            _ = run.output


async def test_a_question_shows_its_text_and_type() -> None:
    agent = an_agent(tools=[pack_order], remit=Remit(approvals={pack_order: 0}))
    async with opened("memory:", [agent], {"pack_order": {"order": 1}}, "ok") as app:
        run = await app.run(agent, "Pack 1")
        (question,) = run.questions
        assert (question.tool, question.text) == ("pack_order", "How many boxes?")
        assert question.answer_schema == '{"type": "integer"}'


@tool(access="write", timeout="50ms")
async def hang_up() -> str:
    """Never comes back."""
    await asyncio.Event().wait()
    return "never"


async def test_a_doubt_names_the_call() -> None:
    agent = an_agent(tools=[hang_up], remit=Remit(approvals={hang_up: 0}))
    async with opened("memory:", [agent], {"hang_up": {}}, "ok") as app:
        run = await app.run(agent, "Go")
        (doubt,) = run.doubts
        assert (doubt.run, doubt.tool, doubt.arguments) == (run.id, "hang_up", "{}")


async def test_what_sub_runs_wait_for_is_shown_at_the_root() -> None:
    shipper = an_agent("shipper", tools=[ship_order], remit=Remit(approvals={ship_order: 1}))
    boss = an_agent("boss", agents=[shipper])

    def speak(request: ModelRequest) -> Reply:
        if "shipper" in request.system:
            return {"ship_order": {"order": 1}}
        return {"ask_shipper": {"brief": "Ship 1"}}

    async with opened("memory:", [boss], speak) as app:
        run = await app.run(boss, "Ship")
        (pending,) = run.approvals
        assert run.status == "waiting"
        assert pending.run.startswith(f"{run.id}.")
