"""The shop's agents as a user would write them: an Agent, and a function that makes one."""

import asyncio
from decimal import Decimal
from pathlib import Path

from remit import Agent, Call, Preview, Remit, tool

MODEL = "anthropic:claude-sonnet-4-5-20250929"


@tool
def find_order(order: str) -> str:
    """Find an order."""
    return f"order {order}: \x1b[31mtwo lamps\x1b[0m"


def what_is_paid(order: str) -> Preview:
    return Preview.record(f"order {order}", {"paid": "12.50"}, {"paid": "0.00 \x1b[2J"})


@tool(access="write", risk="high", preview=what_is_paid)
def refund_order(order: str) -> str:
    """Refund an order."""
    with Path("refunds.txt").open("a", encoding="utf-8") as file:
        file.write(f"{order}\n")
    return "refunded"


@tool(access="write")
def wrap_gift(call: Call, order: str) -> str:
    """Wrap an order as a gift."""
    return f"{order} in {call.ask('sheets', 'How many sheets?', int)} sheets"


@tool(access="write", timeout="50ms")
async def ship_parcel(order: str) -> str:
    """Ship an order; the carrier never answers in time."""
    await asyncio.sleep(60)
    return f"shipped {order}"


TOOLS = (find_order, refund_order, wrap_gift, ship_parcel)
REMIT = Remit(approvals={refund_order: 1, wrap_gift: 0, ship_parcel: 0})
clerk = Agent("clerk", model=MODEL, instructions="Help.", tools=TOOLS, remit=REMIT)
never = Agent(
    "never", model=MODEL, instructions="Help.", remit=Remit(success=lambda _answer: False)
)


def make(name: str, turns: int = 5, cost: Decimal = Decimal(1)) -> Agent[str]:
    """A clerk with a name and a limit of turns."""
    limits = Remit(approvals=REMIT.approvals, turns=turns, cost_usd=str(cost))
    return Agent(name, model=MODEL, instructions="Help.", tools=TOOLS, remit=limits)


def wrong() -> str:
    """Not an agent."""
    return "no agent"


def broken() -> Agent[str]:
    """It cannot be made."""
    raise ZeroDivisionError("by purpose")


number = 5
