"""A journal made once per module, and a copy of it for each test to damage."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.cli.shop import fill


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "j.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
def journal(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    for each in made.parent.glob(f"{made.name}*"):
        if each.is_file():
            shutil.copy(each, tmp_path)
    return tmp_path / made.name
