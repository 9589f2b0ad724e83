"""A process that asks for many runs at once against one cap; killed, cancelled, several of them.

Usage: python -m tests.overspend.program URL ORDER, with an `Order` as JSON. It prints `ready`,
waits for a line, and prints what became of its runs.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress

from pydantic import BaseModel

from remit.adapters.prices import declare
from remit.app.app import App
from remit.app.run import Run
from remit.errors import NotAllowed
from remit.machine.agent import Agent, Remit
from remit.policy.allowance import Budget
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage

MODEL = "scripted:metered"
TENANT = "acme"


class Order(BaseModel):
    """What a process is to do."""

    runs: int = 500
    cap_usd: str
    output_usd: str = "15"
    """Per million tokens; input costs a fifth of it, as with most models."""
    share: int = 100
    """Real usage in percent of the estimate."""
    bound: int = 0
    """The upper bound of the input, which a model that uses all of it must know."""
    cancels: int = 0
    """Every so many-th run is cancelled while its model is asked."""
    latency_s: float = 0.02
    name: str = "p"


class MeteredModel:
    """Answers after a while and uses a share of what was reserved."""

    provider = "scripted"

    def __init__(self, order: Order) -> None:
        self._order = order

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The answer; `max_output_tokens` is what the engine allows."""
        del deadline_s, emit  # in one piece, far within the time
        await asyncio.sleep(self._order.latency_s)
        share = self._order.share
        usage = Usage(
            input=self._order.bound * share // 100,
            output=request.max_output_tokens * share // 100,
        )
        return ModelAnswer(parts=(RawText("done"),), stop="end", usage=usage, model=request.model)

    async def close(self) -> None:
        """Nothing to release."""


spender = Agent(
    "spender",
    model=MODEL,
    instructions="Answer.",
    remit=Remit(cost_usd="1000"),  # far above the cap that is tested
)


def app_on(url: str, order: Order, *, worker: bool = False) -> App:
    """The app of this journal; what everybody in it may spend together is capped."""
    output = order.output_usd
    return App(
        url,
        agents=[spender],
        models={"scripted": MeteredModel(order)},
        prices={"scripted:*": declare(MODEL, input_usd=_fifth(output), output_usd=output)},
        budgets=[Budget(of="tenant", cost_usd=order.cap_usd)],
        worker=worker,
    )


def _fifth(usd: str) -> str:
    return f"{float(usd) / 5:.9f}"


async def one(app: App, order: Order, number: int) -> Run[str] | Run[object]:
    """One run; cancelled where the order says so."""
    text, session = f"go {number:04}", f"{order.name}-{number}"
    if order.cancels == 0 or number % order.cancels:
        return await app.run(spender, text, tenant=TENANT, session=session)
    run = await app.start(spender, text, tenant=TENANT, session=session)
    await asyncio.sleep(order.latency_s / 2)
    with suppress(NotAllowed):  # it was refused for want of money and has ended
        await app.cancel(run, tenant=TENANT)
    return await app.wait(run, tenant=TENANT)


async def main(url: str, order: Order) -> None:
    """Ask for everything at once."""
    async with app_on(url, order) as app:
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        runs = await asyncio.gather(*(one(app, order, number) for number in range(order.runs)))
        counts = {"completed": 0, "stopped": 0}
        for run in runs:
            counts[run.status] += 1
        say(json.dumps(counts))


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Order.model_validate_json(sys.argv[2])))
