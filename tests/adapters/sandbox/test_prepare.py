"""What of a command is refused before anything starts, and what a program gets to see."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from remit.adapters.sandbox.plan import BUBBLEWRAP, HIDE, NAMESPACES, PRIVATE, READ, SECCOMP, WRITE
from remit.adapters.sandbox.prepare import is_beneath, make_plan
from remit.errors import CommandRefused
from remit.values.command import Command

pytestmark = pytest.mark.requirement("TOOL-5", "TOOL-17")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    (tmp_path / "work/inner/deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "work/file").write_text("")
    work = str(tmp_path / "work")
    return Command(argv=("true",), cwd=work, write=(work,))


def seen(command: Command, mode: str = NAMESPACES) -> dict[str, str]:
    return {inside: how for inside, _, how in make_plan(command, mode, "/scratch").view}


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"argv": ()}, "argv is empty"),
        ({"argv": ("",)}, "argv is empty"),
        ({"argv": ("a\0b",)}, "NUL"),
        ({"argv": ("no-such-program",)}, "not installed or not executable"),
        ({"argv": ("./file",)}, "not installed or not executable"),
        ({"argv": ("../other",)}, "not installed or not executable"),
        ({"env": {"A": "planted\0"}}, "NUL in the value of env 'A'; remove it"),
        ({"env": {"A\0": ""}}, "NUL"),
        ({"env": {"A=B": "1"}}, "env has the name"),
        ({"env": {"": "1"}}, "env has the name"),
        ({"cpu_s": 0}, "cpu_s=0"),
        ({"memory_bytes": -1}, "memory_bytes=-1"),
        ({"processes": 0}, "processes=0"),
        ({"output_bytes": 0}, "output_bytes=0"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"cwd": "relative"}, "no absolute path"),
        ({"read": ("relative",)}, "no absolute path"),
        ({"read": ("/no/such/folder",)}, "does not exist"),
        ({"write": ("/",)}, "other programs' files"),
        ({"read": ("/",)}, "other programs' files"),
        ({"read": ("/tmp",)}, "other programs' files"),  # noqa: S108  # refused
        ({"read": ("/proc/self",)}, "other programs' files"),
        ({"read": ("/sys",)}, "other programs' files"),
        ({"write": ("/dev/shm",)}, "other programs' files"),  # noqa: S108  # refused
        ({"write": ("/usr",)}, "the system or the running interpreter"),
        ({"write": (sys.prefix,)}, "the system or the running interpreter"),
        ({"hide": ("relative",)}, "no absolute path"),
    ],
)
def test_wrong_fields(command: Command, changes: dict[str, object], words: str) -> None:
    with pytest.raises(CommandRefused, match=words) as caught:
        make_plan(replace(command, **changes), NAMESPACES)  # type: ignore[arg-type]  # wrong by purpose
    assert str(caught.value).startswith("command: ")
    assert ";" in str(caught.value), "a remedy follows"
    assert "planted" not in str(caught.value)


def test_the_working_folder_must_be_seen(command: Command, tmp_path: Path) -> None:
    for cwd in (tmp_path, tmp_path / "other", tmp_path / "work/absent", tmp_path / "work/file"):
        with pytest.raises(CommandRefused, match="cwd="):
            make_plan(replace(command, cwd=str(cwd)), NAMESPACES)
    hidden = replace(
        command, cwd=str(tmp_path / "work/inner"), hide=(str(tmp_path / "work/inner"),)
    )
    with pytest.raises(CommandRefused, match="cwd="):
        make_plan(hidden, NAMESPACES)


def test_a_program_must_be_seen(command: Command, tmp_path: Path) -> None:
    tool = tmp_path / "other/tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    with pytest.raises(CommandRefused, match="declare its folder in `read`"):
        make_plan(replace(command, argv=(str(tool),)), NAMESPACES)
    (tmp_path / "work/link").symlink_to(tool)
    with pytest.raises(CommandRefused, match="declare its folder in `read`"):
        make_plan(replace(command, argv=("./link",)), NAMESPACES)
    plan = make_plan(replace(command, argv=(str(tool), "x"), read=(str(tool.parent),)), NAMESPACES)
    assert plan.argv == [str(tool), "x"]


def test_what_must_stay_hidden_must_exist(command: Command, tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="hide the folder it will lie in"):
        make_plan(replace(command, hide=(str(tmp_path / "work/absent"),)), NAMESPACES)
    # Outside of what is seen it is hidden anyway.
    assert seen(replace(command, hide=(str(tmp_path / "absent"), "/var/none"))) == seen(command)


def test_hiding_and_showing_the_same_is_a_mistake(command: Command, tmp_path: Path) -> None:
    for path in (tmp_path / "work", tmp_path, Path("/usr")):
        with pytest.raises(CommandRefused, match="declare one of them only"):
            make_plan(replace(command, hide=(str(path),)), NAMESPACES)


# ---------------------------------------------------------------- seen


def test_the_system_and_nothing_of_the_users(command: Command, tmp_path: Path) -> None:
    view = seen(command)
    work = str(tmp_path / "work")
    assert view[work] == WRITE
    assert {path for path, how in view.items() if how == WRITE} == {work}
    assert view["/usr"] == READ
    assert view["/tmp"] == PRIVATE  # noqa: S108  # the path inside
    for path in ("/", "/etc", "/root", "/var", "/run", "/proc", "/sys", "/dev", str(Path.home())):
        assert path not in view
    assert "/etc/shadow" not in view
    assert "/etc/ssl" not in view, "private keys lie beneath it"


def test_the_interpreter_is_seen_and_stays_read_only(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "work/.venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/remit").write_text("")
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(sys, "exec_prefix", str(environment))
    view = seen(command)
    assert view[str(environment)] == READ
    assert view[str(environment / "bin/remit")] == HIDE
    assert list(view).index(str(tmp_path / "work")) < list(view).index(str(environment))


def test_a_prefix_that_holds_the_home_folder_is_not_shown(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "other"))
    assert str(tmp_path) not in seen(command)


def test_the_deepest_path_decides(command: Command, tmp_path: Path) -> None:
    inner, deep = str(tmp_path / "work/inner"), str(tmp_path / "work/inner/deep")
    view = seen(replace(command, read=(inner,), hide=(deep,)))
    work = str(tmp_path / "work")
    assert [view[work], view[inner], view[deep]] == [WRITE, READ, HIDE]
    assert list(view).index(work) < list(view).index(inner) < list(view).index(deep)


def test_links_are_resolved_and_made_again(command: Command, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to("work")
    plan = make_plan(
        replace(command, cwd=f"{tmp_path}/alias/inner", write=(f"{tmp_path}/alias",)), BUBBLEWRAP
    )
    assert plan.cwd == str(tmp_path / "work/inner")
    assert (str(tmp_path / "alias"), str(tmp_path / "work")) in plan.links
    assert str(tmp_path / "alias") not in {inside for inside, _, _ in plan.view}


def test_hidden_links_hide_what_they_lead_to(command: Command, tmp_path: Path) -> None:
    (tmp_path / "to_inner").symlink_to("work/inner")
    view = seen(replace(command, hide=(str(tmp_path / "to_inner"),)))
    assert view[str(tmp_path / "work/inner")] == HIDE


def test_environment(command: Command) -> None:
    plan = make_plan(replace(command, env={"PATH": "/usr/bin", "X": "1"}), NAMESPACES)
    assert plan.env == {
        "PATH": "/usr/bin",
        "HOME": "/tmp",  # noqa: S108  # the path inside
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",  # noqa: S108  # the same
        "X": "1",
    }
    without_mounts = make_plan(command, SECCOMP, "/scratch")
    assert without_mounts.env["TMPDIR"] == without_mounts.env["HOME"] == "/scratch"
    assert without_mounts.links == []


@pytest.mark.parametrize(
    ("path", "folder", "beneath"),
    [
        ("/a", "/a", True),
        ("/a/b", "/a", True),
        ("/ab", "/a", False),
        ("/a", "/a/b", False),
        ("/a", "/", True),
    ],
)
def test_is_beneath(path: str, folder: str, *, beneath: bool) -> None:
    assert is_beneath(path, folder) == beneath


def test_folders_above_what_allows_less_are_held(command: Command, tmp_path: Path) -> None:
    """Under another name the next program would find what lies in them."""
    work = tmp_path / "work"
    hidden = replace(command, hide=(str(work / "inner/deep"),))
    assert seen(hidden)[str(work / "inner")] == WRITE
    assert seen(hidden, BUBBLEWRAP)[str(work / "inner")] == WRITE
    assert str(work / "inner") not in seen(hidden, SECCOMP), "nothing above it is granted there"
    assert str(work / "inner") not in seen(command)
    read = replace(command, read=(str(work / "inner/deep"),))
    assert seen(read)[str(work / "inner")] == WRITE
    # What may only be read cannot be renamed anyway.
    outer = replace(command, read=(str(work / "inner"),), hide=(str(work / "inner/deep"),))
    assert seen(outer)[str(work / "inner")] == READ
