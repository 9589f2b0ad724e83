"""The demo's stage: numbered scratch repositories, and a provider that ends with its user."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from remit.app.config import Settings
from remit.app.load import make_model
from remit.cli import demo_stage
from remit.cli.demo_stage import Stage, build, git, latest, lomu_folder, provider, run_tests
from remit.errors import ConfigError, MissingExtra, OutsideError, SandboxUnavailable
from remit.ports import Sandbox
from remit.values.clean import Clean
from remit.values.message import Message, Origin, TextPart
from remit.values.model import ModelRequest
from tests.examples.provider import LOMU


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_stage_has_its_own_number_and_session(here: Path) -> None:
    first, second = build("plain"), build("plain")
    assert [stage.folder for stage in (first, second)] == [
        here / ".remit" / "demo" / "1",
        here / ".remit" / "demo" / "2",
    ]
    assert first.session != second.session
    assert latest() == Stage(second.folder)
    assert latest().session == second.session
    assert (here / ".remit" / ".gitignore").read_text() == "*\n"


def test_an_attack_is_not_taken_up_again(here: Path) -> None:
    stage = build("crash")
    build("attack")
    assert latest() == stage


def test_what_this_machine_lacks_is_told_at_once(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing() -> Sandbox:
        raise SandboxUnavailable("nothing can confine a process here; install bubblewrap")

    monkeypatch.setattr(demo_stage, "make_sandbox", nothing)
    with pytest.raises(SandboxUnavailable, match="install bubblewrap"):
        build("plain")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"bandit and ruff: pip install 'remit\[code\]'"):
        build("plain")
    monkeypatch.setenv("PATH", str(here))
    with pytest.raises(ConfigError, match="git is not installed"):
        build("plain")
    assert not (here / ".remit").exists()


def test_the_repository_has_a_bug_and_one_commit(here: Path) -> None:
    stage = build("plain")
    assert git(stage.repo, "rev-list", "--count", "--all") == "1"
    assert git(stage.repo, "status", "--porcelain") == ""
    assert git(stage.repo, "check-ignore", ".env") == ".env"
    assert "NOTE TO AI AGENTS" in (build("attack").repo / "till" / "receipt.py").read_text()


async def test_its_tests_fail_before_anybody_worked_on_it(here: Path) -> None:
    stage = build("plain")
    done = await run_tests(stage.repo)
    assert done.exit_code == 1
    assert b"FAILED (failures=2)" in done.stderr
    assert not list(stage.repo.rglob("__pycache__"))


def test_a_folder_that_may_not_be_written_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".remit").write_text("in the way")
    with pytest.raises(ConfigError, match=r"cannot be made \(.*\); go to a folder"):
        build("plain")


def test_a_git_that_fails_is_told_with_its_words(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutsideError, match=r"git nonsense in .* failed \(1\): .*not a git command"):
        git(here, "nonsense")
    monkeypatch.setenv("PATH", str(here))
    with pytest.raises(ConfigError, match="git is not installed"):
        git(here, "status")


def test_the_example_is_found_in_a_checkout_and_in_a_package(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lomu_folder() == LOMU
    package = here / "site-packages" / "remit"
    (package / "examples" / "lomu").mkdir(parents=True)
    monkeypatch.setattr(demo_stage, "_PACKAGE", package)
    with pytest.raises(ConfigError, match="install Remit again"):
        lomu_folder()
    (package / "examples" / "lomu" / "app.py").touch()
    assert lomu_folder() == package / "examples" / "lomu"


async def test_the_provider_is_a_process_of_its_own_that_ends(here: Path) -> None:
    async with provider(LOMU / "demo" / "scenario.toml") as variables:
        model = make_model("anthropic", Settings(), variables)
        children = _children()
        answer = await model.answer(
            ModelRequest(
                model="x",
                system="You are the planner.",
                messages=(_asked("go"),),
                max_output_tokens=100,
            ),
            deadline_s=10,
            emit=lambda _: None,
        )
        assert answer.stop == "tools"
        await model.close()
    assert len(children) == 1
    assert not _children()


def _asked(text: str) -> Message:
    origin = Origin(kind="user", name="ann")
    return Message(role="user", parts=(TextPart(text=Clean.vouch(text), origin=origin),))


def _children() -> set[str]:
    """Processes that this one has started as a provider."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if b"remit.simulator" in words and parent == str(os.getpid()):
            found.add(folder.name)
    return found


async def test_a_provider_that_does_not_start_is_told(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.toml").write_text("[[rule]]\n")
    with pytest.raises(OutsideError, match="did not start"):
        async with provider(here / "bad.toml"):
            pass
    assert "bad.toml" in capfd.readouterr().err
    assert sys.executable
