"""The escape corpus and the limits once more as a normal user, when the suite runs as root."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.requirement("TOOL-5", "TOOL-10", "TOOL-17")

ROOT = Path(__file__).resolve().parents[3]

# Run by root: gives the interpreter and the repository to a user who could not read root's home
# folder, in a mount namespace of its own, then becomes that user for good.
_BECOME = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def mount(source, target, kind, flags, options=None):
    words = [word.encode() if word else None for word in (source, target, kind, options)]
    if libc.mount(*words[:3], ctypes.c_ulong(flags), words[3]):
        sys.exit(f"CANNOT mount {target}: {os.strerror(ctypes.get_errno())}")
if libc.unshare(0x00020000):  # CLONE_NEWNS
    sys.exit("CANNOT unshare")
mount("none", "/", None, 0x4000 | 1 << 18)  # MS_REC | MS_PRIVATE
scratch, needed = sys.argv[1], sys.argv[2].split(os.pathsep)
def closed(path):
    above = path
    while above != "/":
        above = os.path.dirname(above)
        if not os.stat(above).st_mode & 1:
            yield above
for number, path in enumerate(needed):
    for folder in list(closed(path))[-1:]:
        inside = [other for other in needed if other.startswith(folder + "/")]
        for place, other in enumerate(inside):
            os.makedirs(f"{scratch}/{number}.{place}")
            mount(other, f"{scratch}/{number}.{place}", None, 4096 | 0x4000)  # MS_BIND | MS_REC
        mount("tmpfs", folder, "tmpfs", 0, "mode=755")
        for place, other in enumerate(inside):
            os.makedirs(other, exist_ok=True)
            mount(f"{scratch}/{number}.{place}", other, None, 4096 | 0x4000)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.chdir(sys.argv[3])
os.execv(sys.executable, [sys.executable, *sys.argv[4:]])
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of that user's own; pytest's are closed to others."""
    with tempfile.TemporaryDirectory(prefix="remit-user-") as name:
        os.chown(name, 65534, 65534)
        yield Path(name)


def as_user(home: Path, *argv: str) -> "subprocess.CompletedProcess[str]":
    """Run the interpreter with these arguments as uid 65534, in the repository."""
    outer = [sys.base_prefix, sys.prefix, str(ROOT)]
    needed = [p for p in outer if not any(p != q and p.startswith(q + "/") for q in outer)]
    words = [sys.executable, "-c", _BECOME, f"{home}/mounts", os.pathsep.join(needed), str(ROOT)]
    env = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.environ["PATH"]}
    env |= {"HYPOTHESIS_STORAGE_DIRECTORY": f"{home}/hypothesis", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*words, *argv],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="the suite runs as a normal user already")
@pytest.mark.timeout(300)  # the whole corpus again, on a machine that may be busy
@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["sandbox/test_escapes.py"], "not no_gate and not first_abi"),
        (
            ["sandbox/test_sandbox.py", "sandbox/test_bounds.py"],
            "bomb or leaves or timeout or private_and_go or declared",
        ),
        (["files"], ""),
        (
            ["sandbox/test_egress.py", "sandbox/test_opened.py"],
            "reaches or other_way or limits or kept_open or without or line or let_go or confined",
        ),
    ],
    ids=["escapes", "processes", "files", "ways_out"],
)
def test_the_same_holds_for_a_normal_user(files: list[str], chosen: str, home: Path) -> None:
    paths = [f"tests/adapters/{file}" for file in files]
    keep = "tmp_path_retention_policy=failed"
    base = f"--basetemp={home}/base"
    argv = ["-m", "pytest", "-q", "-p", "no:cacheprovider", base, "-o", keep, "-k", chosen, *paths]
    done = as_user(home, *argv)
    if "CANNOT" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 10
