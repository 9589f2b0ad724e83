"""The demo's scripted provider without its pauses, and Lomu led to it, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from remit import Agent, App
from remit.app.config import Settings
from remit.app.load import make_model
from remit.cli.agents import load_agent
from remit.simulator.load import parse_scenario
from remit.simulator.scenario import Scenario
from remit.simulator.server import Simulator, running
from tests.examples.scratch import git
from tests.tidy.tree import ROOT

LOMU = ROOT / "examples" / "lomu"


def scenario(name: str = "scenario.toml", repo: Path | None = None) -> Scenario:
    """A scenario of the demo that answers at once."""
    text = (LOMU / "demo" / name).read_text(encoding="utf-8")
    text = text.replace("@REPO@", str(repo or "").replace("/", "|"))
    found = parse_scenario(text, source=name)
    rules = tuple(replace(rule, latency_ms=0, pace_ms=0) for rule in found.rules)
    return replace(found, rules=rules)


def till(folder: Path, *, attack: bool = False) -> Path:
    """The demo's project as a repository."""
    folder.mkdir()
    for part in ("project", "attack") if attack else ("project",):
        for path in (LOMU / "demo" / part).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = str(path.relative_to(LOMU / "demo" / part)).replace(
                    "gitignore", ".gitignore"
                )
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(path.read_bytes())
    git(folder, "-c", "init.defaultBranch=main", "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "begin")
    return folder


def lomu(repo: Path, **inputs: str) -> Agent[str]:
    """The example's agent."""
    given = {"repo": str(repo), "tests": "python -m unittest", **inputs}
    words = tuple(f"{key}={value}" for key, value in given.items())
    return cast("Agent[str]", load_agent(f"{LOMU / 'app.py'}:app", words))


@asynccontextmanager
async def lomu_at_work(
    agent: Agent[str], journal: Path, script: Scenario
) -> AsyncIterator[tuple[App, Simulator]]:
    """The app on a journal, its client led to a provider in this process over the wire."""
    async with running(script) as provider:
        variables = {"ANTHROPIC_API_KEY": "any", "ANTHROPIC_BASE_URL": provider.url}
        model = make_model("anthropic", Settings(), variables)
        async with App(f"sqlite:///{journal}", agents=[agent], models={"anthropic": model}) as app:
            yield app, provider
