"""Plays the demo's run in this process, before an audience that sees it and answers at the gate."""

import asyncio
import os
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from remit.app.app import LOCAL_TENANT, App
from remit.app.config import Settings
from remit.app.load import make_model
from remit.app.run import PendingApproval, Run
from remit.cli.agents import load_agent
from remit.cli.demo_stage import TASK, Stage, lomu_folder
from remit.cli.journal import pairs_of
from remit.cli.person import principal, user_name
from remit.errors import NotAllowed, NotFound
from remit.machine.agent import Agent
from remit.projections.timeline import timeline
from remit.runtime.hub import StreamEvent, StreamItem

CAP_USD = "1.00"
TESTS = "python -m unittest"
CHANNEL = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the human at the gate says."""

    agrees: bool
    comment: str


class Audience(Protocol):
    """Who watches a run, and answers for the human."""

    def recall(self, item: StreamItem) -> None:
        """Something had happened before this process took the run up."""
        ...

    def see(self, item: StreamItem) -> None:
        """Something happened."""
        ...

    async def decide(self, pending: PendingApproval) -> Answer:
        """The human's word on one exact call."""
        ...


def lomu(stage: Stage) -> Agent[object]:
    """The example's agent on the scratch repository."""
    inputs = (f"repo={stage.repo}", f"tests={TESTS}", f"cost_usd={CAP_USD}")
    return load_agent(f"{lomu_folder() / 'app.py'}:app", inputs)


def opened(
    url: str, agent: Agent[object], variables: Mapping[str, str]
) -> AbstractAsyncContextManager[App]:
    """The app on the journal; the real client of the real protocol, led to the simulator."""
    model = make_model("anthropic", Settings(), variables)
    return App(url, agents=[agent], models={"anthropic": model})


async def play(app: App, agent: Agent[object], stage: Stage, audience: Audience) -> Run[object]:
    """Run the agent, or take its run up again, until it has ended or nobody here can move it on."""
    known = await app.store.runs(LOCAL_TENANT, session=stage.session)
    if known:
        run = known[0].root
        row = next(row for row in known if row.run == run)
        for told in timeline(await pairs_of(app.store, row)):
            header = told.header
            audience.recall(StreamEvent(header.run, header.version, 0, told.event))
        work = app.resume(run)
    else:
        run = await app.start(agent, TASK, user=user_name(), session=stage.session)
        work = _settled(app, run)
    result = await _watched(app, run, work, audience)
    while result.status == "waiting" and result.approvals:
        for pending in result.approvals:
            await _answer(app, pending, await audience.decide(pending))
        result = await _watched(app, run, _settled(app, run), audience)
    return result


async def _settled(app: App, run: str) -> Run[object]:
    await app.engine.settled(LOCAL_TENANT, run)
    return await app.get(run)


async def _watched(
    app: App, run: str, work: Coroutine[object, object, Run[object]], audience: Audience
) -> Run[object]:
    """The result of `work`; meanwhile the audience sees what happens."""
    hub = app.engine.services.hub
    reader = hub.subscribe(LOCAL_TENANT, run)
    task = asyncio.create_task(work)
    task.add_done_callback(lambda _: reader.close())
    try:
        async for item in reader.items():
            audience.see(item)
        return await task
    finally:
        hub.unsubscribe(LOCAL_TENANT, run, reader)
        task.cancel()


async def _answer(app: App, pending: PendingApproval, answer: Answer) -> None:
    """Hand the human's word in through the desk, the only way there is."""
    who, comment = principal(), answer.comment
    try:
        if answer.agrees:
            await app.desk.approve(
                LOCAL_TENANT,
                pending.id,
                principal=who,
                channel=CHANNEL,
                digest=pending.digest,
                comment=comment,
            )
        else:
            await app.desk.deny(
                LOCAL_TENANT, pending.id, principal=who, channel=CHANNEL, comment=comment
            )
    except (NotFound, NotAllowed):
        pass  # somebody answered at another terminal; the run goes on with their word


def process_variables() -> dict[str, str]:
    """The variables that lead this process's client to a provider."""
    return {key: value for key, value in os.environ.items() if key.startswith("ANTHROPIC_")}
