"""Triages all tickets: a run for each, taken up again where one was cut, people asked."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from helpdesk.answer import Triage
from rehearsal.cases import Case
from rehearsal.finance import Finance
from remit import Agent, App, Run

_WIDTH = 8  # tickets at a time
_ROUNDS = 6  # times that people look at one ticket: each call of a run may be asked about once
USERS = {"aurora": "mia", "bergtal": "tom"}
"""On whose behalf each shop's desk works."""

Told = Callable[[Case, Run[object]], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """An open app, its agent, and the people."""

    app: App
    agent: Agent[Triage]
    finance: Finance
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each ticket took, people included."""

    async def triage(self, cases: Sequence[Case], told: Told) -> dict[str, Run[object]]:
        """The run of each ticket, once it has ended or waits for people who do not come."""
        gate = asyncio.Semaphore(_WIDTH)
        runs: dict[str, Run[object]] = {}

        async def one(case: Case) -> None:
            async with gate:
                began = time.monotonic()
                run = await self.one(case)
            if run.delays:  # its mail waits to leave; meanwhile the others go on
                run = await self.app.wait(run.id, tenant=case.tenant)
            self.seconds[case.id] = time.monotonic() - began
            runs[case.id] = run
            told(case, run)

        async with asyncio.TaskGroup() as group:
            for case in cases:
                group.create_task(one(case))
        return runs

    async def one(self, case: Case) -> Run[object]:
        """Triage one ticket, or go on with it, until it ends or its mail waits to leave."""
        run = await self._begun(case)
        for _ in range(_ROUNDS):
            if run.status != "waiting" or not run.approvals:
                break
            await self.finance.look(self.app, run)
            run = await self.app.resume(run.id, tenant=case.tenant)
        return run

    async def _begun(self, case: Case) -> Run[object]:
        rows = await self.app.store.runs(case.tenant, session=case.id, limit=1)
        if rows:
            return await self.app.resume(rows[0].run, tenant=case.tenant)
        run = await self.app.start(
            self.agent,
            f"Ticket {case.id} came in.",
            tenant=case.tenant,
            user=USERS[case.tenant],
            session=case.id,
            labels=["helpdesk"],
            roles=["support"],
        )
        return await self.app.resume(run, tenant=case.tenant)
