"""find_sandbox: the strongest that works, really tried; else an error that says what to do."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from remit.adapters.sandbox import find, rules
from remit.adapters.sandbox.bubblewrap import Bubblewrap
from remit.adapters.sandbox.find import find_sandbox, probe, working_sandboxes
from remit.adapters.sandbox.landlock import Landlock
from remit.errors import SandboxUnavailable
from tests.adapters.sandbox.conftest import working

pytestmark = pytest.mark.requirement("TOOL-17")


def namespaces_allowed() -> bool:
    """Whether this user may make what bubblewrap and Landlock with namespaces need."""
    code = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x7e020000) != 0)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_can_work_here_does_work() -> None:
    """Otherwise the whole suite would be skipped and nobody would see it."""
    names = [sandbox.name for sandbox in working_sandboxes()]
    if rules.version():
        assert "landlock+seccomp" in names
    if namespaces_allowed() and rules.version():
        assert "landlock+netns" in names
    if namespaces_allowed() and shutil.which("bwrap"):
        assert names[0] == "bubblewrap"
    assert names, "no sandbox works on this machine"
    assert find_sandbox().name == names[0]


def test_without_bubblewrap_the_kernel_does_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="install the package `bubblewrap`"):
        Bubblewrap()
    if not rules.version():
        pytest.skip("the kernel has no Landlock")
    assert find_sandbox().name.startswith("landlock+")


def test_a_bubblewrap_that_does_not_work_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho no permission to create namespaces >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxUnavailable, match="no permission to create namespaces"):
        probe(Bubblewrap())
    if rules.version():
        assert find_sandbox().name.startswith("landlock+")


def test_a_bubblewrap_that_confines_nothing_is_found_out(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n')
    fake.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match="not confined: read"):
        probe(Bubblewrap(str(fake)))


def test_with_nothing_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rules, "version", lambda: 0)
    with pytest.raises(SandboxUnavailable) as caught:
        find_sandbox()
    text = str(caught.value)
    for words in ("bubblewrap is not installed", "no Landlock", "install the package", "5.13"):
        assert words in text
    assert working_sandboxes() == []


def test_on_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable):
        find_sandbox()


# Our own filter denies namespaces as a container's does; its openat2 and chmod rules come on top.
_IN_A_CONTAINER = """
import ctypes, sys
from remit.adapters.sandbox import bpf, kernel
kernel.prctl("PR_SET_NO_NEW_PRIVS", 38, 1)
kernel.load_filter(bpf.build_filter(own_namespaces=True))
from remit.adapters.sandbox.find import working_sandboxes
print(*[sandbox.name for sandbox in working_sandboxes()])
"""


def test_inside_a_container_that_forbids_namespaces() -> None:
    working("seccomp")
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_CONTAINER], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "landlock+seccomp", done.stderr


def test_a_landlock_that_leaves_a_hole_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    working("netns")
    # As if the network were the machine's: the probe must see it, whatever the reason.
    monkeypatch.setattr(find, "_PROBE", 'print("not confined: send")')
    with pytest.raises(SandboxUnavailable, match="not confined: send"):
        probe(Landlock("landlock+netns"))


def test_the_probe_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    working_sandboxes()
    assert list(tmp_path.iterdir()) == []


def test_the_launcher_imports_nothing_but_itself() -> None:
    """It starts for every command; and it must not need any installed package."""
    package = Path(find.__file__).parents[2]
    code = (
        "import sys;m=sys.modules['remit']=type(sys)('remit');m.__path__=[sys.argv[1]];"
        "import remit.adapters.sandbox.launcher;"
        "print(*sorted(n for n in sys.modules if '.' not in n or n.startswith('remit')))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(package)],
        capture_output=True,
        text=True,
        check=True,
    )
    names = set(done.stdout.split())
    assert not names & {"json", "typing", "dataclasses", "pathlib", "signal", "socket", "pydantic"}
    ours = {name for name in names if name.startswith("remit.")}
    assert all(name.startswith("remit.adapters") for name in ours)


def test_ctypes_finds_the_c_library() -> None:
    assert ctypes.CDLL(None).getpid() == os.getpid()
