"""What an agent is, as data: the contract that is stored and that every run refers to by digest."""

import hashlib
import json
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from remit.policy.allowance import Budget
from remit.policy.delay import Delay, longest_ms
from remit.policy.limits import Limits
from remit.policy.mode import Mode
from remit.policy.permission import Access, Risk, Rule
from remit.policy.phase import Phase
from remit.policy.rate import Rate, RateLimit, drawn
from remit.policy.routing import Candidate
from remit.values.added import added
from remit.values.model import Effort, ToolSchema

InputCount = Literal["bound", "when-short", "always"]
"""How a request's input is measured for its hold: by its bytes, or by asking the provider."""
ToolKind = Literal["function", "agent", "final"]
OnCrash = Literal["repeat", "probe", "ask"]
OnFailure = Literal["go-on", "abort-peers"]
"""What a failed call means for those of the same turn: nothing, or that they are given up."""

HookTime = Literal["before", "after"]
HOOK_NAME = re.compile(r"[a-z][a-z0-9_]{1,63}", re.ASCII)

FINAL_TOOL = "final_answer"
"""The tool through which an agent with an output type answers."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Confinement(_Frozen):
    """What a tool's function sees that runs in an interpreter of its own, in the sandbox."""

    kind: Literal["process"] = "process"
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class ToolSpec(_Frozen):
    """The contract of one tool: what the model sees and what the runtime may do with it.

    kind: a function, a sub-agent (`agent` names it), or the final answer.
    on_crash: what happens to a released call whose outcome was lost.
    """

    name: str
    description: str
    parameters: str
    """JSON Schema of the arguments, as JSON text."""
    kind: ToolKind = "function"
    access: Access = "read"
    risk: Risk = "low"
    on_crash: OnCrash = "repeat"
    timeout_ms: int = 60_000
    version: str = "1"
    systems: tuple[str, ...] = ()
    reveals: tuple[str, ...] = ()
    """Kinds of secrets whose real values the tool receives; `*` for all."""
    agent: str = ""
    # Not in the text of a tool without a price: journals from before prices keep their digests.
    price_nano: int = added(0, ge=0)
    """The most a call costs, in nano-dollars; what it costs, unless it reports its price."""
    reports_price: bool = added(default=False)
    personal_data: bool = added(default=False)
    """It shows personal data: a read of it needs authority as a write does."""
    server: str = added("")
    """The server it is a tool of; empty for a tool of the program."""
    undo: str = added("")
    """The tool that takes a call of this one back."""
    credential: str = added("")
    """What it is called by those who declare it; the tool gets it with each call."""
    delay_ms: int = added(0, ge=0)
    """How long a call that was let through waits before it leaves."""
    free_text: bool = added(default=False)
    """A write that takes free text as its only argument, on purpose."""
    fallback: str = added("")
    """The tool that stands in for it while it does not work."""
    last_good_ms: int = added(0, ge=0)
    """How old its last good answer may be to serve while it does not work; 0: none serves."""
    critical: bool = added(default=False)
    """Runs need it: somebody should say what happens while it does not work."""
    previews: bool = added(default=False)
    """It tells what a call would do before anybody agrees."""
    sends: bool = added(default=False)
    """It sends messages to people outside."""
    rates: tuple[Rate, ...] = added(())
    """How often it may be called."""
    on_failure: OnFailure = added("go-on")
    sandbox: Confinement | None = added(None)
    """Its function runs in the operating system's sandbox; None: in the program itself."""

    @property
    def acts(self) -> bool:
        """It needs authority: it writes, or shows personal data."""
        return self.access == "write" or self.personal_data

    @property
    def contract(self) -> str:
        """Digest of the contract; made once, for each call is bound to it."""
        known = _contracts.get(id(self))
        if known is not None and known[0] is self:  # it is held, so its id stays its own
            return known[1]
        made = digest_of(self)
        if len(_contracts) >= _CONTRACTS:
            _contracts.clear()
        _contracts[id(self)] = self, made
        return made


# More tools than the agents of a process have.
_CONTRACTS = 1_024
_contracts: dict[int, tuple[ToolSpec, str]] = {}


class HookSpec(_Frozen):
    """A hook as data: which calls it looks at, and when."""

    name: str
    when: HookTime
    tools: tuple[str, ...]
    """Globs of names, `server/tool` for those of a server."""
    timeout_ms: int


class ApproversOf(_Frozen):
    """Who may agree to calls of one tool, or to those that one rule asks about."""

    of: str
    who: tuple[str, ...]


