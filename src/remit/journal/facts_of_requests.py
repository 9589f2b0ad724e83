"""Facts about requests of programs: which key of a caller stands for which run."""

from typing import Literal

from remit.journal.fact import Fact
from remit.values.tag import tag


class RequestAccepted(Fact):
    """In a book of its own: a request to start a run came under a key of its caller's.

    The run has this id whoever starts it, so however often the request comes it is one run.
    """

    type: Literal["RequestAccepted"] = tag("RequestAccepted")
    body: str
    """A keyed digest (HMAC-SHA256, hex) of what was asked for; the words are the run's own."""
    run: str
    principal: str
    until_ms: int
    """From then on the key may stand for another request."""
