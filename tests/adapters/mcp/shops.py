"""Tools of the shop server for tests: in a sandbox or at an address, all of them accepted."""

import inspect
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from remit import mcp_tools
from remit.adapters.mcp.pins import Offer, write_pins
from remit.adapters.mcp.tools import PinnedServer
from remit.machine.tools import AnyTool
from tests.adapters.openapi.api import a_call

SERVER = Path(__file__).with_name("shop_server.py")
COMMAND = (sys.executable, str(SERVER), "stdio")
ALLOW = ("find_order", "tell_environment", "look_around")
OFFERED: dict[str, Offer] = {}


def tools_of(folder: Path, **changes: object) -> dict[str, AnyTool]:
    """The declared tools by name; what a human accepted lies in the folder."""
    words: dict[str, object] = {
        "command": COMMAND,
        "allow": ALLOW,
        "pins": folder / "shop.json",
        "access": {"find_order": "read"},
        **changes,
    }
    if words["command"] == COMMAND and not words.get("unconfined"):
        words["read"] = (str(SERVER.parent), *cast("tuple[str, ...]", changes.get("read", ())))
    made = mcp_tools("shop", **words)  # type: ignore[arg-type]  # words of a declaration
    return {each.name: each for each in made}


def source_of(tools: dict[str, AnyTool]) -> PinnedServer:
    """What is behind the tools."""
    source = next(iter(tools.values())).source
    assert isinstance(source, PinnedServer)
    return source


async def accept_all(folder: Path) -> None:
    """Write down the offers of the shop as accepted; it is asked once by the process."""
    if not OFFERED:
        # In a sandbox nothing is written: what is not compiled yet would be each time.
        subprocess.run([sys.executable, "-c", "import mcp.server.mcpserver"], check=True)
        first = source_of(tools_of(folder))
        OFFERED.update(await first.server.offers())
        await first.close()
    write_pins(folder / "shop.json", "shop", {name: OFFERED[name] for name in ALLOW})


@asynccontextmanager
async def opened(folder: Path, **changes: object) -> AsyncIterator[dict[str, AnyTool]]:
    """Tools of a server of which everything was accepted."""
    await accept_all(folder)
    tools = tools_of(folder, **changes)
    try:
        yield tools
    finally:
        await source_of(tools).close()


async def use(tool: AnyTool, arguments: str, credential: str | None = None, **who: str) -> str:
    """What the tool says to a call of Ann of acme, or of somebody else."""
    call = replace(a_call(credential), **who)  # type: ignore[arg-type]  # tenant and user
    result = tool.function(**tool.bind(tool.parse(arguments), call))
    assert inspect.isawaitable(result)
    return cast("str", await result)
