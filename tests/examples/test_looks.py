"""What a person sees of a commit before they agree: every file, before and after."""

from pathlib import Path

import pytest

from lomu import looks
from lomu.looks import commit_preview
from lomu.repository import Repository
from remit.values.clean import Clean
from remit.values.preview_lines import drawn
from tests.examples.scratch import GOOD, git, make, write


async def lines(repo: Path) -> list[str]:
    repository = Repository(str(repo))
    found = await commit_preview(repository, await repository.tree())
    return drawn(found, Clean.vouch).lines


@pytest.mark.requirement("REF-1", "APR-2")
async def test_every_kind_of_change_is_shown(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", {"calc.py": GOOD, "gone.txt": "bye\n", "run.sh": "true\n"})
    write(repo, {"calc.py": GOOD.replace("sum", "total"), "new.py": "x = 1\n"})
    (repo / "gone.txt").unlink()
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("/etc/passwd")
    (repo / "logo.bin").write_bytes(bytes(range(200)))
    head = git(repo, "rev-parse", "HEAD")
    found = await lines(repo)
    assert found[0] == f" commits to main, after {head[:12]}"
    heads = [line for line in found if line.startswith("@ ") and "SHA-256" not in line]
    assert heads == [
        "@ calc.py",
        "@ gone.txt (goes)",
        "@ link (a link) (new)",
        "@ no line end at the end of the file",
        "@ logo.bin (new)",
        "@ before: nothing",
        "@ new.py (new)",
        "@ run.sh (mode 100644 becomes 100755)",
        "@ the content stays",
    ]
    for line in ('-    """The sum."""', '+    """The total."""', "-bye", "+/etc/passwd", "+x = 1"):
        assert line in found


async def test_a_first_commit_is_all_new(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "-c", "init.defaultBranch=main", "init", "--quiet")
    write(repo, {"a.txt": "a\n"})
    assert await lines(repo) == [
        " commits to main, as its first commit",
        "@ a.txt (new)",
        "@@ -0,0 +1 @@",
        "+a",
    ]


async def test_what_is_too_long_is_named_by_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "_FILE_BYTES", 10)
    repo = make(tmp_path / "repo", {"a.txt": "short\n"})
    write(repo, {"a.txt": "far too long for this\n"})
    blob = git(repo, "hash-object", "a.txt")
    assert (await lines(repo))[-2:] == [
        "-short",
        f"+(too long to be shown: 22 bytes, git object {blob})",
    ]


@pytest.mark.requirement("PERM-7")
async def test_a_name_drives_nothing(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    (repo / "a\n+b\x1b[2J\u202egpj.py").write_text("x = 1\n")
    found = await lines(repo)
    assert [line for line in found if line.startswith("@ ")] == [
        "@ 'a\\n+b\\x1b[2J\\u202egpj.py' (new)"
    ]
