"""Undo: a run of its own takes back what a run wrote, newest first, governed like any other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from remit.app.launching import Wish
from remit.app.replay import read_past, rows_below
from remit.errors import NotAllowed, SpecError
from remit.journal.admit import LIVE
from remit.journal.events import RunStarted, ToolCompleted
from remit.journal.rows import RunRow
from remit.machine.agent import Agent, Remit
from remit.machine.tools import AnyTool
from remit.policy.permission import Rule
from remit.projections.undoing import Effect, Step, effects, plan_text, read_plan, step_of
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

    Each compensation has the authority that the agent's own remit gives it; one that no rule there
    names needs as many humans as what it takes back.
    """
    tools = dict(_compensations(agent))
    if not tools:
        return None
    rules = [rule for each in _all(agent) for rule in each.remit.all_rules()]
    approvals: dict[AnyTool | str, int] = {}
    for undoing, undone in tools.items():
        named = any(rule.tool == undoing for rule in rules)
        approvals[undoing] = _needed(rules, undoing if named else undone.name)
    remit = replace(
        Remit(),
        turns=_STEPS,
        tool_calls=_STEPS,
        approvals=approvals,
        approvers=agent.remit.approvers,
        phase=agent.remit.phase,
        owner=agent.remit.owner,
        success=_all_undone,
    )
    undoing_tools = [undone.undo for undone in tools.values() if undone.undo is not None]
    return Agent(
        f"{agent.name}{_SUFFIX}",
        model=MODEL,
        instructions=f"Take back what {agent.name} did, newest first.",
        tools=undoing_tools,
        remit=remit,
    )


def _all(agent: Agent[object]) -> list[Agent[object]]:
    return [agent, *(below for sub in agent.agents for below in _all(sub))]


def _compensations(agent: Agent[object]) -> Mapping[str, AnyTool]:
    """The tools that can be undone, by the name of what undoes them."""
    found: dict[str, AnyTool] = {}
    for each in _all(agent):
        for tool in each.tools:
            if tool.undo is None:
                continue
            known = found.setdefault(tool.undo.name, tool)
            if known.undo is not tool.undo:
                raise SpecError(
                    f"agent {agent.name!r}: two compensations are named {tool.undo.name!r}"
                )
    return found


def _needed(rules: Iterable[Rule], tool: str) -> int:
    """How many humans the approvals of a remit want for a tool; one where they do not say."""
    for rule in rules:
        if rule.tool == tool:
            return rule.needed if rule.effect == "ask" else 0
    return 1


def _all_undone(answer: str) -> bool:
    return not answer.startswith("not undone")


async def plan_undo(
    reader: Reader, row: RunRow, agent: Agent[object]
) -> tuple[tuple[Step, ...], tuple[Effect, ...]]:
    """The compensations that are due for a run and those below it, and what cannot be undone.

    What an earlier undo took back is left out. Raises `NotAllowed` while the run goes on.
    """
    if row.status in LIVE:
        raise NotAllowed(f"{row.run} has not ended: cancel it, then undo what it did")
    found: list[Effect] = []
    for each in await rows_below(reader.store, row):
        past = await read_past(reader, each)
        found += effects(past.before, past.pairs)
    found.sort(key=lambda effect: effect.time_ms, reverse=True)
    done = await _taken_back(reader, row)
    due = [effect for effect in found if effect.undo and effect.key not in done]
    lasting = tuple(effect for effect in found if not effect.undo)
    return tuple(step_of(effect, _accepts(agent, effect)) for effect in due), lasting


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


async def _taken_back(reader: Reader, row: RunRow) -> set[str]:
    """What earlier undo runs took back: each turn of theirs is one step of their plan."""
    done: set[str] = set()
    for each in await reader.store.runs(row.tenant, session=undo_session(row.run), limit=_STEPS):
        past = await reader.past(each)
        events = [event for body in past.bodies for event in body.events]
        started = events[0] if events else None
        if not isinstance(started, RunStarted):
            continue
        texts = [part.text for part in started.input if isinstance(part, TextPart)]
        plan = read_plan("".join(texts))
        turns = {f"c{number}-1": step for number, step in enumerate(plan, start=1)}
        done |= {
            turns[event.call].of
            for event in events
            if isinstance(event, ToolCompleted) and event.call in turns and not event.recorded_only
        }
    return done


async def wish_to_undo(
    reader: Reader, tenant: str, run: str, agents: Mapping[str, Agent[object]], principal: str
) -> tuple[Agent[str], Wish]:
    """The agent and the input of the run that takes back what a run did.

    Raises `NotFound`, `SpecError` where its agent is not here or can undo nothing, `NotAllowed`
    where there is nothing to undo.
    """
    row = (await reader.past_of(tenant, root_of(run))).row
    agent = agents.get(f"{row.agent}{_SUFFIX}")
    if agent is None:
        raise SpecError(
            f"{run}: the agent {row.agent!r} is not registered with this app, or none of its tools "
            "declares what undoes it: @tool(access='write', undo=…)"
        )
    steps, lasting = await plan_undo(reader, row, agent)
    if not steps:
        left = ", ".join(effect.tool for effect in lasting)
        tail = f"; what it did by {left} cannot be undone" if left else ""
        raise NotAllowed(f"{run}: there is nothing to undo{tail}")
    wish = Wish(
        text=plan_text(steps),
        tenant=tenant,
        user=principal,
        session=undo_session(row.run),
        labels=(),
        undoes=row.run,
    )
    return cast("Agent[str]", agent), wish
