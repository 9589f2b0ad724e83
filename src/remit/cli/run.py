"""`remit run` and `remit resume`: one run in this process, with its approvals at this terminal."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import click

from remit.app.app import App
from remit.app.attachments import read_attachment
from remit.app.following import tree_rows
from remit.app.people import LOCAL_TENANT
from remit.app.run import Run
from remit.cli.agents import check_models, load_agent
from remit.cli.asking import Asker, at_terminal
from remit.cli.ending import Ending, ending_json, head_of, print_ending
from remit.cli.following import Follower
from remit.cli.group import GOOD, NO
from remit.cli.journal import find_run, short
from remit.cli.options import Options
from remit.cli.output import print_json
from remit.cli.person import user_name
from remit.machine.agent import Agent

_SOON_S = 0.05  # a run that is being taken up is driven within this
_LOOK_S = 0.25  # how long a word said elsewhere may lie before this process looks at the run
_INPUT = "An input of the agent's function."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What this process is to drive, and how."""

    options: Options
    agent: Agent[object]
    reference: str
    detach: bool
    resumes: bool
    begin: Callable[[App], Awaitable[tuple[str, str]]]
    """Starts or finds the run: its tenant and id."""
    asks: bool = True
    """The agent's own models are asked, so they must be within reach."""


@click.command("run")
@click.argument("agent", metavar="MODULE:AGENT")
@click.argument("task")
@click.option("-i", "--input", "inputs", metavar="KEY=VALUE", multiple=True, help=_INPUT)
@click.option(
    "--attach",
    "attached",
    metavar="FILE",
    multiple=True,
    help="An image, a PDF or a text that the model sees (may be repeated).",
)
@click.option("--session", metavar="NAME", help="Continue the conversation of this session.")
@click.option("--user", metavar="NAME", help="For whom (default: you).")
@click.option(
    "--label", "labels", metavar="NAME", multiple=True, help="A label that budgets may limit."
)
@click.option("--detach", is_flag=True, help="End where only a human can move the run on.")
@click.pass_obj
def run(  # noqa: PLR0913  # one argument per option
    options: Options,
    *,
    agent: str,
    task: str,
    inputs: tuple[str, ...],
    attached: tuple[str, ...],
    session: str | None,
    user: str | None,
    labels: tuple[str, ...],
    detach: bool,
) -> int:
    """Run the agent MODULE:AGENT, or path/to/file.py:AGENT, on TASK.

    Where a call needs a human's word you are asked at the terminal; any other terminal can say it
    too: remit approve ID.
    """
    found = load_agent(agent, inputs)
    given = [task, *map(read_attachment, attached)]
    tenant = options.tenant or LOCAL_TENANT

    async def begin(app: App) -> tuple[str, str]:
        whom = user or user_name()
        run = await app.start(
            found,
            given,
            tenant=tenant,
            user=whom,
            session=session,
            labels=labels,
            interactive=not detach,
        )
        return tenant, run

    return conduct(
        Wish(
            options=options,
            agent=found,
            reference=agent,
            detach=detach,
            resumes=False,
            begin=begin,
        )
    )


@click.command("resume")
@click.argument("agent", metavar="MODULE:AGENT")
@click.argument("run_id", metavar="RUN")
@click.option("-i", "--input", "inputs", metavar="KEY=VALUE", multiple=True, help=_INPUT)
@click.option("--detach", is_flag=True, help="End where only a human can move the run on.")
@click.pass_obj
def resume(
    options: Options, *, agent: str, run_id: str, inputs: tuple[str, ...], detach: bool
) -> int:
    """Take RUN up again, after a crash, an interruption or an answer.

    What was under way is never repeated silently: reads are made again, writes follow their tool.
    """

    async def begin(app: App) -> tuple[str, str]:
        row = await find_run(app.store, options, run_id)
        return row.tenant, row.root

    return conduct(
        Wish(
            options=options,
            agent=load_agent(agent, inputs),
            reference=agent,
            detach=detach,
            resumes=True,
            begin=begin,
        )
    )


@dataclass(slots=True)
class _Conductor:
    """Drives one run until it has ended, or, detached, until only humans can move it on."""

    wish: Wish
    follower: Follower
    run: str = ""
    tenant: str = LOCAL_TENANT
    _seen: list[int] = field(default_factory=list)

    async def conduct(self) -> Ending:
        """The run as it stands at the end, and the signed head of its journal."""
        wish = self.wish
        async with App(wish.options.db, agents=[wish.agent]) as app:
            if wish.asks:
                check_models(app, wish.agent)
            self.tenant, self.run = await wish.begin(app)
            self.follower.begin(self.run)
            try:
                await self._follow(app, first=True)
                result = await self._until_ended(app)
            finally:
                self.follower.rest()
            return Ending(run=result, head=await head_of(app, wish.options, self.tenant))

    async def _follow(self, app: App, *, first: bool = False) -> None:
        """Show what happens until the run has ended or waits. Raises what broke a driver."""
        taken: asyncio.Task[Run[object]] | None = None
        if first and self.wish.resumes:
            taken = asyncio.create_task(app.resume(self.run, tenant=self.tenant))
        while True:
            over = taken is None or taken.done()
            async with aclosing(app.follow(self.run, tenant=self.tenant)) as items:
                async for item in items:
                    self.follower.see(item)
            if over:
                break
            await asyncio.sleep(_SOON_S)
        if taken is not None:
            await taken

    async def _until_ended(self, app: App) -> Run[object]:
        """Ask, or wait for words said elsewhere, and follow the run as it goes on."""
        asks = at_terminal() and not self.wish.options.json
        asker = Asker(app.desk, self.tenant, asks, self.follower.say, lambda: self._moved(app))
        while True:
            self._seen = await self._versions(app)
            result = await app.get(self.run, tenant=self.tenant)
            if result.status in ("completed", "stopped"):
                return result
            answered = await asker.deal(result)
            if self.wish.detach and not answered:
                return result
            if not answered:
                await self._moved(app)
            await self._follow(app)

    async def _moved(self, app: App) -> None:
        """Return once the tree of runs is further than it was."""
        while await self._versions(app) == self._seen:  # noqa: ASYNC110  # others move it on
            await asyncio.sleep(_LOOK_S)

    async def _versions(self, app: App) -> list[int]:
        """How far each run of the tree is: it changes when somebody's word was taken."""
        rows = await tree_rows(app.store, self.tenant, self.run)
        return [row.version for row in rows]


def conduct(wish: Wish) -> int:
    """Drive the run, print how it ended, and give the exit status."""
    cap_nano = wish.agent.remit.limits().cost_nano
    follower = Follower(quiet=wish.options.json, cap_nano=cap_nano)
    conductor = _Conductor(wish, follower)
    try:
        ending = asyncio.run(conductor.conduct())
    except KeyboardInterrupt:
        if conductor.run:
            again = f"remit resume {wish.reference} {short(conductor.run)}"
            follower.say(f"interrupted; nothing is lost: {again}")
        raise
    if wish.options.json:
        print_json(ending_json(ending))
    else:
        print_ending(ending)
    result = ending.run
    return NO if result.status == "stopped" or result.success is False else GOOD
