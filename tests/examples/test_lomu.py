"""Lomu whole, over the wire: planned, coded, refused by the scan, mended, agreed to, committed."""

import json
from pathlib import Path

import pytest

from remit.app.pairs import pairs_of
from remit.errors import ConfigError
from remit.journal.events import CallJudged, RunStarted, ToolCompleted
from remit.projections.timeline import timeline
from remit.values.money import usd
from tests.examples.provider import lomu, lomu_at_work, scenario, till
from tests.examples.scratch import commits, git, make

TASK = "A receipt adds up wrongly. Fix it and commit."


@pytest.mark.requirement("REF-1", "GOV-2", "TOOL-13", "APR-1")
async def test_a_bug_becomes_one_commit_that_a_human_agreed_to(tmp_path: Path) -> None:
    repo = till(tmp_path / "repo")
    agent = lomu(repo)
    async with lomu_at_work(agent, tmp_path / "journal.db", scenario()) as (app, provider):
        run = await app.run(agent, TASK, user="ann")
        assert (run.status, [each.tool for each in run.approvals]) == (
            "waiting",
            ["commit_changes"],
        )
        assert len(commits(repo)) == 1
        pending = run.approvals[0]
        assert pending.preview is not None
        head = git(repo, "rev-parse", "HEAD")
        assert pending.preview.shown[0] == f" commits to main, after {head[:12]}"
        tree = str(json.loads(pending.arguments)["tree"])
        theirs = git(repo, "diff", "--numstat", "HEAD", tree).split("\n")
        sums = [sum(int(line.split("\t")[side]) for line in theirs) for side in (0, 1)]
        assert [pending.preview.added, pending.preview.cut] == sums
        for line in theirs:
            assert any(shown.startswith(f"@ {line.split()[2]}") for shown in pending.preview.shown)
        await app.desk.approve("local", pending.id, principal="boss", channel="test")
        done = await app.wait(run.id)
        row = await app.store.run("local", run.id)
        assert row is not None
        told = sorted(timeline(await pairs_of(app.store, row)), key=lambda each: each.time_ms)
        events = [each.event for each in told]
        served = len(provider.served)
    assert (done.status, done.reason) == ("completed", "answered")
    assert "is committed as" in str(done.output)
    scans = [
        json.loads(each.text)
        for each in events
        if isinstance(each, ToolCompleted) and each.text.startswith('{"tree":')
    ]
    assert [scan["passed"] for scan in scans] == [False, True]
    assert git(repo, "rev-parse", "main^{tree}") == scans[1]["tree"]
    assert len(commits(repo)) == 2
    trailers = git(repo, "log", "-1", "--format=%(trailers:unfold)")
    assert f"Remit-Call: {run.id}:" in trailers
    assert "Approved-by: boss" in trailers
    agents = [each.agent for each in events if isinstance(each, RunStarted)]
    assert sorted(agents) == ["auditor", "auditor", "coder", "coder", "lomu", "planner"]
    asked = [each.tool for each in events if isinstance(each, CallJudged) and each.effect == "ask"]
    assert asked == ["commit_changes"]
    assert served == 21
    assert 0 < done.cost_nano < usd("0.20")


@pytest.mark.requirement("TOOL-13", "APR-1")
async def test_a_no_is_a_no_and_days_may_pass_before_it(tmp_path: Path) -> None:
    repo = till(tmp_path / "repo")
    agent = lomu(repo)
    journal = tmp_path / "journal.db"
    async with lomu_at_work(agent, journal, scenario()) as (app, _):
        run = await app.run(agent, TASK)
        assert run.status == "waiting"
    again = lomu(repo)
    async with lomu_at_work(again, journal, scenario()) as (app, _):
        pending = (await app.desk.approvals())[0]
        await app.desk.deny("local", pending.id, principal="boss", channel="test", comment="no!")
        done = await app.resume(run.id)
    assert done.status == "completed"
    assert "it is not committed: refused: boss did not agree: no!" in str(done.output)
    assert len(commits(repo)) == 1


@pytest.mark.requirement("PERM-7")
async def test_a_yes_to_what_was_shown_is_none_to_what_came_after(tmp_path: Path) -> None:
    repo = till(tmp_path / "repo")
    agent = lomu(repo)
    async with lomu_at_work(agent, tmp_path / "journal.db", scenario()) as (app, _):
        run = await app.run(agent, TASK)
        pending = run.approvals[0]
        (repo / "late.py").write_text("LATE = 1\n")
        await app.desk.approve("local", pending.id, principal="boss", channel="test")
        await app.engine.settled("local", run.id)
        still = await app.get(run.id)
        assert (len(commits(repo)), still.status) == (1, "waiting")
        (repo / "late.py").unlink()
        await app.desk.approve("local", pending.id, principal="boss", channel="test")
        done = await app.wait(run.id)
    assert "is committed as" in str(done.output)
    assert git(repo, "ls-tree", "-r", "--name-only", "main").count("late.py") == 0


async def test_the_cap_of_a_run_holds_for_all_roles_together(tmp_path: Path) -> None:
    repo = till(tmp_path / "repo")
    agent = lomu(repo, cost_usd="0.02")
    async with lomu_at_work(agent, tmp_path / "journal.db", scenario()) as (app, _):
        run = await app.run(agent, TASK)
    assert run.cost_nano <= usd("0.02")
    assert run.status == "stopped"
    assert run.reason == "budget"
    assert len(commits(repo)) == 1


def test_who_may_do_what(tmp_path: Path) -> None:
    agent = lomu(make(tmp_path / "repo"))
    roles = {sub.name: [tool.name for tool in sub.tools] for sub in agent.agents}
    assert roles == {
        "planner": ["list_files", "read_file"],
        "coder": ["list_files", "read_file", "write_file", "run_tests"],
        "auditor": ["list_files", "read_file", "scan_code", "run_tests"],
    }
    assert [tool.name for tool in agent.tools] == ["commit_changes"]
    assert agent.remit.approvals == {agent.tools[0]: 1}
    assert agent.remit.owner
    assert agent.remit.systems == ["repository"]


def test_a_place_that_is_no_repository_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no git repository"):
        lomu(tmp_path)
