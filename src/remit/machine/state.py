"""The state of a run: a pure fold of its events, never stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from remit.errors import UnpricedModel
from remit.journal.events import (
    AccountLimit,
    BudgetRefused,
    Hold,
    PlanRefused,
    Post,
    ToolDegraded,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.journal.facts_of_switches import Reverted
from remit.machine.measure import measured
from remit.machine.spec import AgentSpec, ToolSpec, schemas
from remit.machine.transitions import CallStatus, Phase
from remit.policy.limits import soft_deadline_ms
from remit.policy.mode import Mode
from remit.values.bound import REQUEST_FRAME, text_bound, tools_bound
from remit.values.message import Message
from remit.values.preview import Previewed
from remit.values.price import ModelPrice
from remit.values.usage import Usage
from remit.values.windows import UTC, Calendar

NOTHING = Usage()
ANY = "*"
"""The resource of a call whose resources are not known: it conflicts with everything."""


@dataclass(frozen=True, kw_only=True)
class CallState:
    """One tool call of the current turn."""

    call: str
    spec: ToolSpec | None
    """None where the model named a tool the agent does not have."""
    tool: str
    provider_id: str
    arguments: str
    status: CallStatus = "proposed"
    effect: Literal["", "allow", "ask", "deny"] = ""
    """The verdict; empty until there is one."""
    digest: str = ""
    resources: tuple[str, ...] = ()
    rule: str = ""
    needed: int = 0
    attempt: int = 0
    approval: str = ""
    asked: int = 0
    expires_ms: int = 0
    given: tuple[str, ...] = ()
    vouched: tuple[str, ...] = ()
    """In whose name, where somebody else agreed for them."""
    approvers: tuple[str, ...] = ()
    """Who may agree, as was journalled when it was asked."""
    ask_reason: str = ""
    preview: Previewed | None = None
    """What was shown to those who may agree."""
    question: str = ""
    question_schema: str = ""
    question_text: str = ""
    questions: int = 0
    answers: tuple[tuple[str, str], ...] = ()
    """Answers to the call's own questions: (key, JSON value)."""
    not_before_ms: int = 0
    """The instant for which it is delayed."""
    booked: tuple[Hold, ...] = ()
    """Its place in the windows of its rates at that instant."""
    postponed: bool = False
    """It is delayed for a rate, not as declared: that is part of the run's own time."""
    rated: bool = False
    """It counts on its rates already: it does so once, however often it is tried."""
    delayed: bool = False
    """It was delayed as its tool or its agent wants it; that happens once."""
    aborts: bool = False
    """It failed, and its peers are given up."""
    given_up: str = ""
    """Why: a peer failed without which it makes no sense; it is not made again."""
    given_up_ms: int = 0
    until_ms: int = 0
    unsure: bool = False
    """An earlier attempt may have happened, and nobody has said since that it did not."""
    holds: tuple[Hold, ...] = ()
    """What the attempt that is out reserved."""
    assumed: tuple[Post, ...] = ()
    """What was posted for attempts of which nobody knows; taken back if they did not happen."""
    assumed_cost: int = 0
    child: str = ""
    result: str = ""
    labels: tuple[str, ...] = ()
    is_error: bool = False
    degraded: ToolDegraded | None = None
    """The last that was tried because its tool does not work."""
    proposed: str = ""
    """The tool that the model named, once another was to stand in."""
    proposed_digest: str = ""
    """Of the call of that tool."""
    tried: tuple[str, ...] = ()
    """Tools that do not work."""


