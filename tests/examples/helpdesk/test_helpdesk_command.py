"""What the helpdesk's page shows for one's own shop works with a provider: here the rules."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.clerk import clerk
from rehearsal.world import World
from remit import SimulatedProvider
from tests.docs.blocks import blocks
from tests.tidy.tree import ROOT

PAGE = "docs/howto/helpdesk.md"


async def _run(place: World, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=place.folder,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.requirement("REF-2")
async def test_the_agent_runs_from_the_command_line(place: World) -> None:
    assert PAGE == "docs/howto/helpdesk.md"
    code = next(each.code for each in blocks(ROOT, PAGE) if "remit run" in each.code)
    line = code.removeprefix("$ ").strip().replace("127.0.0.1:8025", place.office.address)
    (place.folder / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with SimulatedProvider(clerk) as provider:
        variables = {**provider.environment, "PATH": path}
        # Nobody sits at this terminal: the run is left where only a human can move it on.
        done = await _run(place, ["/bin/bash", "-c", f"{line} --detach"], **variables)
        assert done.returncode == 0, done.stderr
        listed = await _run(
            place, ["remit", "approvals", "--tenant", "aurora", "--json"], PATH=path
        )
    (pending,) = json.loads(listed.stdout)
    assert pending["tool"] == "refund"
    assert '"49.90"' in json.dumps(pending["arguments"]).replace("\\", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shop", "nowhere"], "invalid choice"),
        (["--folder", "full"], "neither empty nor the folder of an earlier rehearsal"),
    ],
)
async def test_what_cannot_be_played_is_told(place: World, words: list[str], said: str) -> None:
    (place.folder / "full").mkdir()
    (place.folder / "full" / "thesis.txt").write_text("mine", encoding="utf-8")
    command = [sys.executable, str(ROOT / "examples" / "helpdesk"), *words]
    done = await _run(place, command)
    assert done.returncode == 2
    assert said in done.stderr
    assert (place.folder / "full" / "thesis.txt").read_text(encoding="utf-8") == "mine"
