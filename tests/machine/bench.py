"""One run driven by hand: each method is one input, and every decision is checked as it is made."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from typing_extensions import override

from remit.journal.events import (
    AccountLimit,
    Event,
    InputCounted,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    RunRecovered,
    RunStarted,
    SubrunEnded,
    ToolCompleted,
    ToolFailed,
    ToolUnknown,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.journal.record import Body, Cause
from remit.machine.agent import Agent, Remit
from remit.machine.call_folds import _call_of
from remit.machine.decide import decide
from remit.machine.evolve import evolve, fold
from remit.machine.inputs import Input, Inspection, Kind, World
from remit.machine.schedule import wake_at_ms
from remit.machine.spec import InputCount
from remit.machine.state import CallState, State, begin
from remit.machine.tools import AnyTool
from remit.machine.transitions import CALL_EVENTS
from remit.policy.mode import Mode
from remit.values.message import CallPart, Message, Origin, Part, TextPart
from remit.values.model import FailureKind, StopReason
from remit.values.price import ModelPrice
from remit.values.usage import Usage
from tests.machine.people import People, clean

MODEL = "scripted:x"
PRICE = ModelPrice(model=MODEL, input=1_000_000, output=2_000_000, cache_read=0, cache_write=0)
MONEY = "run:run_1|total|nano"
TOKENS = "run:run_1|total|tokens"
START_MS = 1_000_000
SAID = Origin(kind="model", name=MODEL)
E = TypeVar("E")
Environment = Literal["dev", "ci", "production"]
T = TypeVar("T")

Transitions = set[tuple[str, str]]


def settled(work: Coroutine[object, None, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits")


def make_agent(
    *tools: AnyTool,
    remit: Remit | None = None,
    agents: Iterable[Agent[object]] = (),
    output_type: type[T] | None = None,
    max_output_tokens: int = 1000,
    output_ceiling: int | None = None,
    fallbacks: Sequence[str] = (),
    input_count: InputCount = "bound",
) -> Agent[object]:
    """An agent with these tools."""
    kind: type[object] = str if output_type is None else output_type
    return Agent(
        "worker",
        model=MODEL,
        fallbacks=fallbacks,
        instructions="Work.",
        tools=tools,
        agents=agents,
        output_type=kind,
        remit=remit,
        max_output_tokens=max_output_tokens,
        output_ceiling=output_ceiling,
        input_count=input_count,
    )


class Bench(People):
    """A run, its clock and its world."""

    def __init__(
        self,
        agent: Agent[object],
        *,
        depth: int = 0,
        history: tuple[Message, ...] = (),
        accounts: tuple[AccountLimit, ...] = (AccountLimit(account=MONEY, limit=5_000_000_000),),
        plan: PlanTerms | None = None,
        mode: Mode = "default",
    ) -> None:
        self.agent = agent
        self.spec = agent.spec(lambda path: f"text of {path}")
        self.first = begin("acme", "run_1", self.spec, history)
        self.state: State = self.first
        self.world = World(now_ms=START_MS)
        self.depth = depth
        self.accounts = accounts
        self.plan = plan
        self.mode = mode
        self.environment: Environment = "dev"
        self.hook: Callable[[Bench, str, Inspection], Inspection] = lambda _, __, found: found
        self.log: list[Event] = []
        self.bodies: list[Body] = []
        self.inputs: list[tuple[State, Input, World, tuple[Event, ...]]] = []
        self.seen_phases: Transitions = set()
        self.seen_statuses: Transitions = set()

    # ------------------------------------------------------------ deciding

    @override
    def give(
        self,
        fact: Event | None,
        kind: Kind = "outcome",
        inspections: dict[str, Inspection] | None = None,
    ) -> list[Event]:
        """Decide on one input; the events of the decision."""
        given = Input(kind=kind, fact=fact, inspections=inspections or {})
        before = self.state
        draft = decide(before, given, self.world)
        again = decide(before, given, self.world)
        assert again.events == draft.events, "the same input must lead to the same events"
        self._note(before, draft.events)
        self.state = draft.state
        self.log += draft.events
        self.inputs.append((before, given, self.world, tuple(draft.events)))
        if draft.events:
            cause = Cause(kind=kind, count=len(draft.events), now_ms=self.world.now_ms)
            self.bodies.append(Body(causes=(cause,), events=tuple(draft.events)))
        assert fold(before, self.bodies[-1:] if draft.events else []) == draft.state
        return draft.events

    def _note(self, state: State, events: list[Event]) -> None:
        """Remember which entries of the two tables were used."""
        for event in events:
            self.seen_phases.add((state.phase, event.type))
            call = _call_of(state, event) if event.type in CALL_EVENTS else None
            if call is not None:
                self.seen_statuses.add((call.status, event.type))
            state = evolve(state, event, self.world.now_ms)

    def replayed(self) -> State:
        """The state as the journal tells it."""
        return fold(self.first, self.bodies)

    def pass_ms(self, ms: int) -> None:
        """Let time pass; nothing is decided."""
        self.world = replace(self.world, now_ms=self.world.now_ms + ms)

    def wake(self, ms: int = 0) -> list[Event]:
        """Let time pass and decide."""
        self.pass_ms(ms)
        return self.give(None, "wake")

    @property
    def wakes_in_ms(self) -> int | None:
        at_ms = wake_at_ms(self.state, self.world.now_ms)
        return None if at_ms is None else at_ms - self.world.now_ms

    # ------------------------------------------------------------ inputs

    def start(self, text: str = "Go.", *, timeout_ms: int | None = None) -> list[Event]:
        ms = self.spec.limits.timeout_ms if timeout_ms is None else timeout_ms
        started = RunStarted(
            agent=self.spec.name,
            spec=self.spec.digest,
            user="ann",
            session="s1",
            input=(TextPart(text=clean(text), origin=Origin(kind="user")),),
            root="run_1",
            depth=self.depth,
            deadline_ms=self.world.now_ms + ms,
            prices=tuple(
                PRICE.model_copy(update={"model": each.model}) for each in self.spec.candidates
            ),
            accounts=self.accounts,
            plan=self.plan,
            mode=self.mode,
            environment=self.environment,
        )
        return self.give(started, "start")

    def parts(self, text: str, calls: tuple[tuple[str, str], ...]) -> tuple[Part, ...]:
        """Parts of an answer to the model call that is out."""
        model = self.state.model
        assert model is not None
        said: tuple[Part, ...] = (TextPart(text=clean(text), origin=SAID),) if text else ()
        return said + tuple(
            CallPart(
                call=f"{model.call}-{number}",
                provider_id=f"p-{model.call}-{number}",
                tool=tool,
                arguments=clean(arguments),
                origin=SAID,
            )
            for number, (tool, arguments) in enumerate(calls, start=1)
        )

    @override
    def inspect(self, call: str, tool: str, arguments: str, *, hooked: bool = True) -> Inspection:
        found = settled(self.agent.inspect(call, tool, arguments))
        return self.hook(self, tool, found) if hooked and found.error is None else found

    def answer(
        self,
        text: str = "",
        *calls: tuple[str, str],
        stop: StopReason | None = None,
        usage: Usage | None = None,
        inspected: bool = True,
        answered: str = "",
    ) -> list[Event]:
        """The model answers with text and calls of (tool, arguments)."""
        model = self.state.model
        assert model is not None
        parts = self.parts(text, calls)
        fact = ModelCompleted(
            call=model.call,
            attempt=model.attempt,
            parts=parts,
            stop=stop or ("tools" if calls else "end"),
            usage=usage or Usage(input=100, output=10),
            model=answered or model.model.partition(":")[2],
        )
        inspections = {
            part.call: self.inspect(part.call, part.tool, part.arguments)
            for part in parts
            if isinstance(part, CallPart) and inspected
        }
        return self.give(fact, inspections=inspections)

    def counted(self, tokens: int | None = 90, why: str = "") -> list[Event]:
        """The provider counted the request that is to come, or says why not."""
        return self.give(InputCounted(call=self.state.counting, tokens=tokens, detail=clean(why)))

    def model_fails(
        self, kind: FailureKind, *, retry_after_ms: int | None = None, usage: Usage | None = None
    ) -> list[Event]:
        model = self.state.model
        assert model is not None
        return self.give(
            ModelFailed(
                call=model.call,
                attempt=model.attempt,
                kind=kind,
                detail=clean(kind),
                retry_after_ms=retry_after_ms,
                usage=usage,
            )
        )

    @override
    def call(self, number: int = 1) -> CallState:
        """The n-th call of the turn."""
        return self.state.calls[number - 1]

    def done(self, number: int = 1, text: str = "ok", charged: int | None = None) -> list[Event]:
        call = self.call(number)
        return self.give(
            ToolCompleted(call=call.call, attempt=call.attempt, text=clean(text), charged=charged)
        )

    def failed(
        self, number: int = 1, text: str = "broken", charged: int | None = None
    ) -> list[Event]:
        call = self.call(number)
        return self.give(
            ToolFailed(
                call=call.call,
                attempt=call.attempt,
                kind="error",
                text=clean(text),
                charged=charged,
            )
        )

    def cut(self, number: int = 1, charged: int | None = None) -> list[Event]:
        """A write was cut on our side: nobody knows whether it happened."""
        call = self.call(number)
        return self.give(
            ToolUnknown(
                call=call.call,
                attempt=call.attempt,
                reason=clean("it was cut"),
                charged=charged,
            )
        )

    def probed(self, verdict: str, number: int = 1) -> list[Event]:
        fact = ProbeCompleted.model_validate(
            {"call": self.call(number).call, "verdict": verdict, "text": clean("as found")}
        )
        return self.give(fact)

    def asks(self, number: int = 1, key: str = "k", charged: int | None = None) -> list[Event]:
        """The tool asks a human."""
        call = self.call(number)
        return self.give(
            InputRequested(
                question=f"run_1:{call.call}:q{call.questions + 1}",
                call=call.call,
                attempt=call.attempt,
                key=key,
                text=clean("How many?"),
                answer_schema='{"type": "integer"}',
                charged=charged,
            )
        )

    def recover(self, epoch: int = 2) -> list[Event]:
        return self.give(RunRecovered(epoch=epoch), "recover")

    def child_ends(
        self, number: int = 1, *, completed: bool = True, text: str = "done", active_ms: int = 0
    ) -> list[Event]:
        call = self.call(number)
        return self.give(
            SubrunEnded(
                call=call.call,
                child=call.child,
                status="completed" if completed else "stopped",
                reason="answered" if completed else "deadline",
                text=clean(text),
                usage=Usage(input=7, output=3),
                cost=11,
                active_ms=active_ms,
            ),
            "letter",
        )

    # ------------------------------------------------------------ reading

    def all_of(self, kind: type[E]) -> list[E]:
        """Every event of that type so far."""
        return [event for event in self.log if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        return self.all_of(kind)[-1]

    @property
    def request(self) -> ModelRequested:
        """The newest model request."""
        return self.last(ModelRequested)

    def off(self, *targets: str) -> None:
        """Switch targets off, and no others."""
        self.world = replace(self.world, off=frozenset(targets))


def types(events: Iterable[Event]) -> list[str]:
    return [event.type for event in events]


def one(events: Iterable[Event], kind: type[E]) -> E:
    """The only event of that type."""
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, found
    return found[0]
