"""Explains a verdict: of a call that a run made, or of one that an agent might make."""

from dataclasses import dataclass, replace

from remit.app.replay import Past
from remit.errors import ArgumentError, NotFound, UsageError
from remit.journal.events import CallJudged
from remit.machine.evolve import evolve
from remit.machine.inputs import World
from remit.machine.left_out import left_out
from remit.machine.lexemes import compact
from remit.machine.questions import question_of
from remit.machine.spec import AgentSpec
from remit.machine.tools import AnyTool
from remit.policy.permission import Considered, Question, Verdict, ready
from remit.policy.phase import Phase
from remit.projections.timeline import timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Every rule that was considered, and the verdict."""

    question: Question
    phase: Phase
    considered: tuple[Considered, ...]
    verdict: Verdict
    journalled: CallJudged | None = None
    """What was decided then; limits, plans and switches may have decided before the rules."""
    invalid: str = ""
    """Why the tool does not take such arguments: then no rule is asked."""


def explain(spec: AgentSpec, question: Question, journalled: CallJudged | None = None) -> Explained:
    """What the rules of an agent say of a call."""
    rules = ready(spec.rules)
    return Explained(
        question=question,
        phase=spec.phase,
        considered=rules.explain(spec.phase, question),
        verdict=rules.judge(spec.phase, question),
        journalled=journalled,
    )


def explain_past(past: Past, call: str) -> Explained:
    """Why a call of a run was decided as it was. Raises `NotFound` and `UsageError`."""
    state = past.before
    for told in timeline(past.pairs):
        event = told.event
        if isinstance(event, CallJudged) and event.call == call:
            known = state.find(call)
            if known is None or known.spec is None:
                raise UsageError(f"{call}: the agent has no tool {event.tool!r}: no rule was asked")
            world = World(now_ms=told.time_ms, off=frozenset(told.cause.off))
            question = question_of(state, world, known.spec, _canonical(known.arguments))
            return explain(state.spec, question, event)
        state = evolve(state, event, told.time_ms)
    raise NotFound(f"the run {past.row.run} judged no call {call!r}; `remit show` lists them")


def _canonical(arguments: str) -> str:
    try:
        return compact(arguments or "{}")
    except ArgumentError as exc:
        raise UsageError(f"the arguments are no JSON, so no rule was asked: {exc}") from exc


def explain_call(  # each is a circumstance that a rule may name
    spec: AgentSpec, tool: str, arguments: str, *, given: Question, takes: AnyTool | None = None
) -> Explained:
    """What would become of a call; `given` has the circumstances. Raises `UsageError`.

    takes: the tool itself, to try whether it takes such arguments.
    """
    found = spec.tool(tool)
    if found is None:
        names = ", ".join(each.name for each in spec.tools) or "none"
        raise UsageError(f"the agent {spec.name!r} has no tool {tool!r}; it has {names}")
    canonical = _canonical(arguments)
    question = Question(
        tool=tool,
        access=found.access,
        risk=found.risk,
        arguments=canonical,
        left_out=left_out(found.parameters, canonical),
        server=found.server,
        personal_data=found.personal_data,
        agent=spec.name,
        acts_for=spec.whose(tool),
        tenant=given.tenant,
        user=given.user,
        roles=given.roles,
        mode=given.mode,
        environment=given.environment,
        now_ms=given.now_ms,
        calendar=given.calendar,
        origins=given.origins,
    )
    return replace(explain(spec, question), invalid=_problem(takes, canonical))


def _problem(tool: AnyTool | None, arguments: str) -> str:
    if tool is None:
        return ""
    try:
        tool.parse(arguments)
    except ArgumentError as exc:
        return str(exc)
    return ""
