"""`remit demo --crash`: the agent's process is killed at a random point and a new one goes on."""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console
from typing_extensions import override

from remit.app.run import status_of
from remit.cli.demo_proof import Claim, Proof
from remit.cli.demo_stage import Stage
from remit.cli.output import cell
from remit.errors import OutsideError
from remit.journal.events import (
    ModelFailed,
    ProbeCompleted,
    RunRecovered,
    ToolQueued,
)
from remit.projections.timeline import timeline
from remit.values.money import format_usd

RECORDS = 45
"""Records of the whole run; fewer than an undisturbed one has, so that every point is reached."""
_DELAY_S = 0.08  # about as long as a step takes: the kill hits before, in or after its effect
_LIFE_S = 120.0  # of one agent's process; a run takes seconds


@dataclass(frozen=True, slots=True)
class Point:
    """When the kill comes: so many records in, and then so long after."""

    records: int
    delay_s: float

    @override
    def __str__(self) -> str:
        """In words."""
        return f"{self.delay_s * 1000:.0f} ms after record {self.records}"


@dataclass(frozen=True, slots=True)
class Life:
    """One process of the agent: how many records it wrote and how it ended."""

    records: int
    status: int
    killed: bool


def point_of(seed: int) -> Point:
    """The point of a seed. The machine's own timing decides what stands there exactly."""
    dice = random.Random(seed)  # noqa: S311  # a seed must give the same point again
    return Point(dice.randint(1, RECORDS), dice.uniform(0, _DELAY_S))


async def crash(
    stage: Stage, url: str, variables: Mapping[str, str], point: Point, out: Console
) -> list[Life]:
    """Let the agent work, kill it, let a new process go on until it is done."""
    first = await _live(stage, url, variables, point)
    if first.killed:
        words = f"SIGKILL {point}: the process is gone, a new one takes the run over"
        out.print(cell(words, "bold red"))
    lives = [first]
    if first.killed:
        lives.append(await _live(stage, url, variables, None))
    return lives


async def _live(stage: Stage, url: str, variables: Mapping[str, str], point: Point | None) -> Life:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "remit.cli.demo_agent", str(stage.folder), url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **variables},
    )
    seen: set[tuple[str, int]] = set()
    killed = False
    try:
        async with asyncio.timeout(_LIFE_S):
            while process.stdout is not None and (line := await process.stdout.readline()):
                told = json.loads(line)
                if "version" in told:
                    seen.add((told["run"], told["version"]))
                if point is not None and len(seen) >= point.records:
                    await asyncio.sleep(point.delay_s)
                    killed = process.returncode is None
                    break
            if killed:
                process.send_signal(signal.SIGKILL)
            await process.wait()
    except TimeoutError as exc:
        raise OutsideError(f"the agent's process was not done after {_LIFE_S:g} s") from exc
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    status = process.returncode or 0
    return Life(len(seen), status, killed and status == -signal.SIGKILL)


def claims(lives: list[Life], proof: Proof) -> Iterator[Claim]:
    """What must hold after the crash, besides the one commit and the chain."""
    first, *others = lives
    how = "killed" if first.killed else "it was done before the kill came"
    yield Claim("the first process was killed", first.killed, how)
    ended = [life.status for life in others]
    yield Claim("a new process finished the run", ended == [0], status_of(proof.state))


def in_doubt(proof: Proof) -> Iterator[str]:
    """What was under way when the process died, and what was done about it."""
    open_calls: dict[tuple[str, str], None] = {}
    for told in timeline(proof.pairs):
        run, event = told.header.run, told.event
        who = _role(proof, run)
        match event:
            case RunRecovered():
                open_calls |= dict.fromkeys((run, call) for call in event.in_doubt)
                if not event.in_doubt:
                    yield f"{who}: nothing was under way"
            case ModelFailed(kind="in_doubt"):
                open_calls.pop((run, event.call), None)
                assumed = f"{format_usd(event.cost)} posted as assumed"
                yield f"{who}: a model was being asked; {assumed}, asked again"
            case ToolQueued(call=call) if (run, call) in open_calls:
                del open_calls[(run, call)]
                yield f"{who}: {_tool(proof, run, call)} was under way; made again"
            case ProbeCompleted(call=call) if event.verdict != "unknown":
                open_calls.pop((run, call), None)
                happened = f"the repository was asked: {event.verdict}"
                yield f"{who}: {_tool(proof, run, call)} may have happened or not; {happened}"
            case _:
                pass
    for run, call in open_calls:
        what = _tool(proof, run, call)
        yield f"{_role(proof, run)}: {what} may have happened or not; a human has to say"


def _role(proof: Proof, run: str) -> str:
    return next((role for (where, _), (role, _p) in proof.calls.items() if where == run), "lomu")


def _tool(proof: Proof, run: str, call: str) -> str:
    known = proof.calls.get((run, call))
    return call if known is None else known[1].tool
