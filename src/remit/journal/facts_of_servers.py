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
