"""Tokens and cost per model call, turn, run, agent, session and tenant, summed from events."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from remit.journal.events import ModelCompleted, ModelFailed, ModelRequested, RunStarted
from remit.journal.fact import Post
from remit.projections.timeline import Pair, timeline
from remit.values.account import resolve
from remit.values.ids import root_of
from remit.values.usage import Usage

_NONE = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was used: tokens, and nano-dollars.

    `assumed` is the part of `cost` that was posted in full because nobody knows what was billed.
    """

    calls: int = 0
    usage: Usage = _NONE
    cost: int = 0
    assumed: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            calls=self.calls + other.calls,
            usage=self.usage + other.usage,
            cost=self.cost + other.cost,
            assumed=self.assumed + other.assumed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One attempt of one model call that was settled."""

    time_ms: int
    tenant: str
    session: str
    run: str
    agent: str
    turn: int
    """From 1; attempts of one call are one turn."""
    call: str
    attempt: int
    model: str
    spent: Spent
    posts: tuple[Post, ...]
    """What was entered on limited accounts."""


@dataclass(slots=True)
class _Run:
    agent: str = ""
    session: str = ""
    turn: int = 0
    model: str = ""


def entries(pairs: Iterable[Pair]) -> list[Entry]:
    """Every settled model call of these records, in their order."""
    runs: dict[tuple[str, str], _Run] = {}
    found: list[Entry] = []
    for told in timeline(pairs):
        header, event = told.header, told.event
        run = runs.setdefault((header.tenant, header.run), _Run())
        if isinstance(event, RunStarted):
            run.agent, run.session = event.agent, event.session
        elif isinstance(event, ModelRequested):
            run.turn += event.attempt == 1
            run.model = event.model
        elif isinstance(event, ModelCompleted | ModelFailed):
            found.append(
                Entry(
                    time_ms=told.time_ms,
                    tenant=header.tenant,
                    session=run.session,
                    run=header.run,
                    agent=run.agent,
                    turn=run.turn,
                    call=event.call,
                    attempt=event.attempt,
                    model=run.model,
                    spent=_spent(event),
                    posts=event.posts,
                )
            )
    return found


def _spent(event: ModelCompleted | ModelFailed) -> Spent:
    assumed = event.cost if isinstance(event, ModelFailed) and event.assumed else 0
    return Spent(calls=1, usage=event.usage or _NONE, cost=event.cost, assumed=assumed)


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
