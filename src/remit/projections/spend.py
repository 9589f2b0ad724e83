"""Tokens and cost per call of a model or priced tool, turn, run, agent, session and tenant."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from remit.journal.events import (
    CallJudged,
    Event,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    RunStarted,
    ToolCompleted,
    ToolFailed,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.fact import Post
from remit.projections.timeline import Pair, timeline
from remit.values.account import is_rate, resolve
from remit.values.ids import root_of
from remit.values.usage import Usage

_NONE = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was used: tokens, and nano-dollars.

    `assumed` is the part of `cost` that was posted in full because nobody knows what was billed.
    """

    calls: int = 0
    """Of models."""
    tool_calls: int = 0
    """Of tools with a price."""
    usage: Usage = _NONE
    cost: int = 0
    assumed: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            calls=self.calls + other.calls,
            tool_calls=self.tool_calls + other.tool_calls,
            usage=self.usage + other.usage,
            cost=self.cost + other.cost,
            assumed=self.assumed + other.assumed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One attempt of one call that was settled, or what was taken back of one."""

    time_ms: int
    tenant: str
    session: str
    run: str
    agent: str
    turn: int
    """From 1; attempts of one call are one turn."""
    call: str
    attempt: int
    """0 where it is taken back that any attempt happened."""
    model: str
    """Empty for a tool."""
    spent: Spent
    posts: tuple[Post, ...]
    """What was entered on limited accounts."""
    tool: str = ""
    """Empty for a model."""


@dataclass(slots=True)
class _Run:
    agent: str = ""
    session: str = ""
    turn: int = 0
    model: str = ""
    tools: dict[str, str] = field(default_factory=dict)
    """Names by call."""


_TOLD_OF_TOOLS = (ToolCompleted, ToolFailed, ToolUnknown, InputRequested)
_CORRECTS = (ProbeCompleted, ToolResolved)


def entries(pairs: Iterable[Pair]) -> list[Entry]:
    """Every settled call of models and priced tools of these records, in their order."""
    runs: dict[tuple[str, str], _Run] = {}
    found: list[Entry] = []
    for told in timeline(pairs):
        header, event = told.header, told.event
        run = runs.setdefault((header.tenant, header.run), _Run())
        _note(run, event)
        settled = _settled(event)
        if settled is None:
            continue
        call, attempt, spent, posts = settled
        tool = "" if spent.calls else run.tools.get(call, "")
        found.append(
            Entry(
                time_ms=told.time_ms,
                tenant=header.tenant,
                session=run.session,
                run=header.run,
                agent=run.agent,
                turn=run.turn,
                call=call,
                attempt=attempt,
                model=run.model if spent.calls else "",
                spent=spent,
                posts=posts,
                tool=tool,
            )
        )
    return found


def _note(run: _Run, event: Event) -> None:
    """Remember what later entries need."""
    if isinstance(event, RunStarted):
        run.agent, run.session = event.agent, event.session
    elif isinstance(event, ModelRequested):
        run.turn += event.attempt == 1
        run.model = event.model
    elif isinstance(event, CallJudged):
        run.tools[event.call] = event.tool


def _settled(event: Event) -> tuple[str, int, Spent, tuple[Post, ...]] | None:
    """Call, attempt, what was spent, entries; None for an event that settles nothing."""
    if isinstance(event, ModelCompleted | ModelFailed):
        assumed = event.cost if isinstance(event, ModelFailed) and event.assumed else 0
        spent = Spent(calls=1, usage=event.usage or _NONE, cost=event.cost, assumed=assumed)
        return event.call, event.attempt, spent, event.posts
    if isinstance(event, _TOLD_OF_TOOLS):
        posts = tuple(post for post in event.posts if not is_rate(post.account))
        if not (event.cost or posts):
            return None
        doubted = not isinstance(event, InputRequested) and event.assumed
        spent = Spent(tool_calls=1, cost=event.cost, assumed=event.cost if doubted else 0)
        return event.call, event.attempt, spent, posts
    if isinstance(event, _CORRECTS) and event.cost:
        return event.call, 0, Spent(cost=event.cost, assumed=event.cost), event.posts
    return None


def total(lines: Iterable[Entry]) -> Spent:
    """The sum of all lines."""
    whole = Spent()
    for line in lines:
        whole += line.spent
    return whole


def spent_by(lines: Iterable[Entry], key: Callable[[Entry], str]) -> Mapping[str, Spent]:
    """Sums by any key, such as `per_session`."""
    sums: dict[str, Spent] = {}
    for line in lines:
        name = key(line)
        sums[name] = sums.get(name, Spent()) + line.spent
    return sums


def per_turn(line: Entry) -> str:
    """The turn of a run."""
    return f"{line.run}#{line.turn}"


def per_run(line: Entry) -> str:
    """The run itself, without its sub-runs."""
    return line.run


def per_tree(line: Entry) -> str:
    """The root run, sub-runs included."""
    return root_of(line.run)


def per_agent(line: Entry) -> str:
    """The agent, in whatever run it worked."""
    return line.agent


def per_session(line: Entry) -> str:
    """The session."""
    return line.session


def per_tenant(line: Entry) -> str:
    """The tenant."""
    return line.tenant


def posted(lines: Iterable[Entry]) -> Mapping[str, int]:
    """What was entered on each limited account (by its full name), in its unit."""
    sums: dict[str, int] = {}
    for line in lines:
        for post in line.posts:
            name = resolve(post.account, line.run)
            sums[name] = sums.get(name, 0) + post.amount
    return sums
