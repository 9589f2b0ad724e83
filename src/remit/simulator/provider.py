"""A simulated provider beside a program or a test: a server in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from remit.errors import ConfigError
from remit.simulator.load import load_scenario, parse_scenario
from remit.simulator.scenario import ECHO, Scenario, Script
from remit.simulator.served import Served
from remit.simulator.server import Simulator, running
from remit.values.usage import Usage

KEY = "no-key-is-needed-here"
"""What stands in the place of a key: the simulator takes any, so that nobody needs a real one."""
_PATIENCE_S = 30.0  # a server starts, answers and stops in milliseconds, even on a busy machine

_Told = TypeVar("_Told")


def environment(url: str) -> dict[str, str]:
    """The variables that lead Remit and the official SDKs to the simulator at `url`."""
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": url,
        "GEMINI_API_KEY": KEY,
    }


class SimulatedProvider:
    """A provider of models that follows a scenario, for as long as its context lasts.

    It listens on this machine only, at a port nobody else has. Every method may be called from any
    thread. Without a scenario it says what it is told.
    """

    def __init__(
        self, scenario: Scenario | Script | Path | None = None, *, key: str | None = None
    ) -> None:
        """`scenario` is a file (TOML or YAML), a `Scenario`, or a function of a request.

        With `key` any other key is refused. Raises `ConfigError` for a file that is wrong.
        """
        self.url = ""
        """The base URL for a client; empty before it runs."""
        self._scenario = ECHO if scenario is None else _read(scenario)
        self._key = key
        self._running: Future[tuple[Simulator, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start the server. Raises `ConfigError` if it runs already or cannot listen."""
        if self._thread is not None:
            raise ConfigError("this simulated provider was started before; make another one")
        self._thread = threading.Thread(target=self._main, name="remit-simulator", daemon=True)
        self._thread.start()
        self.url = self._running.result(_PATIENCE_S)[0].url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, also answers that hang."""
        if self._thread is None:
            return
        _, loop, stopped = self._running.result(_PATIENCE_S)
        loop.call_soon_threadsafe(stopped.set)
        self._thread.join(_PATIENCE_S)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that lead Remit and the official SDKs here."""
        return environment(self.url)

    @property
    def requests(self) -> tuple[Served, ...]:
        """The newest requests and what was done with each, the last at the end."""
        return self._asked(lambda simulator: tuple(simulator.served))

    @property
    def usage(self) -> Mapping[str, Usage]:
        """The tokens it answered, by model."""
        return self._asked(lambda simulator: dict(simulator.usage))

    def follow(self, scenario: Scenario | Script | Path) -> None:
        """Go on with another scenario. Raises `ConfigError` for a file that is wrong."""
        read = _read(scenario)
        self._asked(lambda simulator: simulator.follow(read))

    def follow_toml(self, text: str) -> None:
        """Go on with the scenario in a TOML text. Raises `ConfigError`."""
        self.follow(parse_scenario(text))

    def follow_yaml(self, text: str) -> None:
        """Go on with the scenario in a YAML text. Raises `ConfigError` and `MissingExtra`."""
        self.follow(parse_scenario(text, form="yaml"))

    # ------------------------------------------------------------ its thread

    def _asked(self, tell: Callable[[Simulator], _Told]) -> _Told:
        """What the server's own thread finds: nothing of it is touched from another one."""
        if self._thread is None or not self._thread.is_alive():
            raise ConfigError("the simulated provider does not run: use it inside `with`")
        simulator, loop, _ = self._running.result(_PATIENCE_S)

        async def ask() -> _Told:
            return tell(simulator)

        return asyncio.run_coroutine_threadsafe(ask(), loop).result(_PATIENCE_S)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as exc:  # whatever kept it from starting is told to who started it
            if self._running.done():
                raise
            self._running.set_exception(exc)

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        async with running(self._scenario, key=self._key) as simulator:
            self._running.set_result((simulator, asyncio.get_running_loop(), stopped))
            await stopped.wait()


def _read(scenario: Scenario | Script | Path) -> Scenario | Script:
    return load_scenario(scenario) if isinstance(scenario, Path) else scenario
