"""An office whose agent asks people for everything: a file, a gift, a refund that two must see."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from remit.adapters.scripted import Reply, ScriptedModel
from remit.app.app import App
from remit.machine.agent import Agent
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.remit import Remit
from remit.ports import Model
from remit.values.model import ModelRequest
from tests.cli.shop import PRICES, _turns_now

PROMPT = "You are the clerk of a lamp shop. Be brief; never promise a date.\n"
OLD = 'def greet(name):\n    return "Hello " + name\n\n\ndef part():\n    return "Bye"\n'
NEW = (
    'def greet(name: str) -> str:\n    return f"Hello {name}"\n\n\ndef part():\n    return "Bye"\n'
)
HOSTILE = "<script>alert('x')</script>"


class Colour(StrEnum):
    """What there is in stock."""

    RED = "red"
    GREEN = "green"


@tool
def read_file(path: str) -> str:
    """Read a text file."""
    return OLD


@tool(access="write")
def write_file(path: str, content: str) -> str:
    """Replace a text file."""
    return f"wrote {path}"


@tool(personal_data=True)
def find_order(order_id: int) -> dict[str, object]:
    """Find an order with its buyer."""
    return {"order_id": order_id, "amount": "12.50", "buyer": "Dora", "status": "paid"}


@tool(access="write", risk="high", systems=["payments"])
def refund(order_id: int, amount: str, reason: Literal["broken", "late"], note: str = "") -> str:
    """Give money back to the buyer.

    Args:
        order_id: the number of the order
        amount: in dollars, such as 12.50
        reason: why the money goes back
        note: for the accountants
    """
    return f"refunded {order_id}: {amount}"


@tool(access="write")
def wrap_gift(call: Call, order_id: int) -> str:
    """Wrap an order as a gift."""
    return f"wrapped {order_id} in {call.ask('paper', 'How many sheets of paper?', int)} sheets"


@tool(access="write")
def colour(call: Call) -> str:
    """Choose a colour."""
    return call.ask("colour", "Which colour shall the lamp have?", Colour).value


clerk = Agent(
    "clerk",
    model="scripted:x",
    instructions=PROMPT,
    tools=[read_file, write_file, find_order, refund, wrap_gift, colour],
    remit=Remit(
        cost_usd="2.00",
        owner="lamps@example.org",
        approvals={write_file: 1, refund: 2, wrap_gift: 0, colour: 0, find_order: 0},
    ),
)
_FIND = {"find_order": {"order_id": 17}}
_REFUND = {"refund": {"order_id": 17, "amount": "9.90", "reason": "broken"}}
PLANS: Mapping[str, list[Reply]] = {
    "file": [
        {"read_file": {"path": "shop/greet.py"}},
        ["I annotate it.", {"write_file": {"path": "shop/greet.py", "content": NEW}}],
        "Done.",
    ],
    "refund": [_FIND, _REFUND, "Refunded."],
    "gift": [{"wrap_gift": {"order_id": 17}}, "Wrapped."],
    "colour": [{"colour": {}}, "Painted."],
    "look": [_FIND, "It is paid."],
    "hostile": [{"write_file": {"path": HOSTILE, "content": f"{HOSTILE}\u202e"}}, "Done."],
    "stop": [{"read_file": {"path": "a"}}] * 4,
}


def script(request: ModelRequest) -> Reply:
    """What the model says next: the first word of the task names the plan."""
    text = next(
        message.text
        for message in reversed(request.messages)
        if message.role == "user" and message.text
    )
    return PLANS[text.split()[0]][_turns_now(request.messages)]


def model() -> Mapping[str, Model]:
    """The scripted model."""
    return {"scripted": ScriptedModel(*[script] * 200)}


def office(url: str, *, environment: str | None = None) -> App:
    """The office's app on a journal."""
    return App(url, agents=[clerk], models=model(), prices=PRICES, environment=environment)
