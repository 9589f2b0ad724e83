"""Bubblewrap's command line and the numbers in what it reports."""

import os
import select
import threading
import time
from pathlib import Path

import pytest

from remit.adapters.sandbox import limits, wrap
from remit.adapters.sandbox.bubblewrap import Bubblewrap
from remit.adapters.sandbox.plan import Plan
from remit.values.command import Command

pytestmark = pytest.mark.requirement("TOOL-17")


@pytest.mark.parametrize(
    ("report", "number"),
    [
        ('{ "child-pid": 123, "ipc-namespace": 5 }\n', 123),
        ('{"child-pid":7}', 7),
        ("{ }", -1),
        ('{ "child-pid": null }', -1),
        ("", -1),
    ],
)
def test_numbers(report: str, number: int) -> None:
    assert wrap._number(report, '"child-pid"') == number


def test_a_number_that_comes_in_two_parts_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    limited: list[int] = []

    def note(_plan: Plan, pid: int, *, own_namespace: bool) -> None:
        limited.append(pid if own_namespace else -1)

    monkeypatch.setattr(limits, "apply", note)
    way = object.__new__(wrap.Bubblewrapped)
    way._report, theirs = os.pipe()
    block, way._block = os.pipe()
    way._plan, way._seen, way._staged = Plan(), "", False
    os.write(theirs, b'{ "child-pid": 12')

    def say_the_rest() -> None:
        while select.select([way._report], [], [], 0)[0]:
            time.sleep(0.001)
        os.write(theirs, b'34, "net-namespace": 5 }\n')

    rest = threading.Thread(target=say_the_rest)
    rest.start()
    way.started()
    rest.join()
    for fd in (way._report, theirs, block, way._block):
        os.close(fd)
    assert (limited, way.leader) == ([1234], 1234)


def test_nothing_secret_stands_in_the_list_of_processes(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "key").write_text("")
    command = Command(
        argv=("true", "word"),
        cwd=str(tmp_path),
        write=(str(tmp_path),),
        hide=(str(tmp_path / "journal"), str(tmp_path / "key")),
        env={"TOKEN": "planted"},
    )
    plan = Bubblewrap("/usr/bin/bwrap").plan(command)
    report, block = os.pipe()
    argv, fds = wrap.command(plan, report, block)
    assert argv[:2] == ["/usr/bin/bwrap", "--args"]
    assert argv[3:] == ["--", *plan.argv]
    words = os.pread(int(argv[2]), 1 << 20, 0).decode().split("\0")
    for fd in fds:
        os.close(fd)
    assert words[words.index("TOKEN") + 1] == "planted"
    assert words[words.index(str(tmp_path / "journal")) - 1] == "--tmpfs"
    assert words[words.index(str(tmp_path / "key")) - 2] == "--ro-bind-data"
    assert words[words.index("--proc") + 2 : words.index("--proc") + 4] == ["--remount-ro", "/proc"]
    for word in ("--unshare-all", "--new-session", "--die-with-parent", "--seccomp", "--clearenv"):
        assert word in words
    assert words[words.index("--cap-drop") + 1] == "ALL"