@dataclass(frozen=True, kw_only=True)
class ModelCall:
    """The model call that is out, or waits for its retry."""

    call: str
    attempt: int
    max_output_tokens: int
    input_bound: int
    holds: tuple[Hold, ...]
    model: str
    tried: tuple[str, ...] = ()
    """Models that failed in this call."""
    failed_by: str = ""
    """The kind of its last failure."""
    breaks: int = 0
    """Streams of this call that broke."""
    retry_at_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What was said up to some point, with its digest and size."""

    messages: tuple[Message, ...]
    digest: bytes
    context_bound: int
    last_text: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """What the provider was asked to count, and what it said."""

    call: str
    """The model call that would come next."""
    model: str
    digest: bytes
    """Of the conversation."""
    tokens: int | None = None
    """None while it waits, and where the provider could not say."""
    waits: bool = True


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything a decision needs to know about a run."""

    tenant: str
    run: str
    spec: AgentSpec
    spec_digest: str
    spec_bound: int
    """Upper bound of the tokens of instructions and tools."""
    phase: Phase = "new"
    user: str = ""
    session: str = ""
    root: str = ""
    parent: str | None = None
    parent_call: str | None = None
    depth: int = 0
    environment: str = "dev"
    roles: tuple[str, ...] = ()
    """Of the user, as the app that authenticated them said."""
    mode: Mode = "default"
    prices: tuple[ModelPrice, ...] = ()
    accounts: tuple[AccountLimit, ...] = ()
    """What is declared and what the plan limits: one for each account, the strictest."""
    declared: tuple[AccountLimit, ...] = ()
    """Without those of the plan."""
    plan: PlanTerms | None = None
    refused: BudgetRefused | PlanRefused | None = None
    """What a limit or the plan refused last."""
    calendar: Calendar = UTC
    labels: tuple[str, ...] = ()
    reverts: tuple[Reverted, ...] = ()
    """That were in force when the run started: `spec` is as they left it."""
    started_ms: int = 0
    """On the run's own clock: pauses move it, as they move the deadline."""
    deadline_ms: int = 0
    paused_ms: int | None = None
    """Since when the run's clock stands still; None while it runs."""
    child_ms: int = 0
    """Active time of sub-runs that ended during the pause."""
    clock_warned: bool = False
    messages: tuple[Message, ...] = ()
    digest: bytes = b""
    """Rolling digest of the messages."""
    context_bound: int = 0
    """Upper bound of the tokens of the messages."""
    shows: bool = False
    """There are images or documents among them."""
    model: ModelCall | None = None
    count: Count | None = None
    """The last request that was counted, or is being counted."""
    calls: tuple[CallState, ...] = ()
    answer: str | None = None
    """The final answer, as JSON text, once the model gave one."""
    passed: bool | None = None
    last_text: str = ""
    turns: int = 0
    numbered: int = 0
    """Numbers given to model calls so far."""
    failures: int = 0
    """Failed attempts of the present model call."""
    stop: str = ""
    """Why the model stopped last."""
    tool_calls: int = 0
    repeats: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    """Calls refused for being identical."""
    favourite: str = ""
    """The model that answered last."""
    lost: tuple[str, ...] = ()
    """Models that cannot answer in this run: retired, wrong key, not paid for."""
    retries: int = 0
    """Of all model calls together."""
    drifted: tuple[tuple[str, str], ...] = ()
    """(asked, answered), told already."""
    output_limit: int = 0
    """The raised limit of the answer; 0: the agent's own."""
    before: Conversation | None = None
    """The conversation before the last answer, until the next request."""
    kept: str = ""
    """The text so far of an answer that is continued."""
    parts: tuple[int, ...] = ()
    """The tokens of each part of that answer, the last one included."""
    continuing: bool = False
    """The next request goes on with that answer."""
    wrapping: bool = False
    """Only a last answer is asked for any more."""
    usage: Usage = NOTHING
    cost: int = 0
    cancelled: str | None = None
    stopping: str = ""
    stopping_detail: str = ""
    stopping_ms: int = 0
    status: str = ""
    """How it ended: completed or stopped."""
    output: str | None = None
    reason: str = ""
    detail: str = ""
    success: bool | None = None
    warned: tuple[tuple[str, int, int], ...] = ()
    checking: str = ""

    @property
    def unfinished(self) -> tuple[CallState, ...]:
        """Calls that have no result yet."""
        return tuple(call for call in self.calls if call.status != "done")

    @property
    def in_flight(self) -> bool:
        """Something is being performed, or may be."""
        thinking = self.model is not None and self.model.retry_at_ms is None
        asking = bool(self.checking or self.counting)
        return thinking or asking or any(is_out(call) for call in self.calls)

    @property
    def counting(self) -> str:
        """The model call whose request the provider is counting; empty while it counts none."""
        return self.count.call if self.count is not None and self.count.waits else ""

    @property
    def next_free(self) -> CallState | None:
        """The first queued call that may go now: none overtakes one that it conflicts with."""
        if sum(1 for call in self.calls if is_out(call)) >= self.spec.limits.parallel_calls:
            return None
        ahead: list[CallState] = []
        for call in self.unfinished:
            if call.status == "queued" and not any(conflicts(call, each) for each in ahead):
                return call
            ahead.append(call)
        return None

    @property
    def may_be_in_doubt(self) -> bool:
        """Something was released whose outcome is unknown to a driver that starts now."""
        thinking = self.model is not None and self.model.retry_at_ms is None
        out = any(is_out(call) and not call.child for call in self.calls)
        resorts = any(call.status == "degraded" for call in self.calls)
        return thinking or bool(self.checking or self.counting) or out or resorts

    @property
    def waits_for_others(self) -> bool:
        """Only humans, sub-runs and delays can move the run on; the queued waits behind them."""
        if self.phase != "acting" or not self.unfinished:
            return False
        return all(map(_waits, self.unfinished)) and self.next_free is None

    def find(self, call: str) -> CallState | None:
        """The call of that id in the current turn."""
        return next((known for known in self.calls if known.call == call), None)

    @property
    def soft_ms(self) -> int:
        """The instant after which only a last answer is asked for."""
        return soft_deadline_ms(self.started_ms, self.deadline_ms, self.spec.limits.wrap_up_ms)

    def price(self, model: str) -> ModelPrice:
        """The price of one of the agent's models, as it stood when the run started.

        Raises `UnpricedModel`.
        """
        for price in self.prices:
            if price.model == model:
                return price
        raise UnpricedModel(
            f"{self.run}: the run started without a price for {model}, "
            "and an unpriced model is refused"
        )


