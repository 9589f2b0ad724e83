"""What each tool lets through: files beneath the repository, and nothing that runs on the host."""

from collections.abc import Awaitable
from pathlib import Path
from typing import cast

import pytest

from lomu.tools import Tools, make_tools
from remit import ToolError
from tests.examples.scratch import BAD, call, commits, git, make, write


def _tools(repo: Path) -> Tools:
    return make_tools(str(repo), tests="python -m unittest")


async def _listed(repo: Path, pattern: str = "") -> list[str]:
    return (await cast("Awaitable[str]", _tools(repo).list_files(pattern))).splitlines()


async def _written(repo: Path, path: str, content: str = "x") -> str:
    return await cast("Awaitable[str]", _tools(repo).write_file(path, content))


def _read(repo: Path, path: str, first_line: int = 1) -> str:
    return cast("str", _tools(repo).read_file(path, first_line))


async def test_files_are_listed_by_pattern(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"a.py": "", "src/b.py": "", "src/c.txt": "", ".env": ""})
    assert await _listed(repo) == ["a.py", "src/b.py", "src/c.txt"]
    assert await _listed(repo, "*.py") == ["a.py", "src/b.py"]
    assert await _listed(repo, "src/*.py") == ["src/b.py"]
    assert await _listed(repo, "../**") == ["no file matches"]


async def test_a_long_list_says_how_much_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lomu.tools._MAX_LISTED", 2)
    repo = make(tmp_path / "repo", {f"{name}.py": "" for name in "abcd"})
    assert await _listed(repo) == ["a.py", "b.py", "… and 2 more: give a narrower pattern"]


def test_a_long_file_is_read_in_pages(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"a.py": "".join(f"{n}\n" for n in range(1, 901))})
    assert _read(repo, "a.py").endswith("400\n[500 more lines; go on at first_line=401]")
    assert _read(repo, "a.py", 401).startswith("401\n")
    assert _read(repo, "a.py", 801).endswith("900\n")
    assert _read(repo, "a.py", 0).startswith("1\n")


async def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    assert await _written(repo, "src/deep/new.py", "A = 1\nB = 2\n") == (
        "wrote src/deep/new.py (2 lines)"
    )
    assert (repo / "src/deep/new.py").read_text() == "A = 1\nB = 2\n"


OUT_OF_REACH = [
    "../outside.txt",
    "/etc/passwd",
    "src/../../outside.txt",
    ".git/config",
    ".git/hooks/pre-commit",
    ".GIT/hooks/pre-commit",
    "sub/.git/config",
    ".env",
    ".env.production",
    "keys/id_ed25519",
    "server.pem",
    ".remit/journal.db",
    "remit.toml",
    ".ssh/authorized_keys",
    ".aws/credentials",
    "a\x00b",
    "a\u202eb",
    "",
    "..\\outside.txt",
    "link/outside.txt",
    "hard",
]


@pytest.mark.requirement("TOOL-10", "RED-2")
@pytest.mark.parametrize("path", OUT_OF_REACH)
async def test_what_is_out_of_reach_is_neither_read_nor_written(tmp_path: Path, path: str) -> None:
    write(tmp_path, {"outside.txt": "planted", "target": "planted"})
    repo = make(tmp_path / "repo", {"src/a.py": "", ".env": "planted", "keys/id_ed25519": "x"})
    (repo / "link").symlink_to(tmp_path)
    (repo / "hard").hardlink_to(tmp_path / "target")
    with pytest.raises(ToolError):
        _read(repo, path)
    with pytest.raises(ToolError):
        await _written(repo, path, "changed")
    assert (tmp_path / "outside.txt").read_text() == "planted"
    assert (tmp_path / "target").read_text() == "planted"
    assert (repo / ".env").read_text() == "planted"


@pytest.mark.requirement("RED-2")
@pytest.mark.parametrize(
    "path",
    [".gitattributes", ".gitignore", ".gitmodules", ".github/workflows/ci.yml", ".gitlab-ci.yml",
     "Jenkinsfile", ".pre-commit-config.yaml", ".husky/pre-commit", ".vscode/tasks.json",
     ".devcontainer/devcontainer.json", ".envrc"],
)  # fmt: skip
async def test_what_runs_elsewhere_is_not_written(tmp_path: Path, path: str) -> None:
    repo = make(tmp_path / "repo")
    with pytest.raises(ToolError, match="is refused"):
        await _written(repo, path)


