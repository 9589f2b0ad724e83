"""The demo's agent as a process: lines of JSON, and the status that tells how it ended."""

import json
from pathlib import Path

import pytest

from remit.cli import demo_agent, demo_stage
from remit.simulator.server import running
from tests.examples.provider import scenario


async def test_it_tells_what_happens_and_agrees_at_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = demo_stage.build("crash")
    async with running(scenario()) as provider:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
        run = await demo_agent.work(str(stage.folder), "sqlite:///journal.db")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert run.status == "completed"
    assert lines[0]["event"] == "RunStarted"
    assert {"run": run.id, "asked": "commit_changes"} in lines
    assert lines[-1]["event"] == "RunEnded"
