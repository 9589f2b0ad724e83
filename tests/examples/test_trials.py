"""Tests run on a copy, confined: they change nothing, reach nothing, and see no secret."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from lomu.repository import Repository
from lomu.trials import TestBench
from remit import Call, Command, Finished
from remit.errors import ConfigError, SandboxUnavailable
from tests.examples.scratch import call, git, make, write

UNITTEST = "python -m unittest"


def _bench(repo: Path, command: str = UNITTEST, python: str = "") -> TestBench:
    return TestBench(Repository(str(repo)), command, python)


async def test_tests_pass_or_fail_and_the_tree_is_named(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    found = await _bench(repo).run(call())
    assert (found.passed, found.ended, found.command) == (True, "exit status 0", UNITTEST)
    assert "OK" in found.output
    assert found.tree == await Repository(str(repo)).tree()
    write(repo, {"calc.py": "def add(a: int, b: int) -> int:\n    return a - b\n"})
    failed = await _bench(repo).run(call())
    assert (failed.passed, failed.ended) == (False, "exit status 1")
    assert "AssertionError" in failed.output
    assert failed.confinement


SPY = """
import json, os, pathlib, socket, unittest

PLACES = {places}

class SpyTest(unittest.TestCase):
    def test_spy(self):
        seen = []
        for place in PLACES:
            try:
                seen.append(pathlib.Path(place).read_text(errors="replace"))
            except OSError:
                pass
        for place in PLACES + ["calc.py", "/usr/spied"]:
            try:
                pathlib.Path(place).write_text("changed by a test")
            except OSError:
                pass
        try:
            socket.create_connection(("127.0.0.1", {port}), timeout=1)
            seen.append("reached the network")
        except OSError:
            pass
        seen.append(json.dumps(dict(os.environ)))
        print("SEEN", seen)
"""


@pytest.mark.requirement("TOOL-17", "RED-2")
async def test_a_malicious_test_sees_no_secret_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted-in-environment")
    outside = tmp_path / "home" / "id_ed25519"
    write(tmp_path, {"home/id_ed25519": "planted-outside"})
    repo = make(tmp_path / "repo", {"calc.py": "A = 1\n", ".env": "planted-tracked\n"})
    write(repo, {"server.pem": "planted-untracked"})
    places = [outside, repo / ".env", repo / "server.pem", ".env", "server.pem",
              repo / ".git" / "config", ".git/config", repo / "calc.py", "/etc/shadow"]  # fmt: skip
    spy = SPY.format(places=json.dumps([str(place) for place in places]), port=unused_tcp_port)
    write(repo, {"test_spy.py": spy})
    before = git(repo, "status", "--porcelain")
    found = await _bench(repo).run(call())
    assert "SEEN" in found.output, found.output
    assert "planted" not in found.output
    assert "reached" not in found.output
    assert outside.read_text() == "planted-outside"
    assert git(repo, "status", "--porcelain") == before
    assert (repo / "calc.py").read_text() == "A = 1\n"


@pytest.mark.requirement("TOOL-17")
async def test_without_a_sandbox_nothing_runs_and_the_remedy_is_told(tmp_path: Path) -> None:
    async def none(_command: Command) -> Finished:
        raise SandboxUnavailable("nothing can confine a process here; install bubblewrap")

    bare: Call = dataclasses.replace(call(), run_confined=none)
    with pytest.raises(SandboxUnavailable, match="install bubblewrap"):
        await _bench(make(tmp_path / "repo")).run(bare)


async def test_a_test_that_never_ends_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lomu.trials._TIMEOUT_S", 1.0)
    repo = make(tmp_path / "repo", {"test_loop.py": "while True:\n    pass\n"})
    found = await _bench(repo).run(call())
    assert (found.passed, found.ended) == (False, "timeout")


async def test_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"test_long.py": "print('x' * 100_000)\nprint('the end')\n"})
    found = await _bench(repo, "python test_long.py").run(call())
    assert found.output.endswith("the end")
    assert len(found.output) == 8_000


def test_the_command_is_words_never_a_shell_line(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    bench = _bench(repo, "python -m pytest -q 'a b' ; rm -rf /")
    assert bench._words == (sys.executable, "-m", "pytest", "-q", "a b", ";", "rm", "-rf", "/")
    assert "pytest" in _bench(repo, "").command
    with pytest.raises(ConfigError, match="No closing quotation"):
        _bench(repo, "python 'x")
    with pytest.raises(ConfigError, match="tests is empty"):
        _bench(repo, "  ")


def test_another_interpreter_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        _bench(make(tmp_path / "repo"), UNITTEST, str(tmp_path / "python"))


async def test_another_interpreter_is_used_with_its_environment(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    home = tmp_path / "venv"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to(sys.executable)
    (home / "marker").write_text("seen inside")
    write(repo, {"test_where.py": f"print(open({str(home / 'marker')!r}).read())\n"})
    found = await _bench(repo, "python test_where.py", str(home / "bin" / "python")).run(call())
    assert "seen inside" in found.output
