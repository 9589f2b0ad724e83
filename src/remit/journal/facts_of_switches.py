"""Facts about switches: who switched what off or on, and why."""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.clean import Clean
from remit.values.tag import tag


class Reverted(Fact):
    """A revert in force when a run started: what an agent uses in place of what is deployed."""

    agent: str
    what: Literal["prompt", "model"]
    to: str
    """The digest of the declaration whose prompt it is, or the name of the model."""
    target: str
    """Of its switch: the book of switches tells why, and until when."""
    principal: str
    since_ms: int


class TargetSwitched(Fact):
    """In the book of switches: something was switched off, or on again.

    A revert is one too: `off` while its prompt or model takes the place of what is deployed.
    """

    type: Literal["TargetSwitched"] = tag("TargetSwitched")
    target: str
    """As in `Switch.target`: `all`, `agent:x`, `tenant:t/tool:y`, `agent:x/prompt=DIGEST` …."""
    off: bool
    principal: str
    reason: Clean = Clean("")
    until_ms: int | None = None
    """When it is on again by itself; None: when somebody switches it on."""
