"""A process that starts many runs at once, each of which calls one tool whose rate they share."""

import asyncio
import sys
from collections.abc import Callable

from remit import Agent, App, Remit, ScriptedModel, tool
from remit.adapters.prices import declare
from remit.adapters.scripted import Reply, turn_of
from remit.policy.rate import Rate
from remit.values.model import ModelRequest

TEN = 10
MODEL = "scripted:x"


def say(word: str) -> None:
    """Tell the process that watches this one."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


@tool(rate=Rate(rate=f"{TEN}/second", per=("tool", "tenant")))
async def knock(door: int) -> str:
    """Knock at a door."""
    return f"knocked at {door}"


@tool(access="write", on_crash="repeat", rate="1/second")
async def ring(door: int) -> str:
    """Ring at a door."""
    say("rung")
    return f"rung at {door}"


caller = Agent(
    "caller",
    model=MODEL,
    instructions="Call.",
    tools=[knock, ring],
    remit=Remit(approvals={ring: 0}),
)


def app_on(url: str, name: str, *, calls: int = 1, worker: bool = False) -> App:
    """The caller's app; its model calls the tool of that name, and then is done."""
    wanted: list[Reply] = [{name: {"door": number}} for number in range(calls)]
    models = {"scripted": ScriptedModel(*[_of(wanted)] * 1_000)}
    prices = {"scripted:*": declare(MODEL, input_usd="1", output_usd="2")}
    return App(url, agents=[caller], models=models, prices=prices, worker=worker)


def _of(wanted: list[Reply]) -> Callable[[ModelRequest], Reply]:
    def script(request: ModelRequest) -> Reply:
        return "Done." if turn_of(request.messages) else wanted

    return script


async def crowd(url: str, name: str, count: int, calls: int) -> None:
    """Start so many runs of so many calls at once, when told to, and see all of them through."""
    async with app_on(url, name, calls=calls) as app:
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        done = await asyncio.gather(*(app.run(caller, "Call.") for _ in range(count)))
        say(str(sum(run.status == "completed" for run in done)))


if __name__ == "__main__":
    asyncio.run(crowd(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
