"""The simulator as a process: one line with its address, and an end when nobody needs it."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
import pytest

SCENARIO = '[[rule]]\ntext = "You said ${task}"\n'


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "remit.simulator", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def url_of(process: Process) -> str:
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    assert told["pid"] == process.pid
    return str(told["url"])


@pytest.mark.requirement("TST-3")
async def test_it_serves_a_scenario_until_its_parent_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(SCENARIO)
    async with started("--scenario", str(path), "--key", "k", "--until-stdin-closes") as process:
        url = await url_of(process)
        async with anthropic.AsyncAnthropic(api_key="k", base_url=url) as client:
            message = await client.messages.create(
                model="m", max_tokens=99, messages=[{"role": "user", "content": "hi"}]
            )
        assert message.content[0].type == "text"
        assert message.content[0].text == "You said hi"
        assert process.stdin is not None
        process.stdin.write(b"ignored\n")
        process.stdin.close()
        assert await process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_told(number: signal.Signals) -> None:
    async with started() as process:
        await url_of(process)
        process.send_signal(number)
        assert await process.wait() == 0


async def test_a_mistake_in_the_scenario_is_told(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text('[[rule]]\ntxt = "x"\n')
    async with started("--scenario", str(path)) as process:
        _, told = await process.communicate()
        assert process.returncode == 2
    assert f"{path}, line 2: rule.0.txt: no such key; did you mean 'text'?" in told.decode()