async def test_where_git_does_not_look_nothing_is_written(tmp_path: Path) -> None:
    repo = make(
        tmp_path / "repo", {".gitignore": "build/\n!build/kept\n*.gen.py\n", "a.gen.py": ""}
    )
    git(repo, "add", "--force", "a.gen.py")
    git(repo, "commit", "--quiet", "-m", "tracked all the same")
    for path in ("build/evil.py", "b.gen.py", ".git/x"):
        with pytest.raises(ToolError, match=r"is ignored by git|is refused"):
            await _written(repo, path)
    await _written(repo, "a.gen.py", "A = 1\n")
    await _written(repo, "-x.py", "A = 1\n")


async def test_files_of_a_nested_repository_are_left_alone(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    make(repo / "inner")
    with pytest.raises(ToolError, match=r"in a repository of its own \(inner\)"):
        await _written(repo, "inner/calc.py")


def test_writes_and_looks_at_the_whole_tree_do_not_overlap(tmp_path: Path) -> None:
    tools = _tools(make(tmp_path / "repo"))
    written = tools.write_file.keys({"path": "a.py", "content": ""})
    assert written == ("file:a.py", "worktree")
    assert tools.read_file.keys({"path": "a.py", "first_line": 1}) == ("file:a.py",)
    for tool in (tools.run_tests, tools.scan_code, tools.list_files, tools.commit_changes):
        assert tool.keys({}) == ("worktree",)


@pytest.mark.requirement("TOOL-13")
def test_the_contracts_say_what_is_a_write_and_what_cannot_be_undone(tmp_path: Path) -> None:
    tools = _tools(make(tmp_path / "repo"))
    specs = {name: getattr(tools, name).spec for name in Tools.__slots__}
    assert [name for name, spec in specs.items() if spec.access == "write"] == [
        "write_file",
        "commit_changes",
    ]
    assert [name for name, spec in specs.items() if spec.risk == "high"] == ["commit_changes"]
    assert specs["commit_changes"].on_crash == "probe"


@pytest.mark.requirement("GOV-2", "PERM-7")
async def test_nobody_is_asked_about_a_tree_that_did_not_pass(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"calc.py": BAD})
    tools = _tools(repo)
    report = await cast("Awaitable[object]", tools.scan_code())
    tree = getattr(report, "tree")  # noqa: B009  the tool is typed as one of any kind
    found = await tools.commit_changes.inspect("c1", f'{{"tree": "{tree}", "message": "x"}}')
    assert found.error is not None
    assert "the scan did not pass" in found.error


async def test_a_changed_world_changes_the_digest_of_the_call(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"more.py": "MORE = 1\n"})
    tools = _tools(repo)
    tree = getattr(await cast("Awaitable[object]", tools.scan_code()), "tree")  # noqa: B009  see above
    arguments = f'{{"tree": "{tree}", "message": "x"}}'
    first = await tools.commit_changes.inspect("c1", arguments)
    assert first.error is None
    assert first.digest == (await tools.commit_changes.inspect("c1", arguments)).digest
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "elsewhere")
    moved = await tools.commit_changes.inspect("c1", arguments)
    assert moved.error is None
    assert moved.digest != first.digest
    write(repo, {"more.py": "MORE = 2\n"})
    changed = await tools.commit_changes.inspect("c1", arguments)
    assert "changed since it was scanned" in str(changed.error)


async def test_a_commit_names_who_agreed(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    write(repo, {"more.py": "MORE = 1\n"})
    tools = _tools(repo)
    tree = getattr(await cast("Awaitable[object]", tools.scan_code()), "tree")  # noqa: B009  see above
    await cast("Awaitable[object]", tools.commit_changes(call(), tree, "More"))
    assert "Approved-by: local:ann" in git(repo, "log", "-1", "--format=%B")
    assert len(commits(repo)) == 2
    probe = tools.commit_changes.probe
    assert probe is not None
    found = await cast("Awaitable[object]", probe.function(tree=tree, call=call()))
    assert found is not None
    other = call(key="run_x:c9-9")
    assert await cast("Awaitable[object]", probe.function(tree=tree, call=other)) is None
