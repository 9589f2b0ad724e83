"""find_sandbox: the strongest confinement that really works on this machine, tried, not guessed."""

import sys
import tempfile
from pathlib import Path

from remit.adapters.sandbox import rules, supervised
from remit.adapters.sandbox.bubblewrap import Bubblewrap
from remit.adapters.sandbox.landlock import Landlock
from remit.adapters.sandbox.plan import NAMESPACES, SECCOMP
from remit.errors import SandboxUnavailable
from remit.ports import Sandbox
from remit.values.command import Command

# A start takes about 50 ms; a machine that needs longer than this is not usable anyway.
_TIMEOUT_S = 30.0
_SHOWN_CHARS = 300
# The whole output of the probe, so that no other words can be taken for it.
_WORKS = "everything else was refused"

# Run inside: does what it may, then shows that it cannot do what it may not.
_PROBE = f"""
import os, socket, sys
own, secret, outside = sys.argv[1:]
with open(own, "w") as file:
    file.write("x")
def refused(action):
    try:
        action()
    except OSError:
        return
    sys.exit("not confined: " + action.__name__)
def read():
    open(secret).close()
def write():
    open(outside, "w").close()
def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", ("192.0.2.1", 9))  # TEST-NET-1 of RFC 5737: nobody's address
for action in (read, write, send):
    refused(action)
print("{_WORKS}")
"""


def find_sandbox() -> Sandbox:
    """The first that works: bubblewrap, Landlock with namespaces, Landlock with seccomp.

    Takes about 0.1 s. Raises `SandboxUnavailable` with the reason each failed and the remedy.
    """
    reasons: list[str] = []
    for name, make in _CANDIDATES:
        try:
            sandbox = make()
            probe(sandbox)
        except SandboxUnavailable as error:
            reasons.append(f"{name}: {error}")
        else:
            return sandbox
    raise SandboxUnavailable(
        "nothing can confine a process here ("
        + "; ".join(reasons)
        + "); install the package `bubblewrap`, or use a Linux kernel from 5.13 on with "
        "CONFIG_SECURITY_LANDLOCK and `landlock` in its `lsm=` option, and in a container allow "
        "user namespaces or the landlock system calls"
    )


def working_sandboxes() -> list[Sandbox]:
    """Every one that works here, strongest first; for diagnosis and tests."""
    found: list[Sandbox] = []
    for _, make in _CANDIDATES:
        try:
            sandbox = make()
            probe(sandbox)
        except SandboxUnavailable:
            continue
        found.append(sandbox)
    return found


def _landlock_namespaces() -> Landlock:
    _need_landlock()
    return Landlock("landlock+netns")


def _landlock_seccomp() -> Landlock:
    _need_landlock()
    return Landlock("landlock+seccomp")


def _need_landlock() -> None:
    if not sys.platform.startswith("linux") or not rules.version():
        raise SandboxUnavailable("the kernel has no Landlock, or it is switched off")


_CANDIDATES = (
    ("bubblewrap", Bubblewrap),
    (NAMESPACES, _landlock_namespaces),
    (SECCOMP, _landlock_seccomp),
)


def probe(sandbox: Bubblewrap | Landlock) -> None:
    """Run a small program that shows it is confined. Raises `SandboxUnavailable` if it is not."""
    with tempfile.TemporaryDirectory(prefix="remit-probe-") as place:
        inside, outside = Path(place, "in"), Path(place, "out")
        inside.mkdir()
        outside.mkdir()
        secret = outside / "secret"
        secret.write_text("planted")
        paths = (str(inside / "own"), str(secret), str(outside / "new"))
        command = Command(
            argv=(sys.executable, "-I", "-S", "-c", _PROBE, *paths),
            cwd=str(inside),
            write=(str(inside),),
        )
        report, stdout, stderr = _run(sandbox, command)
        if stdout.strip() != _WORKS or (outside / "new").exists():
            shown = " ".join(f"{report} {stdout} {stderr}".split())
            raise SandboxUnavailable(f"it does not work here: {shown[:_SHOWN_CHARS]}")


def _run(sandbox: Bubblewrap | Landlock, command: Command) -> tuple[str, str, str]:
    if isinstance(sandbox, Bubblewrap):
        return supervised.run_blocking(sandbox.plan(command), _TIMEOUT_S)
    with sandbox.scratch() as folder:
        return supervised.run_blocking(sandbox.plan(command, folder), _TIMEOUT_S)
