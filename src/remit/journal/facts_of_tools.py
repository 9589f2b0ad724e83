"""Facts about tool calls and sub-runs."""

from typing import Literal

from remit.journal.fact import Fact, Hold, Post
from remit.values.clean import Clean
from remit.values.tag import tag
from remit.values.usage import Usage


class Settled(Fact):
    """What a priced call came to, and whether it counts on its rates; else it says nothing."""

    charged: int | None = None
    """What the tool said it cost (nano-dollars), 0 where it certainly did not begin; None: it said
    nothing."""
    cost: int = 0
    posts: tuple[Post, ...] = ()
    over_hold: bool = False
    """It reported more than it declared."""
    assumed: bool = False
    """Posted in full, for nobody knows."""
    refused_hosts: tuple[Clean, ...] = ()
    """Hosts that a confined program was kept from reaching, each with the reason."""


class HookAnswered(Fact):
    """A hook did not simply let a proposed call go on; the verdict is on what it left of it."""

    type: Literal["HookAnswered"] = tag("HookAnswered")
    call: str
    hook: str
    word: Literal["changed", "held", "refused"]
    """held: a human must agree, whatever the rules allow."""
    reason: Clean = Clean("")
    before: str = ""
    """Digest of the call as the hook saw it."""
    after: str = ""
    """And of what it made of it, where it changed the arguments."""
    arguments: Clean | None = None
    """The changed arguments, validated, as JSON text."""


class ResultHooked(Fact):
    """What a hook did to a result before the model saw it. No event: it stands in the outcome."""

    hook: str
    word: Literal["changed", "withheld"]
    reason: Clean = Clean("")
    before: str = ""
    """Digest of the text as the hook saw it."""
    after: str = ""
    """And of what it made of it."""


class CallJudged(Fact):
    """The decision on one proposed tool call, with the rule that decided."""

    type: Literal["CallJudged"] = tag("CallJudged")
    call: str
    tool: str
    digest: str
    """Of the exact validated call: tool, contract, arguments and what it depends on."""
    effect: Literal["allow", "ask", "deny"]
    rule: str
    reason: Clean
    needed: int = 0
    """Humans who must agree."""
    principal: str
    access: Literal["read", "write"]
    risk: Literal["low", "high"]
    resources: tuple[str, ...] = ()
    instead_of: str = ""
    """The tool that the model named, where this one stands in for it."""


class ToolDegraded(Fact):
    """A tool does not work: another is to stand in, or, without `to`, its last good answer."""

    type: Literal["ToolDegraded"] = tag("ToolDegraded")
    call: str
    tool: str
    """The one that does not work."""
    to: str = ""
    reason: Clean
    since_ms: int
    """Since when it is known not to work."""


class StandInInspected(Fact):
    """The tool that is to stand in was asked about the call; the verdict follows."""

    type: Literal["StandInInspected"] = tag("StandInInspected")
    call: str
    tool: str


class ToolQueued(Fact):
    """The call may go as soon as its resources are free."""

    type: Literal["ToolQueued"] = tag("ToolQueued")
    call: str
    posts: tuple[Post, ...] = ()
    """What it had booked on its rates is given back: it counts when it leaves."""


class ToolDelayed(Fact):
    """The call was let through and does not leave before an instant; it can be called back."""

    type: Literal["ToolDelayed"] = tag("ToolDelayed")
    call: str
    until_ms: int


class ToolPostponed(Fact):
    """A rate is used up: the call waits for an instant, in windows that have room for it."""

    type: Literal["ToolPostponed"] = tag("ToolPostponed")
    call: str
    until_ms: int
    account: str
    """The rate that is used up, in the window that was open."""
    holds: tuple[Hold, ...] = ()
    """Its place in the windows of that instant; none where it only tries again then."""


