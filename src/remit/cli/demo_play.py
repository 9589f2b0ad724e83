"""Plays the demo's run in this process: the live view, the gate, the answer of the human."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import cast

from rich.console import Console
from rich.live import Live

from remit.app.app import LOCAL_TENANT, App
from remit.app.run import PendingApproval, Run
from remit.cli.demo_stage import TASK, Stage, git, lomu_folder, model
from remit.cli.importing import import_file
from remit.cli.live import LiveView, can_redraw
from remit.cli.output import cell
from remit.cli.person import principal
from remit.cli.plain import printable
from remit.machine.agent import Agent
from remit.runtime.hub import StreamItem
from remit.values.money import usd

CAP_USD = "1.00"
TESTS = "python -m unittest"
CHANNEL = "demo"
_LINE_BYTES = 4096
_PER_SECOND = 8  # redraws: smooth enough, cheap enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the human at the gate says, and how it is shown that it was said."""

    agrees: bool
    comment: str
    shown: str


Ask = Callable[[PendingApproval], "Answer | None"]
"""Answers for the human without asking at the terminal; None asks there."""


def lomu(stage: Stage) -> Agent[object]:
    """The example's agent on the scratch repository."""
    make = cast("Callable[..., Agent[object]]", import_file(lomu_folder() / "app.py").app)
    return make(str(stage.repo), tests=TESTS, cost_usd=CAP_USD)


@asynccontextmanager
async def opened(url: str, agent: Agent[object], variables: dict[str, str]) -> AsyncIterator[App]:
    """The app on the journal, with the provider's client led to the simulator."""
    async with App(url, agents=[agent], models={"anthropic": model(variables)}) as app:
        yield app


async def play(
    app: App, agent: Agent[object], stage: Stage, *, console: Console, ask: Ask
) -> Run[object]:
    """Run the agent, or take its run up again, until it ends; at the gate somebody answers."""
    view = LiveView(usd(CAP_USD))
    known = await app.store.runs(LOCAL_TENANT, session=stage.session)
    if known:
        run = known[-1].root
        result = await _resumed(app, run, view, console)
    else:
        run = await app.start(agent, TASK, session=stage.session)
        await _watch(app.follow(run), view, console)
        result = await app.wait(run, timeout_s=0)
    while result.status == "waiting" and result.approvals:
        for pending in result.approvals:
            await _decide(app, stage, pending, console, ask)
        await _watch(app.follow(run), view, console)
        result = await app.wait(run, timeout_s=0)
    return result


async def _resumed(app: App, run: str, view: LiveView, console: Console) -> Run[object]:
    going = asyncio.create_task(app.resume(run))
    try:
        await _watch(app.follow(run), view, console)
        return await going
    finally:
        going.cancel()


async def _watch(items: AsyncIterator[StreamItem], view: LiveView, console: Console) -> None:
    redraws = can_redraw(console)
    live = Live(view, console=console, refresh_per_second=_PER_SECOND, vertical_overflow="crop")
    with live if redraws else nullcontext():
        async for item in items:
            for line in view.add(item):
                if not redraws:
                    console.print(cell(line), soft_wrap=True)


async def _decide(
    app: App, stage: Stage, pending: PendingApproval, console: Console, ask: Ask
) -> None:
    """Show the exact call, get the human's word, hand it in through the desk."""
    show_gate(console, stage, pending)
    answer = ask(pending)
    if answer is None:
        console.print("Commit this? [y/N] ", end="")
        agrees = (await read_line()).strip().lower() in ("y", "yes")
        answer = Answer(agrees=agrees, comment="", shown="")
    if answer.shown:
        console.print(answer.shown)
    say = app.desk.approve if answer.agrees else app.desk.deny
    await say(
        LOCAL_TENANT,
        pending.id,
        principal=principal(),
        channel=CHANNEL,
        comment=answer.comment,
    )


def show_gate(console: Console, stage: Stage, pending: PendingApproval) -> None:
    """What the human decides on: the call with its whole arguments, and what it changes."""
    console.rule("a human must agree")
    console.print(cell(f"{pending.tool} {printable(pending.arguments)}", "bold"), soft_wrap=True)
    console.print(cell(git(stage.repo, "diff", "--stat", "HEAD")))
    console.print(cell(git(stage.repo, "diff", "--no-color", "--unified=1", "HEAD")))
    console.print(f"rule {pending.rule}; digest of the exact call {pending.digest}")


async def read_line() -> str:
    """One line from the terminal, without keeping Ctrl-C waiting; empty at its end."""
    loop = asyncio.get_running_loop()
    read: asyncio.Future[str] = loop.create_future()

    def take() -> None:
        if not read.done():
            read.set_result(os.read(sys.stdin.fileno(), _LINE_BYTES).decode(errors="replace"))

    loop.add_reader(sys.stdin.fileno(), take)
    try:
        return await read
    finally:
        loop.remove_reader(sys.stdin.fileno())
