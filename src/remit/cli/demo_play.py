"""Plays the demo's run in this process, before an audience that sees it and answers at the gate."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Protocol

from remit.app.app import App
from remit.app.config import Settings
from remit.app.load import make_model
from remit.app.people import LOCAL_TENANT
from remit.app.run import PendingApproval, Run
from remit.cli.agents import load_agent
from remit.cli.demo_stage import TASK, Stage, lomu_folder
from remit.cli.person import principal, user_name
from remit.errors import NotAllowed, NotFound
from remit.machine.agent import Agent
from remit.runtime.hub import StreamEvent, StreamItem

CAP_USD = "1.00"
TESTS = "python -m unittest"
CHANNEL = "demo"
_SOON_S = 0.02  # a run that is being taken up is not followed yet


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
        before = {row.run: row.version for row in known}
        showing = _Showing(app, run, audience, before)
        await showing.follow(asyncio.create_task(app.resume(run)))
    else:
        run = await app.start(agent, TASK, user=user_name(), session=stage.session)
        showing = _Showing(app, run, audience, {})
        await showing.follow()
    result = await app.get(run)
    while result.status == "waiting" and result.approvals:
        for pending in result.approvals:
            await _answer(app, pending, await audience.decide(pending))
        await showing.follow()
        result = await app.get(run)
    return result


@dataclass(slots=True)
class _Showing:
    """Shows the audience each event of a run once; `before` is how far each sub-run was."""

    app: App
    run: str
    audience: Audience
    before: Mapping[str, int]
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def follow(self, taken: asyncio.Task[Run[object]] | None = None) -> None:
        """Until the run has ended or waits, and until `taken`, which wakes it, is done."""
        try:
            while True:
                over = taken is None or taken.done()
                async with aclosing(self.app.follow(self.run)) as items:
                    async for item in items:
                        self._show(item)
                if over:
                    break
                await asyncio.sleep(_SOON_S)
            if taken is not None:
                await taken
        finally:
            if taken is not None:
                taken.cancel()

    def _show(self, item: StreamItem) -> None:
        if not isinstance(item, StreamEvent):
            self.audience.see(item)
            return
        place = (item.version, item.index)
        if place <= self.seen.get(item.run, (0, 0)):
            return
        self.seen[item.run] = place
        if item.version <= self.before.get(item.run, 0):
            self.audience.recall(item)
        else:
            self.audience.see(item)


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
