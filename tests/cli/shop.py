"""A small shop with agents, and journals of what they did, made by an App in this process."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from remit.adapters.prices import declare
from remit.adapters.scripted import Reply, ScriptedModel, turn_of
from remit.app.app import App
from remit.machine.agent import Agent, Remit
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.ports import Model
from remit.values.message import Message, ResultPart
from remit.values.model import ModelRequest
from remit.values.preview import Preview
from remit.values.price import ModelPrice

PRICES: Mapping[str, ModelPrice] = {
    "scripted:*": declare("scripted:x", input_usd="1", output_usd="2")
}
COLOURED = "order 17: \x1b[31mtwo lamps\x1b[0m"


@tool
def find_order(order: str) -> str:
    """Find an order."""
    return COLOURED if order == "17" else "x" * 500


@tool(access="write", resources="note:{text}")
def add_note(text: str) -> str:
    """Add a note to an order."""
    return f"noted {text}"


@tool(access="write", risk="high")
def refund_order(order: str, amount: str = "1.00") -> str:
    """Refund an order."""
    return f"refunded {order}: {amount}"


def how_it_is_wrapped(order: str) -> Preview:
    sheets = "".join(f"sheet {number}\n" for number in range(500))
    record = Preview.record(f"order {order}", {"paper": "none"}, {"paper": "red \x1b[31m"})
    return Preview(note=sheets, changes=record.changes)


@tool(access="write", risk="high", preview=how_it_is_wrapped)
def wrap_gift(call: Call, order: str) -> str:
    """Wrap an order as a gift."""
    return f"wrapped {order} {call.ask('paper', 'How many sheets?', int)} times"


@tool(access="write", timeout="50ms")
async def ship_parcel(order: str) -> str:
    """Ship an order; the carrier never answers in time."""
    await asyncio.sleep(60)
    return f"shipped {order}"


REMIT = Remit(
    approvals={add_note: 0, refund_order: 1, wrap_gift: 1, ship_parcel: 0},
    result_chars=200,
    turns=12,
    tool_calls=9,
)
helper = Agent(
    "helper",
    model="scripted:x",
    instructions="help",
    tools=[find_order],
    description="Helps.",
    remit=Remit(result_chars=200),
)
clerk = Agent(
    "clerk",
    model="scripted:x",
    instructions="clerk",
    tools=[find_order, add_note, refund_order, wrap_gift, ship_parcel],
    agents=[helper],
    remit=REMIT,
)


def _turns_now(messages: tuple[Message, ...]) -> int:
    """Turns since the last text of a user: what this run has said so far."""
    last = 0
    for number, message in enumerate(messages):
        asks = message.role == "user"
        if asks and not any(isinstance(part, ResultPart) for part in message.parts):
            last = number
    return turn_of(messages[last:])


def script(request: ModelRequest) -> Reply:
    """What the model says next: the task names the calls."""
    turn = _turns_now(request.messages)
    if request.system == "help":
        lost: list[Reply] = [["Looking.", {"find_order": {"order": "9"}}], "It is lost."]
        return lost[turn]
    text = next(
        message.text
        for message in reversed(request.messages)
        if message.role == "user" and message.text
    )
    plans: dict[str, list[Reply]] = {
        "look": [["Let me see.", {"find_order": {"order": "17"}}], "Two lamps."],
        "note": [[{"add_note": {"text": "a"}}, {"add_note": {"text": "b"}}], "Noted."],
        "help": [{"ask_helper": {"brief": "Where is it?"}}, "Lost."],
        "refund": [{"refund_order": {"order": "17"}}, "Refunded."],
        "gift": [{"wrap_gift": {"order": "17"}}, "Wrapped."],
        "ship": [{"ship_parcel": {"order": "17"}}, "Shipped."],
        "wrong": [{"find_order": {"number": 1}}, {"burn_order": {}}, "I cannot."],
    }
    return plans[text.split()[0]][turn]


def model() -> dict[str, Model]:
    return {"scripted": ScriptedModel(*[script] * 40)}


def shop(path: Path) -> App:
    """The shop's app on a SQLite journal."""
    return App(f"sqlite:///{path}", agents=[clerk], models=model(), prices=PRICES)


async def fill(path: Path) -> None:
    """A journal with runs that ended, went on, handed over, were refused, and one that waits."""
    async with shop(path) as app:
        await app.run(clerk, "look at order 17", session="s1")
        await app.run(clerk, "note it twice", session="s1", user="ann")
        await app.run(clerk, "help me")
        await app.run(clerk, "wrong things", tenant="acme", user="bob")
        refund = await app.run(clerk, "refund order 17")
        await app.desk.approve("local", refund.approvals[0].id, principal="boss", channel="test")
        assert (await app.wait(refund.id)).status == "completed"
        await app.run(clerk, "refund it again")


async def fill_with_questions(path: Path) -> None:
    """As `fill`, and runs that wait for an answer and for somebody who knows what happened."""
    await fill(path)
    async with shop(path) as app:
        gift = await app.run(clerk, "gift wrap it")
        await app.desk.approve("local", gift.approvals[0].id, principal="boss", channel="test")
        await app.engine.settled("local", gift.id)
        assert (await app.get(gift.id)).questions
        assert (await app.run(clerk, "ship it")).doubts
