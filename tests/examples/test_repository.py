"""What stands in the working tree as git would commit it, without touching the user's index."""

import os
from pathlib import Path

import pytest

from lomu import repository
from lomu.repository import Repository, is_submodule
from remit import ToolError
from tests.examples.scratch import git, make, write


async def test_the_tree_is_that_of_the_working_folder(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"new.py": "NEW = 1\n", ".gitignore": "*.log\n", "a.log": "x"})
    (repo / "calc.py").unlink()
    tree = await Repository(str(repo)).tree()
    assert git(repo, "ls-tree", "-r", "--name-only", tree).split() == [
        ".gitignore",
        "new.py",
        "test_calc.py",
    ]


async def test_the_users_index_stays_as_it_is(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"staged.py": "A = 1\n", "loose.py": "B = 1\n"})
    git(repo, "add", "staged.py")
    before = (repo / ".git" / "index").read_bytes()
    await Repository(str(repo)).tree()
    assert (repo / ".git" / "index").read_bytes() == before


@pytest.mark.requirement("TOOL-10")
async def test_keys_and_journals_never_come_into_a_tree(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(
        repo,
        {
            ".env": "KEY=1",
            "deep/id_ed25519": "x",
            ".remit/journal.db": "x",
            "server.pem": "x",
            "ok.py": "A = 1\n",
        },
    )
    tree = await Repository(str(repo)).tree()
    assert "ok.py" in git(repo, "ls-tree", "-r", "--name-only", tree)
    assert await Repository(str(repo)).paths() == ["calc.py", "ok.py", "test_calc.py"]
    names = git(repo, "ls-tree", "-r", "--name-only", tree)
    for name in (".env", "id_ed25519", ".remit", "server.pem"):
        assert name not in names


async def test_head_before_the_first_commit(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "-c", "init.defaultBranch=trunk", "init", "--quiet")
    head = await Repository(str(repo)).head()
    assert (head.branch, head.commit) == ("refs/heads/trunk", "")
    assert git(repo, "cat-file", "-t", head.tree) == "tree"


async def test_a_detached_head_is_refused(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    git(repo, "switch", "--quiet", "--detach")
    with pytest.raises(ToolError, match=r"on no branch.*git switch"):
        await Repository(str(repo)).head()


@pytest.mark.parametrize(
    ("mark", "what"), [("MERGE_HEAD", "a merge"), ("rebase-merge", "a rebase")]
)
async def test_an_operation_under_way_is_refused(tmp_path: Path, mark: str, what: str) -> None:
    repo = make(tmp_path / "repo")
    (repo / ".git" / mark).mkdir()
    with pytest.raises(ToolError, match=f"{what} is under way"):
        await Repository(str(repo)).head()


async def test_a_nested_repository_is_named(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    make(repo / "inner")
    with pytest.raises(ToolError, match=r"'inner/' is a repository of its own"):
        await Repository(str(repo)).tree()


async def test_floods_and_giants_are_refused_before_git_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    monkeypatch.setattr(repository, "MAX_CHANGED", 3)
    monkeypatch.setattr(repository, "MAX_FILE_BYTES", 100)
    write(repo, {"big.bin": "x" * 101})
    with pytest.raises(ToolError, match=r"'big.bin' has 101 bytes, more than 100"):
        await Repository(str(repo)).tree()
    write(repo, {f"n{number}.py": "" for number in range(4)})
    with pytest.raises(ToolError, match="5 files are new or changed, more than 3"):
        await Repository(str(repo)).tree()


async def test_a_tree_too_large_to_copy_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make(tmp_path / "repo")
    monkeypatch.setattr(repository, "MAX_FILES", 1)
    with pytest.raises(ToolError, match="the tree has 2 files"):
        await Repository(str(repo)).entries("HEAD^{tree}")


async def test_changes_tell_what_was_added_changed_and_deleted(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"a.py": "A = 1\n", "b.py": "B = 1\n"})
    write(repo, {"a.py": "A = 2\n", "ü\nc.py": "C = 1\n"})
    (repo / "b.py").unlink()
    place = Repository(str(repo))
    found = {
        one.path: (bool(one.old_blob), bool(one.blob))
        for one in await place.changes((await place.head()).tree, await place.tree())
    }
    assert found == {"a.py": (True, True), "b.py": (True, False), "ü\nc.py": (False, True)}


async def test_a_change_within_the_instant_of_the_index_is_seen(tmp_path: Path) -> None:
    """Git looks into files that are no older than its index; a copy of it is younger by itself."""
    repo = make(tmp_path / "repo", {"a.py": "A = 1\n"})
    git(repo, "config", "core.trustctime", "false")
    git(repo, "config", "core.checkstat", "minimal")
    past = (1_700_000_000 * 10**9,) * 2
    os.utime(repo / "a.py", ns=past)
    git(repo, "update-index", "--refresh")
    (repo / "a.py").write_text("A = 2\n", encoding="utf-8")
    for each in (repo / "a.py", repo / ".git" / "index"):
        os.utime(each, ns=past)
    place = Repository(str(repo))
    changes = await place.changes((await place.head()).tree, await place.tree())
    assert [one.path for one in changes] == ["a.py"]


async def test_a_moved_submodule_is_recognised(tmp_path: Path) -> None:
    inner = make(tmp_path / "inner")
    repo = make(tmp_path / "repo")
    allowed = ("-c", "protocol.file.allow=always")
    git(repo, *allowed, "submodule", "--quiet", "add", str(inner), "sub")
    git(repo, "commit", "--quiet", "-m", "submodule")
    git(repo / "sub", "commit", "--quiet", "--allow-empty", "-m", "moved")
    place = Repository(str(repo))
    changes = await place.changes((await place.head()).tree, await place.tree())
    assert [(one.path, is_submodule(one)) for one in changes] == [("sub", True)]


async def test_a_copy_has_the_wanted_files_as_git_keeps_them(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"a/b.py": "B = 1\r\n", "run.sh": "#!/bin/sh\n", "no.py": ""})
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("/etc/hostname")
    (repo / os.fsdecode(b"caf\xe9")).write_bytes(b"\xff")
    place = Repository(str(repo))
    tree = await place.tree()
    async with place.copy(tree, lambda entry: entry.path != "no.py") as folder:
        assert sorted(path.name for path in folder.iterdir()) == [
            "a",
            os.fsdecode(b"caf\xe9"),
            "link",
            "run.sh",
        ]
        assert (folder / "a" / "b.py").read_bytes() == b"B = 1\r\n"
        assert os.access(folder / "run.sh", os.X_OK)
        assert (folder / "link").readlink() == Path("/etc/hostname")
    assert not folder.exists()


async def test_contents_are_read_in_batches_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"f{number}.txt": f"{number}\n" * number for number in range(9)}
    repo = make(tmp_path / "repo", files)
    monkeypatch.setattr(repository, "_BATCH_BYTES", 10)
    place = Repository(str(repo))
    async with place.copy("HEAD^{tree}", lambda _: True) as folder:
        assert {path.name: path.read_text() for path in folder.iterdir()} == files


async def test_a_missing_object_is_named(tmp_path: Path) -> None:
    place = Repository(str(make(tmp_path / "repo")))
    with pytest.raises(ToolError, match="is missing; run `git fsck`"):
        _ = [each async for each in place.blobs([("1" * 40, 1)])]
    with pytest.raises(ToolError, match="is missing; run `git fsck`"):
        await place.sizes(["1" * 40])


async def test_a_deleted_file_is_not_listed(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    (repo / "calc.py").unlink()
    assert await Repository(str(repo)).paths() == ["test_calc.py"]
