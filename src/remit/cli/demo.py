"""`remit demo`: a coding agent fixes a bug under its remit; nothing is needed but this package."""

import asyncio
import sys
import time

import click
from rich.console import Console

from remit.app.run import PendingApproval
from remit.cli import demo_play, demo_stage
from remit.cli.demo_play import Answer, Ask
from remit.cli.demo_stage import Stage
from remit.cli.drawing import draw
from remit.cli.group import GOOD, INTERRUPTED, NO
from remit.cli.journal import pairs_of, settings_of
from remit.cli.options import Options
from remit.cli.output import cell, console
from remit.projections.tree import decision_tree
from remit.values.money import format_usd


@click.command("demo")
@click.option("--yes", is_flag=True, help="Agree at the gate, as the local user.")
@click.option("--resume", "resumes", is_flag=True, help="Take up the demo that was stopped last.")
@click.pass_obj
def demo(options: Options, *, yes: bool, resumes: bool) -> int:
    """Watch Lomu, a coding agent, fix a bug in a scratch repository under its remit."""
    stage = demo_stage.latest() if resumes else demo_stage.build("plain")
    out = Console(file=sys.stderr) if options.json else console()
    try:
        return asyncio.run(_plain(options, stage, out, yes=yes))
    except KeyboardInterrupt:
        out.print("\nstopped; the run is in the journal. Go on with: remit demo --resume")
        return INTERRUPTED


async def _plain(options: Options, stage: Stage, out: Console, *, yes: bool) -> int:
    url = settings_of(options).url
    started = time.monotonic()
    out.print(cell(f"scratch repository: {stage.repo}"), soft_wrap=True)
    out.print(cell(f"journal: {url}"), soft_wrap=True)
    scenario = demo_stage.lomu_folder() / "demo" / "scenario.toml"
    agent = demo_play.lomu(stage)
    async with (
        demo_stage.provider(scenario) as variables,
        demo_play.opened(url, agent, variables) as app,
    ):
        run = await demo_play.play(app, agent, stage, console=out, ask=_ask(yes=yes))
        row = await app.store.run(run.tenant, run.id)
        if row is None:
            raise RuntimeError("the run is not in its own journal")
        pairs = await pairs_of(app.store, row)
    out.print(draw(decision_tree(pairs, run.id)))
    out.print(cell(demo_stage.git(stage.repo, "show", "--stat", "HEAD")))
    done = await demo_stage.run_tests(stage.repo)
    out.print(cell(done.stderr.decode()))
    out.print(f"{time.monotonic() - started:.1f} s, {run.status}, {format_usd(run.cost_nano)}")
    return GOOD if run.status == "completed" else NO


def _ask(*, yes: bool) -> Ask:
    """Who answers at the gate: `--yes`, the terminal, or, where there is none, the local user."""

    def ask(_pending: PendingApproval) -> Answer | None:
        if yes:
            return Answer(agrees=True, comment="--yes", shown="--yes: agreed as the local user")
        if not sys.stdin.isatty():
            said = "no terminal to ask at: agreed as the local user, as --yes does"
            return Answer(agrees=True, comment="no terminal", shown=said)
        return None

    return ask
