"""The served process: who may reach it, what it prints, and how it ends on SIGTERM."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from remit.server.serving import Place
from tests.cli.terminal import Remit
from tests.docs.blocks import blocks
from tests.tidy.tree import ROOT

APP = """
import asyncio

from remit import Agent, App, Remit, ScriptedModel, declare, tool


@tool(access="write", timeout="1m")
async def bake(cake: str) -> str:
    \"\"\"Bake a cake.\"\"\"
    open("oven", "a").write("in ")
    await asyncio.sleep(SECONDS)
    open("oven", "a").write("out ")
    return f"baked {cake}"


agent = Agent("baker", model="scripted:x", instructions="You bake.", tools=[bake],
              remit=Remit(approvals={bake: 0}))
prices = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
app = App(agents=[agent], models={"scripted": ScriptedModel({"bake": {"cake": "plum"}}, "done")},
          prices=prices)
"""


@pytest.fixture
def remit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remit:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{tmp_path / 'j.db'}")
    return Remit()


@contextmanager
def serving(folder: Path, *more: str, seconds: float = 0.5) -> Iterator[tuple[str, str, object]]:
    """A server of a baker: its address, its link, its process."""
    file = folder / "bakery.py"
    file.write_text(APP.replace("SECONDS", str(seconds)))
    command = [sys.executable, "-m", "remit", "serve", f"{file}:app", "--port", "0", "--json"]
    with subprocess.Popen([*command, *more], stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield told["url"], told["link"], process
        finally:
            process.kill()


@pytest.mark.requirement("OPS-5")
async def test_sigterm_lets_a_run_finish(remit: Remit, tmp_path: Path) -> None:
    made = await remit.tree_elsewhere("key", "create", "ci", "--role", "operator")
    headers = {"authorization": f"Bearer {made['token']}"}
    with serving(tmp_path, seconds=1.5) as (url, _, process):
        assert isinstance(process, subprocess.Popen)
        async with aiohttp.ClientSession(headers=headers) as http:
            body = {"agent": "baker", "input": "a cake", "user": "u"}
            async with http.post(f"{url}/api/v1/runs", json=body) as answer:
                assert answer.status == 201
                run = (await answer.json())["run"]
            while not (tmp_path / "oven").exists():
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait) == 0
    assert (tmp_path / "oven").read_text() == "in out "
    shown = await remit.elsewhere("show", run)
    assert "completed" in shown.output


def test_the_documented_server_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REMIT_URL", raising=False)
    written = [each for each in blocks(ROOT, "docs/howto/server.md") if "remit serve" in each.code]
    [file] = [each for each in blocks(ROOT, "docs/howto/server.md") if "bakery.py" in each.marker]
    (tmp_path / "bakery.py").write_text(file.code)
    [shown] = [each for each in written if each.language == "console"]
    command, *lines = shown.code.strip().splitlines()
    _, _, arguments = command.partition("$ remit ")
    words = [sys.executable, "-m", "remit", *arguments.split(), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in lines]
        process.terminate()
        assert process.wait() == 0
    for line, known in zip(told, lines, strict=True):
        form = re.escape(known).replace(r"\.\.\.", ".+").replace("8000", r"\d+")
        assert re.fullmatch(form, line), (line, known)


@pytest.mark.requirement("OPS-5")
def test_other_machines_are_let_in_where_somebody_can_sign_in(remit: Remit, tmp_path: Path) -> None:
    everywhere = ".".join("0000")
    (tmp_path / "bakery.py").write_text(APP.replace("SECONDS", "0"))
    refused = remit("serve", "bakery.py:app", "--port", "0", "--host", everywhere)
    assert refused.exit_code == 2
    assert "nobody could sign in" in refused.output
    with serving(tmp_path, "--host", everywhere, "--open-to-all") as (_, link, _process):
        assert "token=" in link
    remit.good("key", "create", "ci", "--role", "viewer")
    with serving(tmp_path, "--host", everywhere) as (url, link, _process):
        assert url.startswith("http://localhost:")
        assert link == ""


def test_a_port_that_is_taken_is_told(remit: Remit, tmp_path: Path) -> None:
    (tmp_path / "bakery.py").write_text(APP.replace("SECONDS", "0"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = remit("serve", "bakery.py:app", "--port", port)
    assert found.exit_code == 2
    assert "cannot be had" in found.output


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("198.51.100.1", False),
        ("remit.example", False),
    ],
)
def test_what_is_this_machine_alone(host: str, local: bool) -> None:
    assert Place(host=host).is_loopback == local
