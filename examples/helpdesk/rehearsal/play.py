"""Plays the whole rehearsal: a world in a folder, all tickets triaged, also across a SIGKILL."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rehearsal.cases import Case, of_shop
from rehearsal.clerk import clerk
from rehearsal.crash import live
from rehearsal.leaks import leaks
from rehearsal.observed import observe
from rehearsal.report import Report, budgets_left, doubled, line
from rehearsal.work import at_work
from rehearsal.world import World, world
from remit import Run, SimulatedProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be played."""

    folder: Path
    crash_after: int = 0
    """Mails after which the first process is killed; 0 for never."""
    tenant: str = ""
    """Only this shop's tickets."""
    model: str = ""
    """A real provider's model, asked with the key in the environment; empty: the rules."""
    quiet: bool = False


async def play(wish: Wish) -> Report:
    """Play it; the current folder and the environment are the world's meanwhile."""
    provider = nullcontext() if wish.model else SimulatedProvider(clerk)
    with provider as simulated:
        variables = dict(simulated.environment) if simulated is not None else {}
        async with world(wish.folder) as made:
            with _inside(made.folder, {**variables, **made.variables}):
                return await _triaged(made, wish, variables)


async def _triaged(made: World, wish: Wish, variables: Mapping[str, str]) -> Report:
    began = time.monotonic()
    if wish.crash_after:
        status = await live(made, variables, wish.crash_after, wish.tenant)
        killed = "SIGKILL" if status < 0 else f"it ended with {status} before"
        if not wish.quiet:
            print(f"{killed} while mail {wish.crash_after} was handed over; another goes on")
    ended: dict[str, float] = {}
    costs: dict[str, int] = {}

    def told(case: Case, run: Run[object]) -> None:
        ended[case.id], costs[case.id] = time.monotonic() - began, run.cost_nano
        if not wish.quiet:
            print(line(case, observe(made, [case], {case.id: run})[case.id], run.cost_nano))

    inputs, chosen = made.inputs, of_shop(wish.tenant)
    if wish.model:
        inputs["model"] = wish.model
    async with at_work(inputs) as desk:
        runs = await desk.triage(chosen, told)
        return Report(
            cases=chosen,
            runs=runs,
            seen=observe(made, chosen, runs),
            seconds=desk.seconds,
            elapsed_s=time.monotonic() - began,
            leaks=await leaks(desk.app, made),
            doubled=doubled(made),
            budgets=await budgets_left(desk.app),
        )


@contextmanager
def _inside(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """In the folder, where remit.toml is read, with these variables; afterwards as before."""
    before, place = dict(os.environ), Path.cwd()
    os.environ.update(variables)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)
