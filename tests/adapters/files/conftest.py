"""Places for the tests of confined files, once for each way to open beneath a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.adapters.files import root as root_module
from remit.adapters.files.beneath import Opener, open_kernel, open_walk
from remit.adapters.files.root import FileRoot

SECRET = "planted-outside-9f2c"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=[open_kernel, open_walk], ids=["openat2", "walk"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `root` with files, next to secrets; every test runs with both openers."""
    opener: Opener = request.param
    monkeypatch.setattr(root_module, "find_opener", lambda _root: opener)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    inside = tmp_path / "root"
    (inside / "src").mkdir(parents=True)
    (inside / "src" / "app.py").write_text("print()\n")
    (inside / "README.md").write_text("# hello\n")
    (inside / ".git").mkdir()
    (inside / ".git" / "config").write_text("[core]\n")
    return tmp_path


@pytest.fixture
def root(place: Path) -> Iterator[FileRoot]:
    with FileRoot(place / "root", writable=True) as opened:
        yield opened
