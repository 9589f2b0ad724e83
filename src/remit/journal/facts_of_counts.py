"""Facts about asking a provider how many tokens a request has, before it is sent."""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.clean import Clean
from remit.values.tag import tag


class CountRequested(Fact):
    """The provider is asked to count the request of a model call that would come next."""

    type: Literal["CountRequested"] = tag("CountRequested")
    call: str
    """The model call's."""
    model: str
    messages: int
    until_ms: int
    """The instant at which it is cut."""


class InputCounted(Fact):
    """What the provider counted; without a number the bound by bytes holds, `detail` says why."""

    type: Literal["InputCounted"] = tag("InputCounted")
    call: str
    tokens: int | None = None
    detail: Clean = Clean("")
    latency_ms: int = 0
