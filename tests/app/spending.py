"""Apps with budgets, a clock that a test sets, and a model that always uses the same."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from remit import Agent, App, Remit, ScriptedModel
from remit.adapters.scripted import Reply, answer_for
from remit.app import assemble
from remit.policy.allowance import Budget
from remit.policy.plan import Plans
from remit.values.model import ModelAnswer, ModelRequest
from remit.values.usage import Usage
from tests.runtime.kit import HandClock
from tests.runtime.stage import PRICES, an_agent

USAGE = Usage(input=100, output=100)
COST = 300_000
"""Nano-dollars of one call at the prices of the stage."""
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def at(text: str) -> int:
    """An instant of UTC, in milliseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOON = at("2026-11-21T12:00")


def steady(request: ModelRequest, said: Reply = "Done.") -> ModelAnswer:
    """An answer that used `USAGE`, whatever was asked."""
    plain = answer_for(request, said, 1)
    return ModelAnswer(parts=plain.parts, stop=plain.stop, usage=USAGE, model=plain.model)


def worker(**limits: str) -> Agent[str]:
    """An agent that answers at once."""
    return an_agent(remit=Remit(**limits))  # type: ignore[arg-type] # by name


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """The clock of apps that are opened after this: noon of a day."""
    clock = HandClock(NOON)
    monkeypatch.setattr(assemble, "WallClock", lambda: clock)
    return clock


@asynccontextmanager
async def spending(
    *budgets: Budget,
    agents: Iterable[Agent[object]],
    url: str = "memory:",
    calls: int = 60,
    worker: bool = False,
    plans: Plans | None = None,
) -> AsyncIterator[App]:
    """An open app with these budgets whose model is steady."""
    app = App(
        url,
        agents=agents,
        models={"scripted": ScriptedModel(*[steady] * calls)},
        prices=PRICES,
        budgets=budgets,
        worker=worker,
        plans=plans,
    )
    async with app:
        yield app
