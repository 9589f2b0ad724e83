"""Real MCP servers of the npm registry, installed once into a cache; skipped where that fails."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

SCOPE = "@modelcontextprotocol"
VERSION = "2026.8.31"
"""Of all of them; the newest when these tests were written."""
EARLIER = "2025.12.18"
"""Of the file server: it describes one of its tools in other words."""
# Where the registry does not answer npm tries for minutes; the first failure stands for all.
_INSTALL_S = 60
_failed: list[str] = []


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base, "remit-tests", "mcp-servers")


def installed(name: str, version: str = VERSION) -> Path:
    """The folder in which `@modelcontextprotocol/server-NAME` is installed."""
    for program in ("node", "npm"):
        if shutil.which(program, path="/usr/local/bin:/usr/bin:/bin") is None:
            pytest.skip(f"{program} is not installed where a sandbox sees it")
    place = _cache() / f"{name}-{version}"
    if _failed and not place.is_dir():
        pytest.skip(_failed[0])
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            _install(f"{SCOPE}/server-{name}@{version}", folder)
            try:
                Path(folder).rename(place)
            except OSError:  # another test run was faster
                assert place.is_dir()
            else:
                Path(folder).mkdir()  # what is cleaned up
    return place


def _install(package: str, folder: str) -> None:
    """Without scripts of packages, and without a lock: nothing of it is kept in the repository."""
    words = ["npm", "install", "--prefix", folder, "--no-save", "--no-package-lock", "--no-audit"]
    words += ["--no-fund", "--ignore-scripts", "--silent", package]
    words += ["--fetch-retries=1", "--fetch-timeout=20000"]
    try:
        done = subprocess.run(words, capture_output=True, timeout=_INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        _give_up(f"npm did not install {package} within {_INSTALL_S} s")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-300:]
        _give_up(f"npm could not install {package}: {said or 'it does not say why'}")


def _give_up(why: str) -> NoReturn:
    _failed.append(why)
    pytest.skip(why)


def started_by(name: str, version: str = VERSION) -> tuple[list[str], str]:
    """The command of a server, and the folder that it must see."""
    place = installed(name, version)
    main = place / "node_modules" / SCOPE / f"server-{name}" / "dist" / "index.js"
    return ["node", str(main)], str(place)
