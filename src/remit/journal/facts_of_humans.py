"""Facts about what humans were asked and what they said."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from remit.journal.fact import Fact, Post
from remit.values.clean import Clean
from remit.values.preview import Previewed
from remit.values.tag import tag


class OnBehalf(BaseModel):
    """Whoever speaks here speaks for another person, who said so beforehand, until an instant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: str
    roles: tuple[str, ...] = ()
    until_ms: int


class ApprovalRequested(Fact):
    """A human must agree to the exact call with this digest."""

    type: Literal["ApprovalRequested"] = tag("ApprovalRequested")
    approval: str
    call: str
    tool: str
    digest: str
    needed: int
    rule: str
    reason: Clean
    expires_ms: int
    approvers: tuple[str, ...] = ()
    """Who may agree: names, and roles as `role:finance`; empty: whom the app lets in."""
    preview: Previewed | None = None
    """What the call would do, as it is shown; `digest` covers it."""


class ApprovalGiven(Fact):
    """An authenticated human agreed. `arguments` replace the call's where they changed them."""

    type: Literal["ApprovalGiven"] = tag("ApprovalGiven")
    approval: str
    digest: str
    principal: str
    channel: str
    comment: Clean = Clean("")
    arguments: Clean | None = None
    roles: tuple[str, ...] = ()
    """Of the principal, given by whoever authenticated them."""
    on_behalf: OnBehalf | None = None
    also: tuple[str, ...] = ()
    """Names in the run, of its user or of who has agreed, that are the same human."""


class ApprovalDenied(Fact):
    """An authenticated human refused."""

    type: Literal["ApprovalDenied"] = tag("ApprovalDenied")
    approval: str
    principal: str
    channel: str
    comment: Clean = Clean("")
    roles: tuple[str, ...] = ()
    on_behalf: OnBehalf | None = None


class ApprovalExpired(Fact):
    """Nobody agreed in time: that is a no."""

    type: Literal["ApprovalExpired"] = tag("ApprovalExpired")
    approval: str


class CallRecalled(Fact):
    """An authenticated human called a call back before it left."""

    type: Literal["CallRecalled"] = tag("CallRecalled")
    call: str
    principal: str
    reason: Clean = Clean("")


class InputRequested(Fact):
    """A tool asks a human a typed question; the call starts again with the answer."""

    type: Literal["InputRequested"] = tag("InputRequested")
    question: str
    call: str
    attempt: int = 1
    key: str
    text: Clean
    answer_schema: str
    charged: int | None = None
    """What the attempt said it had cost before it asked (nano-dollars); else it cost nothing."""
    cost: int = 0
    posts: tuple[Post, ...] = ()
    over_hold: bool = False


class InputReceived(Fact):
    """A human answered with a value that fits the schema."""

    type: Literal["InputReceived"] = tag("InputReceived")
    question: str
    principal: str
    channel: str
    value: Clean


class InboxIgnored(Fact):
    """Something arrived without effect: late, twice, for a changed call, from the wrong person."""

    type: Literal["InboxIgnored"] = tag("InboxIgnored")
    what: str
    ref: str
    principal: str = ""
    reason: Clean


class ApprovalsDelegated(Fact):
    """In a person's book: until an instant another may agree in their name. Empty `to`: no more."""

    type: Literal["ApprovalsDelegated"] = tag("ApprovalsDelegated")
    person: str
    to: str
    until_ms: int
    principal: str
    """Who said so."""
    reason: Clean = Clean("")


class NoticeFailed(Fact):
    """In a channel's book: a request could not be told there, after this many attempts."""

    type: Literal["NoticeFailed"] = tag("NoticeFailed")
    channel: str
    run: str
    ref: str
    """The approval or question."""
    person: str = ""
    attempts: int
    error: Clean
