"""`remit run` with Lomu on any repository: with a provider, without a key, on no repository."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from remit.simulator.server import running
from tests.examples.provider import LOMU, scenario, till
from tests.examples.scratch import commits, make

APP = f"{LOMU / 'app.py'}:app"


def _remit(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: os.environ[key] for key in os.environ if not key.startswith("ANTHROPIC_")}
    return subprocess.run(
        [sys.executable, "-m", "remit", *words],
        cwd=folder,
        env={**kept, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


async def test_lomu_runs_from_the_command_line_and_waits_for_a_human(tmp_path: Path) -> None:
    repo = till(tmp_path / "repo")
    place = tmp_path / "elsewhere"
    place.mkdir()
    inputs = ("-i", f"repo={repo}", "-i", "tests=python -m unittest")
    async with running(scenario()) as provider:
        keys = {"ANTHROPIC_API_KEY": "any", "ANTHROPIC_BASE_URL": provider.url}

        def at(*words: str) -> subprocess.CompletedProcess[str]:
            return _remit(place, *words, **keys)

        first = await asyncio.to_thread(at, "run", APP, "Fix it", *inputs, "--detach", "--json")
        run = json.loads(first.stdout)
        assert run["status"] == "waiting", first.stderr
        assert len(commits(repo)) == 1
        (pending,) = run["approvals"]
        agreed = await asyncio.to_thread(at, "approve", pending, "--json")
        assert agreed.returncode == 0, agreed.stderr
        again = ("resume", APP, run["run"], *inputs, "--json")
        last = await asyncio.to_thread(at, *again)
    done = json.loads(last.stdout)
    assert (last.returncode, done["status"]) == (0, "completed"), last.stderr
    assert len(commits(repo)) == 2


def test_without_a_key_the_error_says_what_to_do(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    done = _remit(tmp_path, "run", APP, "Fix it", "-i", f"repo={repo}")
    assert done.returncode == 2
    assert "no key for anthropic: set ANTHROPIC_API_KEY, or try it without one: remit demo" in (
        done.stderr
    )
    assert len(commits(repo)) == 1


def test_what_is_no_repository_is_told_with_the_remedy(tmp_path: Path) -> None:
    done = _remit(tmp_path, "run", APP, "Fix it", "-i", f"repo={tmp_path}", ANTHROPIC_API_KEY="x")
    assert done.returncode == 2
    assert "no git repository; give its top folder, or run `git init` there" in done.stderr
    missing = _remit(tmp_path, "run", APP, "Fix it", ANTHROPIC_API_KEY="x")
    assert "the input 'repo' is missing" in missing.stderr
