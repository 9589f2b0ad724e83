"""Which repository is meant, and that none of its own programs runs."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lomu.git import Git, find_git, find_repository, shown
from remit import ToolError
from remit.errors import ConfigError
from tests.examples.scratch import git, make


def test_the_top_folder_is_found(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    assert find_repository(str(repo)) == (repo, repo / ".git")


def test_a_linked_worktree_has_its_own_git_folder(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    git(repo, "worktree", "add", "--quiet", "../tree", "-b", "side")
    top, folder = find_repository(str(tmp_path / "tree"))
    assert (top, folder) == (tmp_path / "tree", repo / ".git" / "worktrees" / "tree")


def _missing(at: Path) -> Path:
    return at / "missing"


def _plain(at: Path) -> Path:
    (at / "plain").mkdir()
    return at / "plain"


def _bare(at: Path) -> Path:
    (at / "bare").mkdir()
    git(at / "bare", "init", "--quiet", "--bare")
    return at / "bare"


def _inside(at: Path) -> Path:
    return make(at / "repo", {"src/a.py": "A = 1\n"}) / "src"


def _astray(at: Path) -> Path:
    (at / "astray").mkdir()
    (at / "astray" / ".git").write_text("gitdir: ../nowhere\n")
    return at / "astray"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (_missing, "no such folder"),
        (_plain, "no git repository"),
        (_bare, "a bare repository"),
        (_inside, "lies inside the repository"),
        (_astray, "leads to no git folder"),
    ],
)
def test_what_is_no_repository_is_told_apart(
    tmp_path: Path, place: Callable[[Path], Path], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        find_repository(str(place(tmp_path)))


async def test_odd_names_of_folders_are_no_options(tmp_path: Path) -> None:
    for name in ("--help", "a b\nc", "ü$(id)", "-c core.x=y"):
        repo = make(tmp_path / name / "repo ;")
        assert await Git(str(repo)).text("rev-parse", "--abbrev-ref", "HEAD") == "main"


async def test_a_repository_of_another_user_can_be_read(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    if os.geteuid() == 0:
        for path in [repo, *repo.rglob("*")]:
            shutil.chown(path, 65534, 65534)
    assert len(await Git(str(repo)).text("rev-parse", "HEAD")) == 40


async def test_hooks_filters_and_monitors_of_the_repository_never_run(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    traps = tmp_path / "trapped"
    traps.mkdir()
    for hook in ("post-index-change", "reference-transaction", "pre-commit", "post-commit"):
        path = repo / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {traps}/{hook}\n")
        path.chmod(0o755)
    monitor = tmp_path / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {traps}/monitor\n")
    monitor.chmod(0o755)
    git(repo, "config", "filter.evil=x.clean", f"touch {traps}/clean; cat")
    git(repo, "config", "filter.evil=x.smudge", f"touch {traps}/smudge; cat")
    git(repo, "config", "filter.evil=x.process", f"touch {traps}/process")
    git(repo, "config", "filter.evil=x.required", "true")
    git(repo, "config", "diff.external", f"touch {traps}/diff")
    git(repo, "config", "core.fsmonitor", str(monitor))
    (repo / ".gitattributes").write_text("*.py filter=evil=x diff=evil\n")
    (repo / "calc.py").write_text("CHANGED = 1\n")
    tool = Git(str(repo))
    index = str(tmp_path / "index")
    await tool.run("add", "--all", "--", ".", index=index)
    tree = await tool.text("write-tree", index=index)
    await tool.run("diff-tree", "-r", "-p", "HEAD", tree)
    who = ("-c", "user.name=a", "-c", "user.email=b")
    commit = await tool.text(*who, "commit-tree", tree, "-m", "x")
    await tool.run("update-ref", "refs/heads/side", commit)
    await tool.run("read-tree", "-i", "-m", tree)
    assert sorted(path.name for path in traps.iterdir()) == []
    assert await tool.text("cat-file", "blob", f"{tree}:calc.py") == "CHANGED = 1"


async def test_the_settings_of_user_and_machine_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    settings = tmp_path / "gitconfig"
    settings.write_text("[core]\n\thooksPath = /nowhere\n[user]\n\tname = Somebody\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere"))
    tool = Git(str(repo))
    assert await tool.text("config", "user.name", good=(0, 1)) == ""
    assert await tool.text("config", "core.hooksPath") == os.devnull


async def test_a_failure_says_what_git_says(tmp_path: Path) -> None:
    tool = Git(str(make(tmp_path / "repo")))
    with pytest.raises(ToolError, match=r"git rev-parse failed \(128\).*single revision"):
        await tool.text("rev-parse", "--verify", "nowhere^{tree}")


def test_a_git_that_cannot_be_kept_from_its_settings_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.31.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"is not git 2\.32 or newer"):
        find_git()
    old.unlink()
    with pytest.raises(ConfigError, match="git is not installed"):
        find_git()


def test_a_path_is_shown_in_one_line() -> None:
    assert shown("src/ü.py") == "src/ü.py"
    assert shown("a\nb\x1b[31m") == r"'a\nb\x1b[31m'"
    assert shown(os.fsdecode(b"caf\xe9.py")) == "caf?.py"
