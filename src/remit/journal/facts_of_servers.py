"""Facts about servers that offer tools: what a human accepted of them."""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.tag import tag


class ServerToolAccepted(Fact):
    """A human accepted the description and schema of a server's tool, as they were offered then.

    It stands in the operator's book of the server.
    """

    type: Literal["ServerToolAccepted"] = tag("ServerToolAccepted")
    server: str
    tool: str
    digest: str
    """SHA-256 over name, description and schema."""
    before: str = ""
    """The digest that was accepted until then; empty for the first."""
    principal: str


class ServerToolStopped(Fact):
    """A tool was called that is not what was accepted, and was not carried out; once per offer.

    It stands in the operator's book of the server.
    """

    type: Literal["ServerToolStopped"] = tag("ServerToolStopped")
    server: str
    tool: str
    accepted: str
    """The digest that a human accepted."""
    offered: str = ""
    """What the server offers instead; empty where it offers the tool no more."""
