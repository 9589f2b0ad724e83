"""Parts for tests of single modules of the runtime: cleaners, states, services without an app."""

from collections.abc import Mapping
from functools import cache

from remit.adapters.memory.store import MemoryStore
from remit.adapters.redaction.rule_files import builtin_rules
from remit.adapters.scripted import ScriptedModel
from remit.adapters.vault import AeadVault
from remit.app.lazy import SystemDice
from remit.journal.events import (
    AccountLimit,
    CallJudged,
    ModelCompleted,
    ModelRequested,
    RunStarted,
    ToolQueued,
    ToolRequested,
)
from remit.machine.agent import Agent
from remit.machine.evolve import evolve
from remit.machine.hooks import Hook
from remit.machine.spec import AgentSpec
from remit.machine.state import CallState, State, begin
from remit.policy.redact import Redactor
from remit.policy.secret_scan import SecretRules
from remit.ports import Clock, Model, Store
from remit.runtime.cleaning import Cleaner
from remit.runtime.health import HealthBoard
from remit.runtime.hooking import Hooking
from remit.runtime.hub import Hub
from remit.runtime.inspecting import Inspector
from remit.runtime.services import Services, Signer
from remit.runtime.switchboard import Switchboard
from remit.runtime.threads import DaemonThreads
from remit.values.clean import Clean
from remit.values.message import CallPart, Origin, Part, TextPart
from remit.values.price import ModelPrice
from remit.values.usage import Usage
from tests.runtime.stage import an_agent

NOW = 1_795_000_000_000
TENANT, RUN = "acme", "run_01M7Q5CRENXC2Q9R1RXS42CRQC"
VAULT = AeadVault(b"v" * 32)
THREADS = DaemonThreads()
USER = Origin(kind="user", name="ann")


@cache
def secret_rules() -> SecretRules:
    """The built-in rules; they take a while to build."""
    return SecretRules(builtin_rules().rules)


@cache
def redactor(tenant: str = TENANT) -> Redactor:
    """A redactor with the placeholders of a tenant; its rules take a while to build."""

    def placeholder(kind: str, secret: str) -> str:
        return VAULT.placeholder(tenant, kind, secret)

    return Redactor(placeholder, secret_rules())


def a_cleaner() -> Cleaner:
    """A cleaner of the run of this kit."""
    return Cleaner(redactor(), VAULT, TENANT, RUN)


def an_inspector(
    agent: Agent[object],
    cleaner: Cleaner | None = None,
    hooks: Mapping[str, Hook] | None = None,
) -> Inspector:
    """What asks an agent's tools, and hooks, about calls."""
    return Inspector(
        agent=agent,
        hooking=Hooking({} if hooks is None else hooks, THREADS),
        cleaner=a_cleaner() if cleaner is None else cleaner,
    )


class HandClock:
    """A clock that a test sets."""

    def __init__(self, now_ms: int = NOW) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        """The time that was set."""
        return self.at_ms


class FlatPrices:
    """One price for everything."""

    version = "test"

    def price(self, model: str) -> ModelPrice:
        """1 and 2 dollars per million tokens."""
        return ModelPrice(
            model=model,
            input=1_000_000_000,
            output=2_000_000_000,
            cache_read=100_000_000,
            cache_write=1_250_000_000,
        )


def services_on(
    store: Store | None = None,
    *,
    agents: Mapping[str, Agent[object]] | None = None,
    clock: Clock | None = None,
    model: Model | None = None,
    owner: str = "me",
) -> Services:
    """Services on an open store in memory unless another is given."""
    if store is None:
        store = MemoryStore()
        store._open = True
    clock = HandClock() if clock is None else clock
    asked: Model = ScriptedModel("fine") if model is None else model
    return Services(
        health=HealthBoard(clock),
        store=store,
        clock=clock,
        dice=SystemDice(),
        vault=VAULT,
        signer=Signer(key=b"m" * 32, key_id="test"),
        prices=FlatPrices(),
        model=lambda _provider: asked,
        agents={} if agents is None else agents,
        hub=Hub(),
        switchboard=Switchboard(store, clock),
        owner=owner,
        secret_rules=secret_rules,
    )


def spec_of(agent: Agent[object] | None = None) -> AgentSpec:
    """The declaration of an agent, one without tools if none is given."""
    return (an_agent() if agent is None else agent).spec(str)


def started(spec: AgentSpec, **changes: object) -> RunStarted:
    """The beginning of the run of this kit."""
    fields: dict[str, object] = {
        "agent": spec.name,
        "spec": spec.digest,
        "user": "ann",
        "session": "s1",
        "input": (TextPart(text=Clean("Go"), origin=USER),),
        "root": RUN,
        "deadline_ms": NOW + 600_000,
        "prices": (FlatPrices().price(spec.model),),
        "accounts": (AccountLimit(account="run:.|total|nano", limit=10**10),),
    }
    return RunStarted.model_validate(fields | changes)


def state_of(agent: Agent[object]) -> State:
    """A run of the agent that has just begun."""
    spec = spec_of(agent)
    return evolve(begin(TENANT, RUN, spec), started(spec), NOW)


def released(
    agent: Agent[object],
    tool: str,
    arguments: str,
    *,
    digest: str = "d",
    until_ms: int = NOW + 60_000,
) -> tuple[State, CallState, ToolRequested]:
    """A run whose model has asked for one call that is allowed and released."""
    from_model = Origin(kind="model", name="scripted:x")
    part = CallPart(call="c1-1", tool=tool, arguments=Clean(arguments), origin=from_model)
    event = ToolRequested(call="c1-1", attempt=1, until_ms=until_ms)
    state = thinking(agent)
    judged = CallJudged(
        call="c1-1",
        tool=tool,
        digest=digest,
        effect="allow",
        rule="test",
        reason=Clean("test"),
        principal="ann",
        access="write",
        risk="low",
    )
    for fact in (answered(part), judged, ToolQueued(call="c1-1"), event):
        state = evolve(state, fact, NOW)
    call = state.find("c1-1")
    if call is None:
        raise LookupError("c1-1")
    return state, call, event


def thinking(agent: Agent[object]) -> State:
    """A run whose model is being asked."""
    return evolve(state_of(agent), asking(), NOW)


def asking() -> ModelRequested:
    """The first model call."""
    return ModelRequested(
        call="c1",
        model="scripted:x",
        messages=1,
        digest="d",
        max_output_tokens=1000,
        input_bound=1000,
    )


def answered(*parts: Part) -> ModelCompleted:
    """The answer to it."""
    return ModelCompleted(
        call="c1", parts=parts, stop="tools", usage=Usage(input=10, output=10), model="x"
    )
