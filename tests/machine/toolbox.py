"""Tools to be called by the runs of the tests; none of them is ever carried out."""

from decimal import Decimal

from remit.machine.agent import Agent
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.tools import probe

MODEL = "scripted:x"


@tool
def look_up(path: str) -> str:
    """Read a document."""
    return path


@tool(access="read", resources="doc:{path}")
def read_doc(path: str) -> str:
    """Read a document that others may write."""
    return path


@tool(on_failure="abort-peers")
def check_stock(name: str) -> str:
    """Look whether it is there; nothing beside it makes sense if that cannot be told."""
    return name


@tool(access="write", resources="doc:{path}")
def write_doc(path: str, text: str = "") -> str:
    """Write a document."""
    return path + text


@tool(access="write")
def send_mail(to: str) -> str:
    """Send a mail."""
    return to


@tool(access="write", on_crash="repeat", price_usd="0.000001")
def set_flag(name: str) -> str:
    """Set a flag; setting it twice is setting it once."""
    return name


def was_paid(call: Call, amount: Decimal) -> str | None:
    """Ask the bank."""
    return f"{call.idempotency_key} {amount}"


@tool(
    access="write",
    risk="high",
    on_crash=probe(was_paid),
    price_usd="0.002",
    reports_price=True,
)
def pay_bill(amount: Decimal) -> str:
    """Pay a bill."""
    return str(amount)


class Tree:
    """What an approval depends on; a test changes it."""

    state = "tree-1"


def tree_state(name: str) -> str:
    """The state of the tree that would be committed."""
    return f"{name}@{Tree.state}"


@tool(access="write", depends=tree_state)
def commit_tree(name: str) -> str:
    """Commit the tree."""
    return name


writer = Agent("writer", model=MODEL, instructions="Write.", description="Writes well.")
