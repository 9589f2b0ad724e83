"""Runs the simulator as a process of its own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable

from remit.simulator.named import find_scenario
from remit.simulator.scenario import ECHO
from remit.simulator.server import running


def serve(
    scenario: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    key: str | None = None,
    until_stdin_closes: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until standard input ends.

    `scenario` is a TOML or YAML file, or a function as `module:function`; without one it says what
    it is told. `ready` gets the one JSON line that tells the
    address, `{"url": …, "pid": …}`; by default it is printed. Raises `ConfigError`.
    """
    loaded = ECHO if scenario is None else find_scenario(scenario)
    tell = ready or _print_line

    async def main() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        if until_stdin_closes:
            loop.add_reader(sys.stdin.fileno(), _watch, stopped)
        async with running(loaded, host=host, port=port, key=key) as simulator:
            tell(json.dumps({"url": simulator.url, "pid": os.getpid()}))
            await stopped.wait()

    asyncio.run(main())


def _watch(stopped: asyncio.Event) -> None:
    """Whoever started this process holds the other end: when it dies, there is nobody to serve."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopped.set()


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
