"""Facts about switches: who switched what off or on, and why."""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.clean import Clean
from remit.values.tag import tag


class TargetSwitched(Fact):
    """In the book of switches: something was switched off, or on again."""

    type: Literal["TargetSwitched"] = tag("TargetSwitched")
    target: str
    """As in `Switch.target`: `all`, `agent:x`, `tenant:t/tool:y` …."""
    off: bool
    principal: str
    reason: Clean = Clean("")
    until_ms: int | None = None
    """When it is on again by itself; None: when somebody switches it on."""
