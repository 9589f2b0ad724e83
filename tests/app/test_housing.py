"""Sources of tools live in the app's sandbox; in production none lives outside one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from remit import Agent, App, Remit, mcp_tools
from remit.adapters.keys import new_keys
from remit.app.housing import house_of
from remit.errors import SpecError
from remit.ports import Sandbox
from remit.values.command import Command, Finished, Program
from tests.runtime.stage import PRICES, an_agent

pytestmark = pytest.mark.requirement("TOOL-17", "TOOL-10")


class Walls:
    """Notes what it is given."""

    name = "walls"

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def run(self, command: Command) -> Finished:
        raise AssertionError(f"nothing is run: {command}")

    @asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Program]:
        self.commands.append(command)
        yield cast("Program", None)


async def test_journal_and_keys_are_hidden_where_they_exist(tmp_path: Path) -> None:
    there, not_yet = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    there.touch()
    walls = Walls()
    house = house_of(cast("Sandbox", walls), (str(there), str(not_yet)))
    async with house.open(Command(argv=("true",), cwd="/", hide=("/own",))):
        pass
    assert walls.commands[0].hide == ("/own", str(there))


async def test_placeholders_are_folders(tmp_path: Path) -> None:
    path = house_of().place(f"{tmp_path}/{{tenant}}/{{user}}", "acme", "ann")
    assert path == f"{tmp_path}/acme/ann"


@pytest.mark.parametrize("below", [False, True])
async def test_production_starts_with_no_server_outside_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, below: bool
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    tools = mcp_tools(
        "shop",
        command=["shop-server"],
        allow=["find"],
        access={"find": "read"},
        unconfined="it drives a machine of ours",
        pins=tmp_path / "shop.json",
    )
    agent: Agent[object] = cast("Agent[object]", an_agent(tools=tools, remit=Remit()))
    if below:
        agent = cast("Agent[object]", an_agent("top", agents=[agent]))
    url = f"sqlite:///{tmp_path / 'j.db'}"
    for environment in ("dev", "production"):
        app = App(url, agents=[agent], prices=PRICES, environment=environment)
        if environment == "dev":
            async with app:
                pass
            continue
        with pytest.raises(SpecError, match="outside any sandbox, which production refuses"):
            await app.__aenter__()