def begin(tenant: str, run: str, spec: AgentSpec, history: tuple[Message, ...] = ()) -> State:
    """The state before the first event; `history` is the conversation that the run continues."""
    digest, size = measured(history)
    return State(
        tenant=tenant,
        run=run,
        spec=spec,
        spec_digest=spec.digest,
        spec_bound=REQUEST_FRAME + text_bound(spec.instructions) + tools_bound(schemas(spec)),
        messages=history,
        digest=digest,
        context_bound=size,
        shows=any(message.media for message in history),
    )


def _waits(call: CallState) -> bool:
    """Others, or its own delay, must move it on, or what it waits behind."""
    if call.status == "released":
        return bool(call.child)
    if call.status == "delayed":
        return not call.postponed
    return call.status in ("asking", "input", "doubt", "queued")


def is_out(call: CallState) -> bool:
    """A call that is being performed, or may be."""
    return call.status in ("released", "probing")


def may_be_recalled(call: CallState) -> bool:
    """A call that was let through and has never left."""
    return call.status in ("delayed", "queued") and call.attempt == 0


def _touches(call: CallState) -> tuple[set[str], bool]:
    writes = call.spec is None or call.spec.access == "write"
    keys = set(call.resources)
    return (keys or {ANY}) if writes else keys, writes


def conflicts(first: CallState, second: CallState) -> bool:
    """Two calls that must not overlap: one of them writes what the other touches."""
    mine, i_write = _touches(first)
    others, they_write = _touches(second)
    if not (i_write or they_write):
        return False
    return ANY in mine or ANY in others or bool(mine & others)
