"""`remit undo`: takes back what an ended run did, newest first, in a run of its own."""

import asyncio
from dataclasses import asdict, dataclass

import click

from remit.app.app import App
from remit.app.undo import plan_undo, undo_agent, wish_to_undo
from remit.cli.agents import load_agent
from remit.cli.group import GOOD, NO
from remit.cli.journal import find_run, open_journal
from remit.cli.options import Options
from remit.cli.output import print_json
from remit.cli.person import user_name
from remit.cli.plain import one_line
from remit.cli.run import Wish, conduct
from remit.errors import SpecError
from remit.machine.agent import Agent
from remit.projections.undoing import Effect, Step
from remit.runtime.reader import Reader

_LINE = 200
_LONG = 400  # a doubt ends with the command that settles it
_INPUT = "An input of the agent's function."
_DOUBTFUL = "Take this back although it is in doubt: you have looked. Again for more."


@dataclass(frozen=True, slots=True)
class _Plan:
    steps: tuple[Step, ...]
    lasting: tuple[Effect, ...]


@click.command("undo")
@click.argument("agent", metavar="MODULE:AGENT")
@click.argument("run_id", metavar="RUN")
@click.option("-i", "--input", "inputs", metavar="KEY=VALUE", multiple=True, help=_INPUT)
@click.option("--doubtful", metavar="RUN/CALL", multiple=True, help=_DOUBTFUL)
@click.option("--dry-run", is_flag=True, help="Only say what would be taken back.")
@click.option("--detach", is_flag=True, help="End where only a human can move the run on.")
@click.pass_obj
def undo(
    options: Options,
    *,
    agent: str,
    run_id: str,
    inputs: tuple[str, ...],
    doubtful: tuple[str, ...],
    dry_run: bool,
    detach: bool,
) -> int:
    """Take back what RUN did, newest first: each tool's own compensation, judged like any call.

    MODULE:AGENT is the agent of RUN. What was undone before is left out; what cannot be undone, or
    is in doubt, is named. Status 1 when something was not undone.
    """
    found = load_agent(agent, inputs)
    if dry_run:
        return _show(options, asyncio.run(_plan(options, run_id, undo_agent(found), doubtful)))

    async def begin(app: App) -> tuple[str, str]:
        row = await find_run(app.store, options, run_id)
        chosen, wish = await wish_to_undo(
            app.engine.reader, row.tenant, row.root, app.agents, user_name(), doubtful
        )
        run = await app.launch(chosen, wish)
        await app.engine.begun(row.tenant, run)
        return row.tenant, run

    return conduct(
        Wish(
            options=options,
            agent=found,
            reference=agent,
            detach=detach,
            resumes=False,
            begin=begin,
            asks=False,
        )
    )


async def _plan(
    options: Options, run_id: str, agent: Agent[object] | None, doubtful: tuple[str, ...]
) -> _Plan:
    if agent is None:
        raise SpecError("none of the agent's tools declares what undoes it")
    async with open_journal(options) as journal:
        row = await find_run(journal.store, options, run_id)
        steps, lasting = await plan_undo(Reader(journal.store), row, agent, doubtful)
        return _Plan(steps, lasting)


def _show(options: Options, plan: _Plan) -> int:
    due = [step for step in plan.steps if not step.doubt]
    if options.json:
        print_json(
            {
                "steps": [asdict(step) for step in plan.steps],
                "lasting": [{"of": effect.key, "tool": effect.tool} for effect in plan.lasting],
            }
        )
        return GOOD if due else NO
    for step in due:
        click.echo(one_line(f"{step.tool} {step.arguments} takes back {step.of}", _LINE))
    for step in plan.steps:
        if step.doubt:
            click.echo(one_line(f"{step.tool} waits: {step.of}: {step.doubt}", _LONG))
    for effect in plan.lasting:
        click.echo(one_line(f"{effect.tool} ({effect.key}) cannot be taken back", _LINE))
    if not plan.steps:
        click.echo("there is nothing to undo")
    return GOOD if due else NO
