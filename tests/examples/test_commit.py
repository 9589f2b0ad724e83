"""One commit per call, of exactly the scanned tree; everything else is refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from lomu.commit import Committer
from lomu.repository import Repository
from lomu.scan import Scanner
from remit import ToolError
from tests.examples.scratch import BAD, commits, git, make, write

KEY = "run_a:c1-1"
NEW = {"more.py": "MORE = 1\n"}


def _committer(repo: Path) -> Committer:
    place = Repository(str(repo))
    return Committer(place, Scanner(place))


async def _tree(repo: Path) -> str:
    return await Repository(str(repo)).tree()


async def _commit(repo: Path, message: str = "More", key: str = KEY) -> str:
    tree = await _tree(repo)
    made = await _committer(repo).commit(tree, message, key=key, approved_by=("local:ann",))
    return made.commit


async def test_the_scanned_tree_is_committed_on_the_branch(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    made = await _committer(repo).commit(tree, "More\n\nWhy.", key=KEY, approved_by=("ann", "bo"))
    assert (made.branch, made.tree, made.files) == ("main", tree, ("more.py",))
    assert git(repo, "rev-parse", "main", "main^{tree}").split() == [made.commit, tree]
    assert git(repo, "log", "-1", "--format=%an|%B") == (
        f"Lomu|More\n\nWhy.\n\nApproved-by: ann\nApproved-by: bo\nRemit-Call: {KEY}"
    )
    assert git(repo, "status", "--porcelain") == ""
    assert "lomu: More" in git(repo, "reflog", "-1")
    git(repo, "revert", "--no-edit", "HEAD")  # the documented way back
    assert git(repo, "rev-parse", "HEAD^{tree}") == git(repo, "rev-parse", "HEAD~2^{tree}")


async def test_the_same_call_commits_once(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    committer = _committer(repo)
    first = await committer.commit(tree, "More", key=KEY, approved_by=())
    again = await committer.commit(tree, "More", key=KEY, approved_by=())
    assert again == first
    assert len(commits(repo)) == 2
    assert await committer.find(tree, KEY) == first
    assert await committer.find(tree, "run_a:c1-2") is None
    assert await committer.find("0" * 40, KEY) is None


async def test_the_commit_is_found_after_others_came(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    commit = await _commit(repo)
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "somebody else")
    git(repo, "switch", "--quiet", "-c", "side", "HEAD~2")
    found = await _committer(repo).find(tree, KEY)
    assert found is not None
    assert found.commit == commit


async def test_the_first_commit_of_a_repository(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "-c", "init.defaultBranch=main", "init", "--quiet")
    write(repo, NEW)
    git(repo, "add", "more.py")
    commit = await _commit(repo)
    assert git(repo, "log", "--format=%H %P") == commit
    assert await _committer(repo).find(await _tree(repo), KEY) is not None


@pytest.mark.requirement("TOOL-13")
async def test_nobody_who_did_not_commit_is_found(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "--quiet")
    assert await _committer(repo).find("0" * 40, KEY) is None


# ---------------------------------------------------------------- refusals


@pytest.mark.requirement("GOV-2")
async def test_without_a_passed_scan_there_is_no_commit(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"calc.py": BAD})
    with pytest.raises(ToolError, match=r"the scan did not pass.*calc.py:2 B307"):
        await _commit(repo)
    assert len(commits(repo)) == 1


@pytest.mark.requirement("GOV-2")
async def test_a_tree_that_was_scanned_but_is_not_there_any_more_is_refused(
    tmp_path: Path,
) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    write(repo, {"calc.py": BAD})
    with pytest.raises(ToolError, match="it changed since it was scanned"):
        await _committer(repo).commit(tree, "More", key=KEY, approved_by=())
    old = git(repo, "rev-parse", "HEAD^{tree}")
    with pytest.raises(ToolError, match="it changed since it was scanned"):
        await _committer(repo).commit(old, "More", key=KEY, approved_by=())
    assert len(commits(repo)) == 1


@pytest.mark.parametrize("tree", ["HEAD", "main", "--help", "", "0" * 39, "HEAD^{tree}", "A" * 40])
async def test_only_a_tree_id_is_taken(tmp_path: Path, tree: str) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    with pytest.raises(ToolError, match="is no tree id"):
        await _committer(repo).commit(tree, "More", key=KEY, approved_by=())


async def test_nothing_changed_is_nothing_to_commit(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nothing has changed"):
        await _commit(make(tmp_path / "repo"))


@pytest.mark.parametrize(
    "message",
    ["", " \n", "x" * 4001, "a\x00b", "a\x1b[2Jb", "a\u202eb", "x\n\nRemit-Call: run_b:c1-1",
     "x\n\napproved-by : owner"],
)  # fmt: skip
async def test_a_message_that_lies_or_hides_is_refused(tmp_path: Path, message: str) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    with pytest.raises(ToolError, match="the message"):
        await _commit(repo, message)


async def test_a_message_is_no_option(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    await _commit(repo, "--amend -m x")
    assert git(repo, "log", "-1", "--format=%s") == "--amend -m x"


async def test_what_somebody_staged_is_neither_committed_nor_unstaged(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {**NEW, "mine.py": "MINE = 1\n"})
    git(repo, "add", "mine.py")
    with pytest.raises(ToolError, match=r"staged changes \(mine.py\).*git restore --staged"):
        await _commit(repo)
    assert git(repo, "diff", "--cached", "--name-only") == "mine.py"


async def test_a_detached_head_gets_no_commit(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    git(repo, "switch", "--quiet", "--detach")
    write(repo, NEW)
    with pytest.raises(ToolError, match="on no branch"):
        await _commit(repo)


async def test_a_changed_key_file_is_left_to_people(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {".env": "KEY=1\n"})
    write(repo, {".env": "KEY=2\n"})
    with pytest.raises(ToolError, match=r"'.env' changed and is out of an agent's reach"):
        await _commit(repo)


async def test_a_file_that_gitignore_lets_in_is_refused_all_the_same(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {".gitignore": "!id_rsa\n", "id_rsa": "x"})
    with pytest.raises(ToolError, match="'id_rsa' changed and is out of an agent's reach"):
        await _commit(repo)


async def test_a_file_that_goes_through_a_filter_is_left_to_people(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {".gitattributes": "*.bin filter=lfs\n"})
    write(repo, {"a.bin": "x"})
    with pytest.raises(ToolError, match=r"'a.bin' goes through a filter"):
        await _commit(repo)


async def test_a_moved_submodule_is_left_to_people(tmp_path: Path) -> None:
    inner = make(tmp_path / "inner")
    repo = make(tmp_path / "repo")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    git(repo, "commit", "--quiet", "-m", "submodule")
    git(repo / "sub", "commit", "--quiet", "--allow-empty", "-m", "moved")
    with pytest.raises(ToolError, match="the submodule 'sub' changed"):
        await _commit(repo)


# ---------------------------------------------------------------- races and crashes


async def test_two_calls_at_once_make_one_commit_on_one_parent(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    found = await asyncio.gather(
        *(
            _committer(repo).commit(tree, "More", key=f"run_{number}:c1-1", approved_by=())
            for number in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in found) == 1
    assert all(isinstance(each, ToolError) for each in found if isinstance(each, BaseException))
    assert len(git(repo, "rev-list", "main").split()) == 2
    assert git(repo, "status", "--porcelain") == ""


async def test_a_branch_that_moves_meanwhile_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    committer = _committer(repo)
    _before(committer, "update-ref", lambda: _advance(repo), monkeypatch)
    with pytest.raises(ToolError, match="refs/heads/main moved while this was committed"):
        await committer.commit(await _tree(repo), "More", key=KEY, approved_by=())
    assert git(repo, "log", "--format=%s") == "elsewhere\nbegin"
    assert git(repo, "diff", "--cached", "--name-only") == ""


async def test_a_commit_that_a_dying_process_still_made_is_this_calls_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    committer = _committer(repo)

    def made_elsewhere() -> None:
        text = f"More\n\nRemit-Call: {KEY}"
        other = git(repo, "commit-tree", tree, "-p", "HEAD", "-m", text)
        git(repo, "update-ref", "refs/heads/main", other)

    _before(committer, "update-ref", made_elsewhere, monkeypatch)
    made = await committer.commit(tree, "More", key=KEY, approved_by=())
    assert git(repo, "rev-parse", "main") == made.commit
    assert len(git(repo, "rev-list", "main").split()) == 2


async def test_a_commit_that_was_cut_after_the_index_is_made_by_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    write(repo, NEW)
    tree = await _tree(repo)
    committer = _committer(repo)

    def die() -> None:
        raise asyncio.CancelledError

    _before(committer, "update-ref", die, monkeypatch)
    with pytest.raises(asyncio.CancelledError):
        await committer.commit(tree, "More", key=KEY, approved_by=())
    assert git(repo, "diff", "--cached", "--name-only") == "more.py"
    assert await _committer(repo).find(tree, KEY) is None
    made = await _committer(repo).commit(tree, "More", key=KEY, approved_by=())
    assert git(repo, "log", "-1", "--format=%H") == made.commit
    assert git(repo, "status", "--porcelain") == ""


def _advance(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    other = git(repo, "commit-tree", "HEAD^{tree}", "-p", head, "-m", "elsewhere")
    git(repo, "update-ref", "refs/heads/main", other, head)


def _before(
    committer: Committer, word: str, act: Callable[[], None], patch: pytest.MonkeyPatch
) -> None:
    """Do something right before a git command."""
    run = committer._git.run

    async def wrapped(*words: str, **options: object) -> object:
        if words[0] == word:
            act()
        return await run(*words, **options)  # type: ignore[arg-type]  # handed through

    patch.setattr(committer._git, "run", wrapped)
