"""A world of the helpdesk for each test: made once with its 60 mails, then copied."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rehearsal.world import World, world


@pytest.fixture(scope="session")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Where the first test leaves its world, before anything happened in it."""
    return [tmp_path_factory.mktemp("helpdesk") / "world"]


@pytest.fixture
async def place(
    tmp_path: Path, _begun: list[Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A world of its own, in which the test stands."""
    folder = tmp_path / "desk"
    if not _begun[0].exists():
        async with world(folder):
            # The mails are tickets now; nobody reads them again.
            shutil.copytree(folder, _begun[0], ignore=shutil.ignore_patterns("post"))
    else:
        shutil.copytree(_begun[0], folder)
    async with world(folder) as made:
        monkeypatch.chdir(made.folder)
        for name, value in made.variables.items():
            monkeypatch.setenv(name, value)
        yield made
