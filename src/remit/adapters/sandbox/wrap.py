"""Bubblewrap's arguments for a plan, in descriptors so that no list of processes shows them."""

import _socket  # `socket` takes 6 ms more
import os
import sys

from remit.adapters.sandbox import bpf, kernel, limits, stage
from remit.adapters.sandbox.confine import expendable, guarded
from remit.adapters.sandbox.gate import Gate, receive_gate
from remit.adapters.sandbox.plan import HIDE, PRIVATE, READ, Plan
from remit.adapters.sandbox.view import HOSTS, SHM_BYTES, TMP_BYTES

# Some short lines.
_REPORT_BYTES = 4096

_ISOLATION = (
    "--unshare-all",
    "--new-session",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--hostname",
    "sandbox",
    "--clearenv",
)


def command(
    plan: Plan, status_fd: int, block_fd: int, stage_fd: int = -1
) -> tuple[list[str], list[int]]:
    """The command line, and the descriptors that it must inherit.

    With a `stage_fd`, the socket to the launcher, `stage.py` makes the last steps inside: it hands
    the proxy's listener out, and installs the filter if it must ask the launcher.
    """
    words: list[str] = [*_ISOLATION]
    fds = [status_fd, block_fd]

    def content(name: str, what: bytes) -> str:
        fd = kernel.memory_file(name, what)
        fds.append(fd)
        return str(fd)

    # Read-only, because root owns the settings of the kernel in it: bubblewrap leaves /proc/sys
    # writable for a root without capabilities.
    words += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]
    words += ["--perms", "1777", "--size", str(SHM_BYTES), "--tmpfs", "/dev/shm"]  # noqa: S108  # inside
    words += ["--remount-ro", "/dev"]
    for inside, host, how in plan.view:
        if how == PRIVATE:
            words += ["--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", inside]
        elif how != HIDE:
            words += ["--ro-bind" if how == READ else "--bind", host, inside]
        elif os.path.isdir(host):
            words += ["--perms", "0000", "--size", "4096", "--tmpfs", inside]
            words += ["--remount-ro", inside]
        else:
            words += ["--perms", "0000", "--ro-bind-data", content("hidden", b""), inside]
    for inside, target in plan.links:
        words += ["--symlink", target, inside]
    words += ["--perms", "0444", "--ro-bind-data", content("hosts", HOSTS.encode()), "/etc/hosts"]
    words += ["--remount-ro", "/", "--chdir", plan.cwd]
    words += ["--json-status-fd", str(status_fd), "--block-fd", str(block_fd)]
    program = plan.argv
    if stage_fd >= 0:
        fds.append(stage_fd)
        asks = _asks(plan)
        exit_fd = os.dup(plan.exit_fd) if plan.port else -1
        fds += [exit_fd] if plan.port else []
        told = stage.make_plan(
            kernel.seccomp_number(),
            bpf.build_filter(own_namespaces=True, gate=True) if asks else b"",
            bpf.build_filter(own_namespaces=True) if asks else b"",
            plan.env,
            (exit_fd, plan.port),
        )
        with open(stage.__file__, encoding="utf-8") as file:
            source = file.read()
        inner = [sys.executable, "-I", "-S", "-c", source, str(stage_fd), content("stage", told)]
        program = [*inner, *plan.argv]
    else:
        for key, value in plan.env.items():
            words += ["--setenv", key, value]
    if bpf.is_known() and (stage_fd < 0 or not _asks(plan)):
        words += ["--seccomp", content("filter", bpf.build_filter(own_namespaces=True))]
    arguments = content("arguments", b"".join(os.fsencode(word) + b"\0" for word in words))
    return [plan.bwrap, "--args", arguments, "--", *program], fds


class Bubblewrapped:
    """Bubblewrap makes the namespaces and the view; the limits are set before the program runs."""

    def __init__(self, plan: Plan, error_fd: int) -> None:
        self._plan = plan
        self._report, report_write = os.pipe()
        block_read, self._block = os.pipe()
        self._ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._staged = _asks(plan) or plan.port > 0
        stage_fd = os.dup(theirs.fileno()) if self._staged else -1
        theirs.close()
        argv, fds = command(plan, report_write, block_read, stage_fd)
        self.child = os.fork()
        if self.child == 0:
            guarded(error_fd, lambda: _exec(argv, fds))
        for fd in fds:
            os.close(fd)
        self.leader = self.child
        self.gate: Gate | None = None
        self._seen = ""

    def started(self) -> None:
        """Wait until bubblewrap is ready, set the limits, let the program run."""
        # The whole line: half a number would be another process.
        while "\n" not in self._seen:
            words = os.read(self._report, _REPORT_BYTES).decode()
            if not words:
                return  # bubblewrap has failed and said so on the error stream
            self._seen += words
        self.leader = _number(self._seen, '"child-pid"')
        limits.apply(self._plan, self.leader, own_namespace=True)
        os.write(self._block, b"1")
        if self._staged:
            self.gate = receive_gate(self._ours, self._plan, self.child, self.leader)

    def ended(self, _status: int) -> str:
        """The exit code as bubblewrap reports it: 128 and the signal's number after a signal."""
        while words := os.read(self._report, _REPORT_BYTES).decode():
            self._seen += words
        code = _number(self._seen, '"exit-code"')
        failure = self._ours.recv(_REPORT_BYTES) if self._staged else b""
        if failure:
            return "failed " + failure.decode(errors="replace").removeprefix("x")
        return f"code {code}" if code >= 0 else "failed bubblewrap did not start the program"


def _asks(plan: Plan) -> bool:
    """In a namespace the kernel counts the processes of everyone but root."""
    return os.geteuid() == 0 and bpf.is_known() and not plan.ungated


def _exec(argv: list[str], fds: list[int]) -> None:
    kernel.die_with_parent()
    kernel.default_signals()
    expendable()
    for fd in fds:
        os.set_inheritable(fd, True)  # noqa: FBT003  # it takes no keywords
    os.execve(argv[0], argv, {})


def _number(status: str, key: str) -> int:
    """The number after a key, -1 when it is not there.

    Bubblewrap writes flat objects; a JSON parser would take longer than all the rest here.
    """
    _, found, rest = status.partition(key)
    digits = ""
    for char in rest.lstrip(" :") if found else "":
        if not char.isdigit():
            break
        digits += char
    return int(digits) if digits else -1
