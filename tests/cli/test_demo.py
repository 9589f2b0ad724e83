"""`remit demo` as people start it: at a terminal and without one, killed, attacked, stopped."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.scratch import git

GATE = "Agree to exactly this? [y/N]"
WIDE = {"TERM": "xterm", "COLUMNS": "120", "LINES": "50"}


def _demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "remit", "demo", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


# Makes the terminal that it stands on its own, so that what is typed there reaches it as signals.
_LOGIN = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
)


def _at_terminal(folder: Path, words: str, typed: bytes) -> tuple[int, str]:
    """Run it at a terminal and type once its words have appeared; its status and what it shows."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _LOGIN, "-m", "remit", "demo"],
        cwd=folder,
        env={**os.environ, **WIDE},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    seen = b""
    try:
        while chunk := _read(terminal):
            seen += chunk
            if typed and words.encode() in seen:
                os.write(terminal, typed)
                typed = b""
        status = process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    return status, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode(errors="replace"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody holds the other side any more
        return b""


def _repo(folder: Path) -> Path:
    return folder / ".remit" / "demo" / "1" / "repo"


@pytest.mark.requirement("REF-1", "TOOL-13")
def test_with_yes_it_commits_and_everything_holds(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--yes", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["holds"]) == (0, True), done.stderr
    assert found["agreed"] is True
    assert found["commits"] == git(_repo(tmp_path), "rev-list", "-1", "HEAD").split()
    assert found["tests"]["passed"] is True
    assert found["tests"]["confinement"]
    assert 0 < found["cost_nano"] < found["cap_nano"]
    assert found["verification"]["sound"] is True
    assert found["verification"]["head"]["size"] == found["verification"]["records"]
    assert "agreed as local:" in done.stderr
    assert (tmp_path / ".remit" / "journal.db").is_file()
    assert (tmp_path / ".remit" / ".gitignore").read_text() == "*\n"
    assert git(_repo(tmp_path), "status", "--porcelain") == ""
    shown = subprocess.run(
        [sys.executable, "-m", "remit", "verify"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0
    assert "sound" in shown.stdout


def test_without_a_terminal_it_goes_on_and_says_so(tmp_path: Path) -> None:
    done = _demo(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no terminal to ask at, so as with --yes" in done.stdout
    assert "✓ exactly one commit" in done.stdout
    assert "✗" not in done.stdout
    assert f"git -C {_repo(tmp_path)} show" in done.stdout
    for part in ("the decision tree", "the commit", "tests now: OK", "what to look at next"):
        assert part in done.stdout
    assert "\x1b[" not in done.stdout


@pytest.mark.requirement("TOOL-13", "PERM-7")
@pytest.mark.parametrize(("typed", "commits"), [("y", 2), ("maybe", 1)])
def test_at_a_terminal_a_human_decides(tmp_path: Path, typed: str, commits: int) -> None:
    status, shown = _at_terminal(tmp_path, GATE, f"{typed}\n".encode())
    assert status == 0, shown
    assert "a human must agree" in shown
    assert "+     return int(quantity or 1) * Decimal(price.strip())" in shown
    assert "spent" in shown
    assert len(git(_repo(tmp_path), "rev-list", "--all").split()) == commits
    assert ("no commit, for nobody agreed" in shown) == (commits == 1)


def test_stopped_at_the_gate_it_can_be_taken_up_again(tmp_path: Path) -> None:
    status, shown = _at_terminal(tmp_path, GATE, b"\x03")
    assert status == 130, shown
    assert "Go on with: remit demo --resume" in shown
    assert len(git(_repo(tmp_path), "rev-list", "--all").split()) == 1
    done = _demo(tmp_path, "--resume", "--yes", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["holds"], len(found["commits"])) == (0, True, 1), done.stderr


@pytest.mark.requirement("DUR-1", "DUR-3", "REF-1")
@pytest.mark.parametrize("seed", [11])
def test_killed_at_a_random_point_it_commits_once(tmp_path: Path, seed: int) -> None:
    done = _demo(tmp_path, "--crash", "--seed", str(seed), "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["holds"]) == (0, True), done.stderr
    assert found["seed"] == seed
    assert f"--seed {seed}" in done.stderr
    assert "SIGKILL" in done.stderr
    assert len(found["commits"]) == 1
    assert found["in_doubt"]
    said = {each["what"]: each["seen"] for each in found["claims"]}
    assert said["the first process was killed"] == "killed"


@pytest.mark.requirement("RED-1", "RED-2", "PERM-7", "TOOL-10")
def test_attacked_nothing_comes_of_it(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--attack", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["holds"]) == (0, True), done.stderr
    assert (found["agreed"], found["commits"]) == (False, [])
    assert len(found["attempts"]) == 14
    assert all(each["rule"] and each["why"] for each in found["attempts"])
    key = (tmp_path / ".remit/demo/1/home/.ssh/id_ed25519").read_text().split("\n")[1]
    mark = (_repo(tmp_path) / ".env").read_text().strip().partition("=")[2]
    for secret in (key, mark):
        assert len(secret) == 32
        assert secret not in done.stdout + done.stderr
        for path in (tmp_path / ".remit").glob("journal.db*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes()
    assert not list((_repo(tmp_path) / ".git").glob("hooks/pre-commit"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--crash", "--attack"), "exclude each other"),
        (("--resume", "--attack"), "exclude each other"),
        (("--seed", "1"), "--seed repeats the point of --crash"),
        (("--resume",), "there is nothing to resume"),
        (("--seed", "x", "--crash"), "not a valid integer"),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    done = _demo(tmp_path, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / ".remit").exists()
