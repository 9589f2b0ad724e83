"""The fault matrix: every fault in every protocol, streamed, whole and unattended, all at once."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from remit import Agent, App, Remit, tool
from remit.app.run import Run
from remit.journal.events import Event
from remit.runtime.hub import StreamDelta, StreamEvent, StreamItem, StreamRetraction
from remit.simulator.scenario import Fault, FaultKind, Reply, Rule, Scenario, When

MODELS = {
    "anthropic": "anthropic:claude-haiku-4-5-20251001",
    "openai": "openai:gpt-5-2025-08-07",
    "openai-chat": "openai-chat:gpt-4.1-2025-04-14",
    "google": "google:gemini-2.5-flash",
}
"""One pinned and priced model of each protocol."""
Mode = Literal["stream", "whole", "unattended"]
MODES: tuple[Mode, ...] = ("stream", "whole", "unattended")
"""Streamed to somebody who follows; asked for whole; and nobody waits. A run that is followed may
not be unattended, so there is no fourth."""
SAYING = " This is said in several pieces, so that a stream can break in the middle of it." * 2
TRANSIENT = frozenset(
    f"provider.{kind}"
    for kind in ("rate_limited", "overloaded", "server", "stream_broken", "malformed")
)
PATIENCE_S = 100.0
"""For a hang of the whole matrix; its slowest run takes its deadline of three seconds."""
SHORT = "3s"
"""The time of runs that end by their deadline."""
LONG = "10m"


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, when it strikes, and how each run that meets it ends."""

    name: str
    fault: Fault
    passes: str
    """The ending where it strikes once, `-` where that makes no difference."""
    stays: str
    """The ending where it always strikes: a status, or the reason of a stop."""


def case(name: str, passes: str, stays: str, kind: FaultKind | None = None, **more: object) -> Case:
    """A case whose fault has the name of the case, unless `kind` is given."""
    members = {"kind": kind or name, **more}
    return Case(name, Fault(**members), passes, stays)  # type: ignore[arg-type]  # read by name


@tool
async def look(place: str) -> str:
    """Look somewhere."""
    return f"nothing in {place}"


@dataclass(slots=True)
class Cell:
    """One run of the matrix: what it met, how it ended, what a reader saw of it."""

    case: Case
    provider: str
    mode: Mode
    once: bool
    run: Run[str] | None = None
    seen: list[StreamItem] = field(default_factory=list)

    @property
    def task(self) -> str:
        """What is asked; it also tells the simulator which fault to make."""
        when = "once" if self.once else "always"
        return f"{self.case.name}/{when}/{self.provider}/{self.mode}."

    @property
    def sits(self) -> bool:
        """Nobody waits, so what may pass is sat out for as long as there is time."""
        may_pass = TRANSIENT.issuperset(self.case.stays.split("|"))
        return self.mode == "unattended" and not self.once and may_pass

    @property
    def expected(self) -> set[str]:
        """How it may end: who sits it out has no time left at last, or none for another look."""
        endings = self.case.passes if self.once else self.case.stays
        return {*endings.split("|"), *(["deadline"] if self.sits else [])}

    @property
    def timeout(self) -> str:
        """Who ends by the deadline has a short one."""
        return SHORT if "deadline" in self.expected else LONG

    @property
    def ending(self) -> str:
        """How it ended."""
        if self.run is None:
            return "unfinished"
        return self.run.reason if self.run.status == "stopped" else self.run.status

    def standing(self) -> list[StreamDelta]:
        """What a reader still has after every retraction."""
        left: list[StreamDelta] = []
        for item in self.seen:
            match item:
                case StreamDelta():
                    left.append(item)
                case StreamRetraction(run=run, call=call, attempt=attempt):
                    key = (run, call, attempt)
                    left = [one for one in left if (one.run, one.call, one.attempt) != key]
                case StreamEvent():
                    pass
        return left

    def events(self) -> list[Event]:
        """The events a reader saw."""
        return [item.event for item in self.seen if isinstance(item, StreamEvent)]


def cells(cases: tuple[Case, ...]) -> list[Cell]:
    """Every cell of the matrix."""
    found = []
    for one in cases:
        for provider in MODELS:
            for mode in MODES:
                found.append(Cell(one, provider, mode, once=False))
                if one.passes != "-":
                    found.append(Cell(one, provider, mode, once=True))
    return found


def scenario(cases: tuple[Case, ...]) -> Scenario:
    """What the simulator makes of the tasks."""
    return Scenario(
        rules=(Rule(reply=Reply(text=f"Answer to ${{task}}{SAYING}")),),
        faults=tuple(_faults(cases)),
        source="matrix",
    )


def _faults(cases: tuple[Case, ...]) -> Iterator[Fault]:
    for one in cases:
        members = {name: getattr(one.fault, name) for name in Fault.__slots__}
        always = When(task=re.compile(f"^{one.name}/always/"))
        yield Fault(**{**members, "when": always})
        once = When(task=re.compile(f"^{one.name}/once/"), results=0)
        yield Fault(**{**members, "when": once, "first": 1})


def agents() -> dict[tuple[str, Mode, str], Agent[str]]:
    """An agent for each protocol, way of waiting and deadline."""
    return {
        (provider, mode, timeout): Agent(
            f"{provider}-{mode}-{timeout}",
            model=model,
            instructions="Answer.",
            tools=[look],
            max_output_tokens=400,
            output_ceiling=400,
            remit=Remit(
                cost_usd="5.00",
                turns=6,
                tool_calls=3,
                model_attempts=3,
                timeout=timeout,
                unattended=mode == "unattended",
            ),
        )
        for provider, model in MODELS.items()
        for mode in MODES
        for timeout in (SHORT, LONG)
    }


async def play(app: App, cell: Cell, agent: Agent[str]) -> None:
    """Drive one run to its end."""
    if cell.mode != "stream":
        cell.run = await app.run(agent, cell.task)
        return
    async for item in app.stream(agent, cell.task):
        if isinstance(item, Run):
            cell.run = item
        else:
            cell.seen.append(item)


async def play_all(
    app: App, found: list[Cell], by: dict[tuple[str, Mode, str], Agent[str]]
) -> None:
    """Drive every run, many at once."""
    # So many at once that waits overlap, and not so many that one process drowns in them.
    slots = asyncio.Semaphore(100)

    async def one(cell: Cell) -> None:
        async with slots:
            await play(app, cell, by[cell.provider, cell.mode, cell.timeout])

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for cell in found:
            group.create_task(one(cell))
