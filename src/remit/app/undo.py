"""Undo: a run of its own takes back what a run wrote, newest first, governed like any other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import cast

from remit.app.launching import Wish
from remit.app.replay import read_past, rows_below
from remit.errors import NotAllowed, SpecError
from remit.journal.admit import LIVE
from remit.journal.events import RunStarted, ToolCompleted
from remit.journal.rows import RunRow
from remit.machine.agent import Agent, Remit
from remit.machine.approvers import approvers_by
from remit.machine.hooks import Hook
from remit.machine.tools import AnyTool
from remit.policy.approvers import ANYTHING
from remit.policy.rule import Rule, covers
from remit.projections.undoing import (
    Effect,
    Step,
    doubtful_calls,
    effects,
    plan_text,
    read_plan,
    step_of,
)
from remit.runtime.reader import Reader
from remit.runtime.starting import OWN_PROVIDER
from remit.values.ids import root_of
from remit.values.message import TextPart

MODEL = f"{OWN_PROVIDER}undo"
_SUFFIX = ".undo"
# A plan is carried out whole; what bounds it is what the run before was allowed to do.
_STEPS = 1_000


def with_undoers(agents: Iterable[Agent[object]]) -> tuple[Agent[object], ...]:
    """Agents, and those that take back what they do."""
    given = tuple(agents)
    made = (undo_agent(agent) for agent in given)
    return (*given, *(agent for agent in made if agent is not None))


def undo_agent(agent: Agent[object]) -> Agent[object] | None:
    """The agent that takes back what an agent and those below it wrote; None where nothing can be.

    Each compensation has the authority that the remit of its agent gives it: every rule about it
    is kept. One that no rule there allows or asks about needs as many humans, of the same ones, as
    what it takes back. Rules of the settings that deny or ask about an agent hold for the
    compensations of its tools too.
    """
    found = _compensations(agent)
    if not found:
        return None
    rules: list[Rule] = []
    approvals: dict[AnyTool | str, int] = {}
    approvers: dict[AnyTool | str, Sequence[str]] = {}
    for name, (owner, undone) in found.items():
        own = _rules_of(owner)
        about = [rule for rule in own if covers(rule, name)]
        rules += [rule for rule in about if rule not in rules]
        about_undone = [rule for rule in own if covers(rule, undone.name)]
        if all(rule.effect == "deny" for rule in about):
            approvals[name] = _needed(about_undone)
        named = approvers_by(owner.remit.approvers)
        approvers |= {rule.id: named[rule.id] for rule in about if rule.id in named}
        targets = (name, undone.name, *(rule.id for rule in about_undone), ANYTHING)
        who = next((named[each] for each in targets if named.get(each)), ())
        if who:
            approvers[name] = who
    remit = Remit(
        turns=_STEPS + 1,  # the last one reports
        tool_calls=_STEPS,
        identical_calls=_STEPS + 1,  # what was done alike more than once is taken back as often
        rules=rules,
        approvals=approvals,
        approvers=approvers,
        hooks=_hooks_of(owner for owner, _ in found.values()),
        phase=agent.remit.phase,
        owner=agent.remit.owner,
        success=_all_undone,
    )
    made: Agent[object] = Agent(
        f"{agent.name}{_SUFFIX}",
        model=MODEL,
        instructions=f"Take back what {agent.name} did, newest first.",
        tools=[undone.undo for _, undone in found.values() if undone.undo is not None],
        remit=remit,
    )
    made.acts_for = {
        name: tuple(dict.fromkeys((agent.name, owner.name))) for name, (owner, _) in found.items()
    }
    return made


def _all(agent: Agent[object]) -> list[Agent[object]]:
    return [agent, *(below for sub in agent.agents for below in _all(sub))]


def _compensations(agent: Agent[object]) -> Mapping[str, tuple[Agent[object], AnyTool]]:
    """The tools that can be undone and the agents that have them, by what undoes them."""
    found: dict[str, tuple[Agent[object], AnyTool]] = {}
    for each in _all(agent):
        for tool in each.tools:
            if tool.undo is None:
                continue
            _, known = found.setdefault(tool.undo.name, (each, tool))
            if known.undo is not tool.undo:
                raise SpecError(
                    f"agent {agent.name!r}: two compensations are named {tool.undo.name!r}"
                )
    return found


def _rules_of(agent: Agent[object]) -> list[Rule]:
    """The rules of a remit that are about its agent, under whatever name that undoes."""
    return [
        rule.model_copy(update={"agents": ()}) if rule.agents else rule
        for rule in agent.remit.all_rules()
        if not rule.agents or any(fnmatchcase(agent.name, glob) for glob in rule.agents)
    ]


def _hooks_of(owners: Iterable[Agent[object]]) -> tuple[Hook, ...]:
    """What looks at the calls of these agents looks at what takes them back."""
    return tuple(dict.fromkeys(hook for owner in owners for hook in owner.remit.hooks))


def _needed(rules: Sequence[Rule]) -> int:
    """The most humans that these rules want; one where none of them lets all calls happen."""
    asked = [rule.needed for rule in rules if rule.effect == "ask"]
    free = any(rule.effect == "allow" and _is_plain(rule) for rule in rules)
    return max(asked, default=0 if free else 1)


def _is_plain(rule: Rule) -> bool:
    """It is about a tool as such, whoever calls it, with whatever, at any time."""
    return rule == Rule(
        id=rule.id,
        effect=rule.effect,
        tool=rule.tool,
        reason=rule.reason,
        needed=rule.needed,
        source=rule.source,
    )


def _all_undone(answer: str) -> bool:
    return not answer.startswith("not undone")


async def plan_undo(
    reader: Reader, row: RunRow, agent: Agent[object], doubtful: Collection[str] = ()
) -> tuple[tuple[Step, ...], tuple[Effect, ...]]:
    """The compensations that are due for a run and those below it, and what cannot be undone.

    What an earlier undo took back is left out. What may or may not have been done, or taken back,
    is a step with its doubt, which nobody carries out before a human names it in `doubtful`.
    Raises `NotAllowed` while the run goes on, or where a name there is not one in doubt.
    """
    if row.status in LIVE:
        raise NotAllowed(f"{row.run} has not ended: cancel it, then undo what it did")
    found: list[Effect] = []
    for each in await rows_below(reader.store, row):
        past = await read_past(reader, each)
        found += effects(past.before, past.pairs)
    # Of what a clock cannot tell apart, the later in the journal is the newer.
    found.sort(key=lambda effect: effect.time_ms)
    found.reverse()
    done, open_ends = await _taken_back(reader, row)
    doubts = {effect.key: effect.doubt for effect in found if effect.undo and effect.doubt}
    doubts |= {key: f"nobody knows whether {run} took it back" for key, run in open_ends.items()}
    due = [effect for effect in found if effect.undo and effect.key not in done]
    strange = sorted(set(doubtful) - (doubts.keys() - done))
    if strange:
        raise NotAllowed(
            f"{row.run}: {', '.join(strange)}: not in doubt; only what an undo names as in doubt "
            "is to be named, as RUN/CALL"
        )
    lasting = tuple(effect for effect in found if not effect.undo)
    steps = (step_of(effect, _accepts(agent, effect)) for effect in due)
    known = {key: _remedy(key, why) for key, why in doubts.items() if key not in doubtful}
    return tuple(replace(step, doubt=known.get(step.of, "")) for step in steps), lasting


_LOOK = "; look, and where it is still to be taken back, undo with --doubtful "


def _remedy(key: str, why: str) -> str:
    return f"{why}{_LOOK}{key}"


def why_in_doubt(step: Step) -> str:
    """The doubt of a step without what to type, for who ticks a box."""
    return step.doubt.partition(_LOOK)[0]


def _accepts(agent: Agent[object], effect: Effect) -> tuple[str, ...]:
    tool = agent.tool(effect.undo)
    if tool is None:
        raise SpecError(
            f"{effect.key}: {effect.tool} was to be undone by {effect.undo!r}, which the agent "
            "has no more; deploy the old version to undo it"
        )
    return tuple(name for _, name in tool.arguments.names)


def undo_session(run: str) -> str:
    """The session of all undo runs of a run: one at a time."""
    return f"undo-{run}"


async def _taken_back(reader: Reader, row: RunRow) -> tuple[set[str], dict[str, str]]:
    """What earlier undo runs took back, and what they may have: of which run nobody knows it.

    Each turn of theirs is one step of their plan.
    """
    done: set[str] = set()
    doubts: dict[str, str] = {}
    for each in await reader.store.runs(row.tenant, session=undo_session(row.run), limit=_STEPS):
        past = await reader.past(each)
        events = [event for body in past.bodies for event in body.events]
        started = events[0] if events else None
        if not isinstance(started, RunStarted):
            continue
        texts = [part.text for part in started.input if isinstance(part, TextPart)]
        due = [step for step in read_plan("".join(texts)) if not step.doubt]
        turns = {f"c{number}-1": step for number, step in enumerate(due, start=1)}
        done |= {
            turns[event.call].of
            for event in events
            if isinstance(event, ToolCompleted) and event.call in turns and not event.recorded_only
        }
        for call in doubtful_calls(past.state):
            if call.call in turns:
                doubts.setdefault(turns[call.call].of, each.run)
    return done, doubts


async def _undoing(
    reader: Reader, tenant: str, run: str, agents: Mapping[str, Agent[object]]
) -> tuple[RunRow, Agent[object]]:
    """The root of a run, and the agent that takes back what it did."""
    row = (await reader.past_of(tenant, root_of(run))).row
    agent = agents.get(f"{row.agent}{_SUFFIX}")
    if agent is None:
        raise SpecError(
            f"{run}: the agent {row.agent!r} is not registered with this app, or none of its tools "
            "declares what undoes it: @tool(access='write', undo=…)"
        )
    return row, agent


async def what_to_undo(
    reader: Reader, tenant: str, run: str, agents: Mapping[str, Agent[object]]
) -> tuple[tuple[Step, ...], tuple[Effect, ...]]:
    """The compensations that are due, those in doubt, and what cannot be taken back.

    Raises as `wish_to_undo` does, but not where there is nothing.
    """
    return await plan_undo(reader, *await _undoing(reader, tenant, run, agents))


async def wish_to_undo(
    reader: Reader,
    tenant: str,
    run: str,
    agents: Mapping[str, Agent[object]],
    principal: str,
    doubtful: Collection[str] = (),
) -> tuple[Agent[str], Wish]:
    """The agent and the input of the run that takes back what a run did.

    `doubtful` names, as RUN/CALL, what is taken back although nobody knows whether it took place,
    or whether it was taken back already. Raises `NotFound`, `SpecError` where its agent is not here
    or can undo nothing, `NotAllowed` where there is nothing to undo.
    """
    row, agent = await _undoing(reader, tenant, run, agents)
    steps, lasting = await plan_undo(reader, row, agent, doubtful)
    if not steps:
        left = ", ".join(effect.tool for effect in lasting)
        tail = f"; what it did by {left} cannot be undone" if left else ""
        raise NotAllowed(f"{run}: there is nothing to undo{tail}")
    if all(step.doubt for step in steps):
        named = "\n".join(f"{step.of} by {step.tool}: {step.doubt}" for step in steps)
        raise NotAllowed(f"{run}: there is nothing to undo but what is in doubt:\n{named}")
    wish = Wish(
        text=plan_text(steps),
        tenant=tenant,
        user=principal,
        session=undo_session(row.run),
        labels=(),
        undoes=row.run,
    )
    return cast("Agent[str]", agent), wish
