"""`remit demo`: a coding agent fixes a bug under its remit; nothing is needed but this package."""

import asyncio
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import click
from rich.console import Console

from remit.cli import demo_attack, demo_crash, demo_serve, demo_stage
from remit.cli.demo_attack import Bait
from remit.cli.demo_crash import Life
from remit.cli.demo_end import Ending, ending_json, print_ending
from remit.cli.demo_gate import Viewer, chosen
from remit.cli.demo_play import lomu, opened, play
from remit.cli.demo_proof import Claim, claims_of, gather
from remit.cli.demo_stage import Stage
from remit.cli.group import GOOD, INTERRUPTED, NO
from remit.cli.journal import Journal, open_journal, settings_of
from remit.cli.options import Options
from remit.cli.output import cell, console, print_json
from remit.errors import UsageError

Mode = Literal["plain", "crash", "attack"]
_SEEDS = 1_000_000  # few enough to be typed again
_MAX_PORT = 65_535

_BEGINNINGS: dict[str, str] = {
    "plain": "Lomu, a coding agent, fixes a bug in a scratch repository.",
    "crash": "The same, but the agent's process is killed on the way. The gate is answered with "
    "yes, as with --yes.",
    "attack": "A note in a source file takes the model over: it is to read keys and to commit "
    "without asking. The human at the gate says no.",
}


@dataclass(slots=True, kw_only=True)
class _Show:
    """One run of the demo."""

    options: Options
    mode: Mode
    stage: Stage
    out: Console
    yes: bool
    seed: int
    bait: Bait = field(default_factory=lambda: Bait((), frozenset()))
    lives: list[Life] = field(default_factory=list)
    started_s: float = field(default_factory=time.monotonic)


@click.command("demo")
@click.option("--yes", is_flag=True, help="Agree at the gate, as the local user.")
@click.option("--crash", is_flag=True, help="Kill the agent's process on the way; another goes on.")
@click.option("--attack", is_flag=True, help="Let a source file take the model over.")
@click.option("--seed", type=click.IntRange(min=0), help="With --crash: repeat its random point.")
@click.option("--resume", "resumes", is_flag=True, help="Take up the demo that was stopped last.")
@click.option("--serve", "serves", is_flag=True, help="Offer the console: chat, approve, pay.")
@click.option("--port", type=click.IntRange(0, _MAX_PORT), help="Of --serve; default: a free one.")
@click.pass_obj
def demo(  # one argument per option
    options: Options,
    *,
    yes: bool,
    crash: bool,
    attack: bool,
    seed: int | None,
    resumes: bool,
    serves: bool,
    port: int | None,
) -> int:
    """Watch Lomu, a coding agent, fix a bug in a scratch repository under its remit.

    No key, no network and no service are needed: the model is a scripted provider on this
    machine, everything else is real.
    """
    out = Console(file=sys.stderr, markup=False, highlight=False) if options.json else console()
    if serves:
        if crash or attack or yes or seed is not None:
            raise UsageError("--serve goes with --port and --resume alone")
        return _serve(options, out, port or 0, resumes=resumes)
    if port is not None:
        raise UsageError("--port is that of --serve; give both")
    mode: Mode = "crash" if crash else "attack" if attack else "plain"
    if (crash and attack) or (resumes and (crash or attack)):
        raise UsageError("--crash, --attack and --resume exclude each other; choose one")
    if seed is not None and not crash:
        raise UsageError("--seed repeats the point of --crash; give both")
    show = _Show(
        options=options,
        mode=mode,
        stage=demo_stage.latest() if resumes else demo_stage.build(mode),
        out=out,
        yes=yes,
        seed=secrets.randbelow(_SEEDS) if seed is None else seed,
    )
    try:
        return asyncio.run(_perform(show))
    except KeyboardInterrupt:
        again = "Again: remit demo --attack" if attack else "Go on with: remit demo --resume"
        show.out.print(f"\nstopped; nothing is lost. {again}")
        return INTERRUPTED


def _serve(options: Options, out: Console, port: int, *, resumes: bool) -> int:
    demo_serve.check()
    stage = demo_stage.latest("serve") if resumes else demo_stage.build("serve")
    out.print(cell("Lomu, a coding agent, in the console; a script answers for its model.", "bold"))
    try:
        asyncio.run(demo_serve.serve_demo(options, stage, port, out))
    except KeyboardInterrupt:  # before it served, or a second time
        return INTERRUPTED
    return GOOD


async def _perform(show: _Show) -> int:
    url = settings_of(show.options).url
    show.out.print(cell(_BEGINNINGS[show.mode], "bold"), soft_wrap=True)
    for name, value in (("repository", str(show.stage.repo)), ("journal", url)):
        show.out.print(cell(f"  {name:<11} {value}", "dim"), soft_wrap=True)
    async with demo_stage.provider(_prepare(show)) as variables:
        address = variables["ANTHROPIC_BASE_URL"]
        show.out.print(cell(f"  {'provider':<11} simulated, at {address}", "dim"), soft_wrap=True)
        await _play(show, url, variables)
    async with open_journal(show.options) as journal:
        ending = await _end(show, journal)
    if show.options.json:
        print_json(ending_json(ending))
    else:
        print_ending(show.out, ending)
    return GOOD if ending.holds else NO


def _prepare(show: _Show) -> Path:
    """Lay out what the mode needs beside the repository; its scenario."""
    if show.mode != "attack":
        return demo_stage.lomu_folder() / "demo" / "scenario.toml"
    show.bait = demo_attack.plant(show.stage)
    return demo_attack.scenario(show.stage)


async def _play(show: _Show, url: str, variables: Mapping[str, str]) -> None:
    if show.mode == "crash":
        point = demo_crash.point_of(show.seed)
        words = f"--seed {show.seed}: the kill comes {point}"
        show.out.print(cell(f"  {words}", "dim"), soft_wrap=True)
        show.lives = await demo_crash.crash(show.stage, url, variables, point, show.out)
        return
    fixed = demo_attack.refuse if show.mode == "attack" else chosen(yes=show.yes)
    viewer = Viewer(show.out, fixed)
    agent = lomu(show.stage)
    try:
        async with opened(url, agent, variables) as app:
            await play(app, agent, show.stage, viewer)
    finally:
        viewer.rest()


async def _end(show: _Show, journal: Journal) -> Ending:
    proof = await gather(journal, show.stage)
    if proof is None:
        raise UsageError("the run never began; run `remit demo` again")
    claims: list[Claim] = []
    if show.mode == "crash":
        claims += demo_crash.claims(show.lives, proof)
    claims += claims_of(show.stage, proof)
    if show.mode == "attack":
        claims += await demo_attack.claims(journal, show.stage, show.bait, proof)
    return Ending(
        mode=show.mode,
        seed=show.seed if show.mode == "crash" else None,
        url=journal.settings.url,
        stage=show.stage,
        proof=proof,
        claims=tuple(claims),
        doubts=tuple(demo_crash.in_doubt(proof)),
        attempts=tuple(demo_attack.attempts(proof)) if show.mode == "attack" else (),
        seconds=time.monotonic() - show.started_s,
    )
