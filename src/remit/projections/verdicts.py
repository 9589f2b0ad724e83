"""Past calls judged again under two sets of rules: whose verdict would change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from remit.errors import ArgumentError
from remit.journal.events import (
    CallJudged,
    Event,
    HookAnswered,
    ModelCompleted,
    RunStarted,
    SubrunEnded,
    ToolCompleted,
    ToolFailed,
)
from remit.journal.record import Header
from remit.machine.left_out import left_out
from remit.machine.lexemes import compact
from remit.machine.questions import origin_names
from remit.machine.spec import AgentSpec
from remit.policy.mode import Mode
from remit.policy.permission import Question, Rule, Verdict
from remit.policy.predicate import Seen
from remit.policy.rule_pair import RulePair
from remit.projections.timeline import Pair
from remit.values.message import CallPart, Origin
from remit.values.windows import UTC, Calendar

# Verdicts of what is no rule: other rules would not have been asked either.
_NOT_BY_RULES = ("hook.", "limits.", "plan.", "switch.", "breaker.", "builtin.unknown-tool")
_NOT_RULES = frozenset({"builtin.schema", "builtin.stopping", "builtin.final-answer"})

_TELLING = (b"RunStarted", b"ModelCompleted", b"CallJudged")
_READ = (b"ToolCompleted", b"ToolFailed", b"SubrunEnded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A past call whose verdict would be another."""

    time_ms: int
    tenant: str
    run: str
    call: str
    question: Question
    journalled: str
    """The rule that decided then."""
    old: Verdict
    new: Verdict


@dataclass(slots=True)
class RunSight:
    """What must be known of a run to judge its calls again; small, whatever the run's length."""

    spec: AgentSpec
    agent: str = ""
    user: str = ""
    roles: tuple[str, ...] = ()
    mode: Mode = "default"
    environment: str = "dev"
    calendar: Calendar = UTC
    arguments: dict[str, str] = field(default_factory=dict)
    """Of the calls of the present turn."""
    tools: dict[str, str] = field(default_factory=dict)
    origins: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Counterfactual:
    """Two sets of rules to be compared; each with what the agents themselves declare.

    `old` None: the rules as they were journalled with each run.
    """

    old: tuple[Rule, ...] | None
    new: tuple[Rule, ...]
    judged: int = 0
    _made: dict[str, RulePair] = field(default_factory=dict)

    @property
    def wants_origins(self) -> bool:
        """A rule names what was read, so earlier runs of a session count too."""
        return any(rule.origins for rule in (*(self.old or ()), *self.new))

    @property
    def telling(self) -> tuple[bytes, ...]:
        """The types of events that matter here; results do only where a rule asks for origins."""
        return (*_TELLING, *(_READ if self.wants_origins else ()))

    def pair(self, spec: AgentSpec, digest: str) -> RulePair:
        """Both sets for an agent; made once for each declaration."""
        found = self._made.get(digest)
        if found is None:
            own = tuple(rule for rule in spec.rules if not rule.source)
            kept = tuple(rule for rule in spec.rules if rule.source == BUILT_IN)
            old = spec.rules if self.old is None else (*own, *kept, *self.old)
            found = RulePair(old, (*own, *kept, *self.new))
            if len(self._made) >= _SPECS:
                self._made.clear()
            self._made[digest] = found
        return found

    def changes(self, sight: RunSight, digest: str, pair: Pair) -> Iterator[Change]:
        """The calls of one record whose verdict would change; `sight` learns what it says."""
        header, body = pair
        events = iter(body.events)
        for cause in body.causes:
            for event in islice(events, cause.count):
                if isinstance(event, CallJudged):
                    yield from self._change(sight, digest, event, header, cause.now_ms)
                else:
                    learn(sight, event)

    def _change(
        self, sight: RunSight, digest: str, event: CallJudged, header: Header, time_ms: int
    ) -> Iterable[Change]:
        question = self._question(sight, event, header.tenant, time_ms)
        if question is None:
            return ()
        self.judged += 1
        seen = Seen(question.arguments, question.left_out)  # read once for both
        found = self.pair(sight.spec, digest).change(sight.spec.phase, question, seen)
        if found is None:
            return ()
        old, new = found
        change = Change(
            time_ms=time_ms,
            tenant=header.tenant,
            run=header.run,
            call=event.call,
            question=question,
            journalled=event.rule,
            old=old,
            new=new,
        )
        return (change,)

    def _question(
        self, sight: RunSight, event: CallJudged, tenant: str, now_ms: int
    ) -> Question | None:
        if event.rule in _NOT_RULES or event.rule.startswith(_NOT_BY_RULES):
            return None
        spec = sight.spec.tool(event.tool)
        try:
            arguments = compact(sight.arguments.get(event.call) or "{}")
        except ArgumentError:
            return None
        return Question(
            tool=event.tool,
            access=event.access,
            risk=event.risk,
            arguments=arguments,
            left_out="" if spec is None else left_out(spec.parameters, arguments),
            server="" if spec is None else spec.server,
            personal_data=spec is not None and spec.personal_data,
            agent=sight.agent,
            acts_for=sight.spec.whose(event.tool),
            tenant=tenant,
            user=sight.user,
            roles=sight.roles,
            mode=sight.mode,
            environment=sight.environment,
            now_ms=now_ms,
            calendar=sight.calendar,
            origins=tuple(sight.origins),
        )


BUILT_IN = "built in"
_SPECS = 256  # declarations whose rules are kept ready
_ORIGINS = 1_000  # different sources that one run read; more than tools and labels there are


def learn(sight: RunSight, event: Event) -> None:
    """Take in what an event says of a run's circumstances."""
    match event:
        case RunStarted():
            sight.agent, sight.user, sight.roles = event.agent, event.user, event.roles
            sight.mode, sight.environment = event.mode, event.environment
            sight.calendar = event.calendar
            for part in event.input:
                _read(sight, part.origin)
        case ModelCompleted():
            calls = [part for part in event.parts if isinstance(part, CallPart)]
            sight.arguments = {part.call: str(part.arguments) for part in calls}
            sight.tools = {part.call: part.tool for part in calls}
        case HookAnswered(arguments=str()):
            sight.arguments[event.call] = str(event.arguments)
        case ToolCompleted():
            _read_result(sight, event.call, event.labels)
        case ToolFailed():
            _read_result(sight, event.call, event.labels)
        case SubrunEnded():
            name = sight.tools.get(event.call, "")
            _read(sight, Origin(kind="agent", name=name))
        case _:
            pass


def _read_result(sight: RunSight, call: str, labels: tuple[str, ...]) -> None:
    _read(sight, Origin(kind="tool", name=sight.tools.get(call, ""), labels=labels))


def _read(sight: RunSight, origin: Origin) -> None:
    if len(sight.origins) < _ORIGINS:
        sight.origins |= dict.fromkeys(origin_names(origin))