class AgentSpec(_Frozen):
    """The declaration of an agent with everything its runs need, sub-agents included."""

    name: str
    model: str
    instructions: str
    models: tuple[Candidate, ...] = added(())
    """All models it may be answered by, where there are more than `model`."""
    prompt: str = ""
    """Name and version of the prompt, for people."""
    tools: tuple[ToolSpec, ...] = ()
    agents: tuple["AgentSpec", ...] = ()
    rules: tuple[Rule, ...] = ()
    limits: Limits = Limits()
    budgets: tuple[Budget, ...] = added(())
    delays: tuple[Delay, ...] = added(())
    """Of writes, beside those that their tools declare."""
    rates: tuple[Rate, ...] = added(())
    """Of tools, beside those that they declare."""
    set_rates: tuple[Rate, ...] = added(())
    """The same, of the settings."""
    phase: Phase = "autonomous"
    mode: Mode | None = added(None)
    """None: that of the settings, or of the run above."""
    approvers: tuple[str, ...] = ()
    """Who may approve; empty: any authenticated human the app lets in."""
    approvers_of: tuple[ApproversOf, ...] = added(())
    """Where it is not `approvers` for certain tools or rules."""
    self_approval: bool = added(default=False)
    """Whose run it is may agree to a call for which one human is enough."""
    owner: str = ""
    systems: tuple[str, ...] = ()
    max_output_tokens: int = 4096
    output_ceiling: int = added(4096)
    """Up to this an answer that was cut is asked for again with a larger limit."""
    thinking_tokens: int = 0
    output_schema: str | None = None
    has_predicate: bool = False
    # As prices of tools: declarations without it keep their digests.
    input_count: InputCount = added("bound")
    effort: Effort | None = added(None)
    """How much it is to reason; None leaves it to the model."""
    unoffered: tuple[str, ...] = added(())
    """Tools that only stand in for others: models are not told of them."""
    hooks: tuple[HookSpec, ...] = added(())
    """What looks at its calls, in the order in which they are asked."""
    acts_for: tuple[tuple[str, tuple[str, ...]], ...] = added(())
    """(tool, agents): whose calls a tool of an agent that undoes takes back."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The models it may be answered by."""
        return self.models or (Candidate(model=self.model),)

    @property
    def digest(self) -> str:
        """Digest of the whole declaration; a run stores it, the content lies in the blobs."""
        return digest_of(self)

    @property
    def prompt_digest(self) -> str:
        """SHA-256 of the instructions, in hex: the same text has the same version."""
        return hashlib.sha256(self.instructions.encode()).hexdigest()

    def tool(self, name: str) -> ToolSpec | None:
        """The tool of that name in this agent's own set, None if it has none."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def offered(self, tool: str) -> ToolSpec | None:
        """The tool of that name, None where models may not call it."""
        return None if tool in self.unoffered else self.tool(tool)

    def who_agrees(self, tool: str, rule: str) -> tuple[str, ...]:
        """Who may agree to a call of this tool about which this rule asks: the rule's first."""
        known = {entry.of: entry.who for entry in self.approvers_of}
        return known.get(rule, known.get(tool, self.approvers))

    def whose(self, tool: str) -> tuple[str, ...]:
        """The agents whose calls this tool takes back; none where it is an agent's own."""
        return next((agents for name, agents in self.acts_for if name == tool), ())

    def delay_ms_of(self, tool: ToolSpec) -> int:
        """How long a call of this tool that was let through waits before it leaves."""
        if tool.kind != "function" or tool.access != "write":
            return 0
        return max(tool.delay_ms, longest_ms(self.delays, tool.name, tool.server))

    def rates_of(self, tool: ToolSpec, tenant: str, user: str) -> tuple[RateLimit, ...]:
        """The rates that a call of this tool counts on."""
        lists = (tool.rates, self.rates, self.set_rates)
        if tool.kind != "function" or not any(lists):
            return ()
        return drawn(lists, tool=tool.name, server=tool.server, tenant=tenant, user=user)

    def agent(self, name: str) -> "AgentSpec | None":
        """The direct sub-agent of that name."""
        return next((agent for agent in self.agents if agent.name == name), None)


def canonical(value: BaseModel) -> bytes:
    """JSON with sorted keys and no spaces: one text for one value."""
    tree = value.model_dump(mode="json")
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(value: BaseModel) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def schemas(spec: AgentSpec) -> tuple[ToolSchema, ...]:
    """The tools as the model sees them."""
    return tuple(
        ToolSchema(tool.name, tool.description, tool.parameters)
        for tool in spec.tools
        if tool.name not in spec.unoffered
    )
