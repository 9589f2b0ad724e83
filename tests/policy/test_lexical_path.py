"""Whether a path lies beneath another by its text alone: yes, no, or nobody can say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.lexical_path import beneath, clean_path, is_unclear


@pytest.mark.parametrize(
    ("path", "root", "answer"),
    [
        ("/etc", "/etc", True),
        ("/etc/x", "/etc", True),
        ("/etcetera", "/etc", False),
        ("/etc/../var/x", "/etc", False),
        ("/srv/../etc/x", "/etc", True),
        ("//etc//x", "/etc/", True),
        ("/../../etc/x", "/etc", True),
        ("file:///etc/x", "/etc", True),
        ("FILE:///%65tc/x", "/etc", True),
        ("file://localhost/etc/x", "/etc", True),
        ("\\etc\\x", "/etc", True),
        ("file:/etc/x", "/etc", True),
        ("File:\\etc\\x", "/etc", True),
        ("file://localhost.example/etc/x", "/etc", None),
        ("file://host/etc/x", "/etc", None),
        ("/proc/self/root/etc/x", "/etc", None),
        ("/proc/1/task/1/root/etc/x", "/etc", None),
        ("//proc/./self//cwd/../../etc/x", "/etc", None),
        ("/srv/../proc/self/fd/7", "/etc", None),
        ("/proc/1/../self/cwd/x", "/etc", None),
        ("/dev/fd/3", "/etc", None),
        ("/dev/stdin", "/etc", None),
        ("/proc/self/root/etc/x", "/proc", None),
        ("/proc/meminfo", "/etc", False),
        ("/proc/self/status", "/proc", True),
        ("/dev/null", "/etc", False),
        ("~/../etc/x", "/etc", None),
        ("~", "/etc", None),
        ("x", "/etc", False),
        ("a/../../etc", "/etc", None),
        ("~/x", "/etc", None),
        ("$HOME/x", "/etc", None),
        ("`pwd`/x", "/etc", None),
        ("a\0b", "/etc", None),
        ("/etc/a\0b", "/etc", None),
        ("/etc/$X", "/etc", None),
        ("src/a", "src", True),
        ("lib/a", "src", False),
        ("/job/src/a", "src", None),
        ("/job/lib/a", "src", False),
        ("a/b", "", True),
        ("/a/b", "", None),
        ("/a", "/", True),
        ("~/.ssh/id", "~/.ssh", True),
        ("/mnt/ann/.ssh/id", "~/.ssh", None),
        ("/mnt/ann/notes", "~/.ssh", False),
    ],
)
def test_beneath(path: str, root: str, answer: bool | None) -> None:
    assert beneath(path, root) is answer


@given(path=st.text(alphabet="ab./\\~$", max_size=30))
def test_cleaning_is_stable_and_leaves_no_step_up_inside(path: str) -> None:
    once = clean_path(path)
    assert clean_path(once) == once
    assert "/../" not in once.lstrip("./") or is_unclear(path)
