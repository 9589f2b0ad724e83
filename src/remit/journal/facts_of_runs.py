"""Facts about a run as a whole: its start, its end, its clock."""

from typing import Literal

from remit.journal.fact import AccountLimit, Fact
from remit.journal.facts_of_plans import PlanTerms
from remit.journal.facts_of_switches import Reverted
from remit.values.clean import Clean
from remit.values.message import InputPart
from remit.values.price import ModelPrice
from remit.values.tag import tag
from remit.values.usage import Usage
from remit.values.windows import UTC, Calendar


class RunStarted(Fact):
    """A run exists. `spec` is the digest of the agent's stored declaration."""

    type: Literal["RunStarted"] = tag("RunStarted")
    agent: str
    spec: str
    user: str
    session: str
    input: tuple[InputPart, ...]
    """Images and documents by digest; their bytes became blobs together with this fact."""
    continues: str | None = None
    """The earlier run of the same session whose conversation goes on."""
    parent: str | None = None
    parent_call: str | None = None
    root: str
    depth: int = 0
    deadline_ms: int
    environment: Literal["dev", "ci", "production"] = "dev"
    roles: tuple[str, ...] = ()
    """Of the user, as the app that authenticated them said; rules may name them."""
    mode: Literal["plan", "default", "auto", "bypass"] = "default"
    """What happens to actions of which no rule speaks; see `remit.policy.mode`."""
    prices: tuple[ModelPrice, ...] = ()
    accounts: tuple[AccountLimit, ...] = ()
    """As declared, for a window of a kind; each hold names the window that is open then."""
    undoes: str = ""
    """The run whose writes this one takes back."""
    labels: tuple[str, ...] = ()
    """Free labels that budgets may name."""
    calendar: Calendar = UTC
    """The tenant's, for its windows."""
    plan: PlanTerms | None = None
    """That of the run's holder as it stood; its accounts come to the others."""
    reverts: tuple[Reverted, ...] = ()
    """Of the agent and those below it; `spec` is the declaration with them."""


class RunRecovered(Fact):
    """Another driver took the run over; what had been released is in doubt."""

    type: Literal["RunRecovered"] = tag("RunRecovered")
    epoch: int
    in_doubt: tuple[str, ...] = ()


class CancelRequested(Fact):
    """Someone asked that the run end."""

    type: Literal["CancelRequested"] = tag("CancelRequested")
    principal: str
    reason: Clean = Clean("")


class RunStopping(Fact):
    """The run will end: nothing new is released, what is in flight is cut."""

    type: Literal["RunStopping"] = tag("RunStopping")
    reason: str
    detail: Clean = Clean("")


class ClockPaused(Fact):
    """Only humans or sub-runs are waited for: the run's own clock stands still from `at_ms`."""

    type: Literal["ClockPaused"] = tag("ClockPaused")
    at_ms: int


class ClockResumed(Fact):
    """The clock goes on; the time waited was added to the deadline."""

    type: Literal["ClockResumed"] = tag("ClockResumed")
    deadline_ms: int


class RuntimeSaid(Fact):
    """Remit itself tells the model something, as a user message with origin `runtime`."""

    type: Literal["RuntimeSaid"] = tag("RuntimeSaid")
    text: Clean


class CheckRequested(Fact):
    """The success predicate of the remit is to be evaluated on the answer."""

    type: Literal["CheckRequested"] = tag("CheckRequested")
    call: str


class CheckCompleted(Fact):
    """The predicate answered; an error or a timeout counts as no."""

    type: Literal["CheckCompleted"] = tag("CheckCompleted")
    call: str
    passed: bool
    detail: Clean = Clean("")


class RunEnded(Fact):
    """The run is over. `output` is JSON text of the answer, kept partly when it was stopped."""

    type: Literal["RunEnded"] = tag("RunEnded")
    status: Literal["completed", "stopped"]
    reason: str
    detail: Clean = Clean("")
    output: Clean | None = None
    success: bool | None = None
    """The predicate's answer; None where the remit declares none."""
    turns: int = 0
    tool_calls: int = 0
    usage: Usage = Usage()
    cost: int = 0
    active_ms: int = 0
    """Time on the run's own clock."""