class ToolRequested(Fact):
    """The call is released now."""

    type: Literal["ToolRequested"] = tag("ToolRequested")
    call: str
    attempt: int = 1
    until_ms: int
    """The instant at which it is cut."""
    holds: tuple[Hold, ...] = ()
    """The most a priced call can cost, and its place in the windows of its rates."""


class ToolCompleted(Settled):
    """The tool answered. `artifact` is the digest of the whole result where `text` is cut."""

    type: Literal["ToolCompleted"] = tag("ToolCompleted")
    call: str
    attempt: int = 1
    text: Clean
    artifact: str | None = None
    artifact_bytes: int = 0
    labels: tuple[str, ...] = ()
    latency_ms: int = 0
    recorded_only: bool = False
    """Shadow: the call was written down, nothing was done."""
    hooks: tuple[ResultHooked, ...] = ()
    """Hooks that changed or withheld the result, in their order."""
    age_ms: int | None = None
    """How old the answer is, where it is the last good one of a tool that does not work."""


class ToolFailed(Settled):
    """The tool failed without effect or with a known one; the model sees `text`."""

    type: Literal["ToolFailed"] = tag("ToolFailed")
    call: str
    attempt: int = 1
    kind: Literal["error", "timeout", "cancelled", "invalid", "denied", "limit", "aborted"]
    text: Clean
    rule: str = ""
    latency_ms: int = 0
    labels: tuple[str, ...] = ()
    fault: bool = False
    """The tool, or what it reaches, is broken: it did not just say no."""
    untouched: bool = False
    """It certainly changed nothing: what it reaches was not reached."""
    hooks: tuple[ResultHooked, ...] = ()
    """Hooks that changed or withheld what the tool said of it."""


class PeersAborted(Fact):
    """A call failed without which its peers of the same turn make no sense: they are given up."""

    type: Literal["PeersAborted"] = tag("PeersAborted")
    call: str
    """The one that failed."""
    peers: tuple[str, ...]
    reason: Clean


class ToolUnknown(Settled):
    """A released write may or may not have happened; it is never repeated silently."""

    type: Literal["ToolUnknown"] = tag("ToolUnknown")
    call: str
    attempt: int = 1
    reason: Clean
    labels: tuple[str, ...] = ()


class ProbeRequested(Fact):
    """The system is to be asked whether the call in doubt happened."""

    type: Literal["ProbeRequested"] = tag("ProbeRequested")
    call: str
    attempt: int = 1


class ProbeCompleted(Fact):
    """What the system said: the result, that it did not happen, or nothing certain."""

    type: Literal["ProbeCompleted"] = tag("ProbeCompleted")
    call: str
    verdict: Literal["happened", "absent", "unknown"]
    text: Clean = Clean("")
    latency_ms: int = 0
    cost: int = 0
    """Negative: what was assumed of a call that did not happen is taken back, as in `posts`."""
    posts: tuple[Post, ...] = ()
    hooks: tuple[ResultHooked, ...] = ()
    """Hooks that changed or withheld what the system said."""


class ToolResolved(Fact):
    """A human said of a call in doubt whether it happened."""

    type: Literal["ToolResolved"] = tag("ToolResolved")
    call: str
    happened: bool
    principal: str
    text: Clean = Clean("")
    cost: int = 0
    """Negative: what was assumed of a call that did not happen is taken back, as in `posts`."""
    posts: tuple[Post, ...] = ()


class SubrunRequested(Fact):
    """A sub-agent is started as the run `child`, with a brief and its own tools."""

    type: Literal["SubrunRequested"] = tag("SubrunRequested")
    call: str
    agent: str
    child: str
    brief: Clean


class SubrunEnded(Fact):
    """A sub-run ended; its answer, or what is missing and why."""

    type: Literal["SubrunEnded"] = tag("SubrunEnded")
    call: str
    child: str
    status: Literal["completed", "stopped"]
    reason: str
    text: Clean
    usage: Usage = Usage()
    cost: int = 0
    active_ms: int = 0
