"""The agent's process is killed with SIGKILL at several points; afterwards there is one commit."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from remit.cli import demo_stage
from remit.cli.demo_proof import claims_of, gather
from remit.cli.demo_stage import Stage
from remit.cli.journal import open_journal
from remit.cli.options import Options
from remit.journal.events import ProbeCompleted, RunRecovered
from remit.projections.timeline import timeline
from remit.simulator.server import running
from tests.examples.provider import scenario
from tests.examples.scratch import git

Line = dict[str, object]
When = Callable[[Stage, Line], Awaitable[bool]]


async def _live(stage: Stage, url: str, address: str, kill: When | None) -> int:
    """One process of the agent, killed as soon as `kill` says so; its exit status."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "remit.cli.demo_agent", str(stage.folder), url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "ANTHROPIC_BASE_URL": address, "ANTHROPIC_API_KEY": "any"},
    )
    assert process.stdout is not None
    try:
        while line := await process.stdout.readline():
            if kill is not None and await kill(stage, json.loads(line)):
                process.send_signal(signal.SIGKILL)
                break
    except BaseException:
        process.kill()
        raise
    # Not killed "to be sure" here: subprocess would reap it under asyncio's feet (status 255).
    return await process.wait()


def _head(stage: Stage) -> bytes:
    return (stage.repo / ".git" / "refs" / "heads" / "main").read_bytes()


async def _when_the_branch_moves(stage: Stage, line: Line) -> bool:
    """Between the effect and its record: nobody but the repository knows that it happened."""
    if line.get("event") != "ApprovalGiven":
        return False
    before = _head(stage)
    while _head(stage) == before:
        await asyncio.sleep(0)
    return True


async def _when_the_commit_is_released(_stage: Stage, line: Line) -> bool:
    """Before the effect: the release is durable, nothing has been done."""
    return line.get("event") == "ToolRequested" and "." not in str(line["run"])


async def _while_a_human_is_asked(_stage: Stage, line: Line) -> bool:
    return "asked" in line


async def _in_the_first_test_run(_stage: Stage, line: Line) -> bool:
    return line.get("event") == "ToolRequested" and str(line["run"]).endswith(".c2-1")


async def _at_the_start(_stage: Stage, line: Line) -> bool:
    return line.get("event") == "RunStarted"


POINTS: list[tuple[When, str]] = [
    (_when_the_branch_moves, "happened"),
    (_when_the_commit_is_released, ""),
    (_while_a_human_is_asked, ""),
    (_in_the_first_test_run, ""),
    (_at_the_start, ""),
]


@pytest.mark.requirement("DUR-1", "DUR-3", "REF-1")
@pytest.mark.parametrize(("kill", "probed"), POINTS, ids=[each.__name__ for each, _ in POINTS])
async def test_one_commit_whatever_the_moment_of_the_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: When, probed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = demo_stage.build("crash")
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    async with running(scenario()) as provider:
        assert await _live(stage, url, provider.url, kill) == -signal.SIGKILL
        assert await _live(stage, url, provider.url, None) == 0
    async with open_journal(Options(db=url)) as journal:
        proof = await gather(journal, stage)
    assert proof is not None
    claims = list(claims_of(stage, proof))
    assert [claim for claim in claims if not claim.holds] == []
    assert len(claims) == 6
    assert len(git(stage.repo, "rev-list", "--all").split()) == 2
    events = [told.event for told in timeline(proof.pairs)]
    assert any(isinstance(each, RunRecovered) for each in events) or kill is _while_a_human_is_asked
    verdicts = [each.verdict for each in events if isinstance(each, ProbeCompleted)]
    if probed:
        assert verdicts == [probed]
