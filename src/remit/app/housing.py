"""Where sources of tools start their programs: the app's sandbox, with keys and journal hidden."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from remit.app.drift import Drift
from remit.app.lazy import LazySandbox
from remit.app.load import make_sandbox, named
from remit.machine.agent import Agent
from remit.machine.source import House, Housed
from remit.ports import Sandbox
from remit.runtime.confining import hiding
from remit.values.command import Command, Program


def house_of(
    sandbox: Sandbox | None = None,
    hidden: tuple[str, ...] = (),
    environment: str = "dev",
    drift: Drift | None = None,
) -> House:
    """A house over a sandbox, by default the strongest that works here.

    `hidden`: host paths that no program may see. `drift` hears of tools that were stopped.
    """
    walls = LazySandbox(make_sandbox) if sandbox is None else sandbox

    @asynccontextmanager
    async def start(command: Command) -> AsyncIterator[Program]:
        async with walls.open(hiding(command, hidden)) as program:
            yield program

    opener = cast("Callable[[Command], AbstractAsyncContextManager[Program]]", start)
    heard = Drift() if drift is None else drift
    return House(open=opener, place=_place, environment=environment, stopped=heard.notice)


def settle(agents: Iterable[Agent[object]], house: House) -> None:
    """Move the sources of all tools there. Raises `SpecError` for one that may not live there."""
    for agent in agents:
        for each in agent.tools:
            if isinstance(each.source, Housed):
                each.source.settle(house)
        settle(agent.agents, house)


def _place(path: str, tenant: str, user: str) -> str:
    place = cast(
        "Callable[[str, str, str], str]", named("remit.adapters.files.principal", "place", "")
    )
    return place(path, tenant, user)
