"""Journals to look at, the command line in this process, and a provider for runs."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.app import uptake
from tests.cli.shop import fill_with_questions
from tests.cli.terminal import Remit

SCENARIO = Path(__file__).with_name("shop.toml")
AGENTS = Path(__file__).with_name("shop_agents.py")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "j.db"
    asyncio.run(fill_with_questions(path))
    return path


@pytest.fixture
def journal(filled: Path, tmp_path: Path) -> Path:
    """A copy of the filled journal."""
    for each in filled.parent.glob(f"{filled.name}*"):
        if each.is_file():
            shutil.copy(each, tmp_path)
    return tmp_path / filled.name


@pytest.fixture
def remit(journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remit:
    """The command line on the copy, in an empty folder."""
    monkeypatch.setattr(uptake, "_WAIT_S", 0.1)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{journal}")
    return Remit()


@pytest.fixture(scope="session")
def provider() -> Iterator[dict[str, str]]:
    """A simulated provider in its own process: the variables that lead to it."""
    with subprocess.Popen(
        [sys.executable, "-m", "remit", "simulate", SCENARIO, "--until-stdin-closes", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        yield {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "any"}
        process.communicate()


@pytest.fixture
def shop_file(provider: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agent file beside an empty folder for its journal, with a provider that answers."""
    for name, value in provider.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{tmp_path / 'j.db'}")
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(AGENTS, tmp_path / "shop_agents.py"))
