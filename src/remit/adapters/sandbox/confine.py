"""Confine a program with the kernel alone: Landlock with own namespaces, or with seccomp only."""

import _socket  # `socket` takes 6 ms more
import itertools
import os
import sys
from _collections_abc import Callable  # already loaded; `collections.abc` takes 2 ms more

from remit.adapters.sandbox import bpf, kernel, limits, rules, view
from remit.adapters.sandbox.gate import Gate, receive_gate, send_gate
from remit.adapters.sandbox.plan import PRIVATE, WRITE, Plan

# NEWCGROUP, UTS, IPC, USER, PID, NET; the mount namespace is the first process's own.
_NEW_NAMESPACES = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_NEW_MOUNTS = 0x00020000
# More descriptors than any process here can have open.
_MAX_FD = 1 << 20
# Connections that wait for the proxy to take them.
_BACKLOG = 64
# A wait status in decimal.
_STATUS_BYTES = 16
# The launcher keeps its own, so that it outlives the program and can say how it ended.
_OOM_SCORE = "800"
# Above any version of Landlock.
_NEWEST = 1000
# Files of /proc that tell about the machine, not about processes; for want of an own /proc.
_MACHINE = ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems")


class Namespaced:
    """Own user, process, network, mount, message and name spaces; an own root; Landlock on top."""

    def __init__(self, plan: Plan, error_fd: int) -> None:
        uid, gid = os.geteuid(), os.getegid()
        kernel.unshare(_NEW_NAMESPACES)
        for name, words in (
            ("setgroups", "deny"),  # asked by the kernel before it takes a gid_map
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(words)
        self._status, status_write = os.pipe()
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self.child = os.fork()
        if self.child == 0:
            guarded(error_fd, lambda: _first_process(plan, error_fd, status_write, theirs))
        os.close(status_write)
        theirs.close()
        self.leader = self.child
        self.gate: Gate | None = receive_gate(ours, plan, self.child, self.child)

    def started(self) -> None:
        """Nothing is left to do."""

    def ended(self, _status: int) -> str:
        """The program's own end, as its parent in the namespace saw it."""
        words = os.read(self._status, _STATUS_BYTES).decode()
        return f"ended {words}" if words else "failed the first process of the namespace died"


class Filtered:
    """No namespaces: Landlock for files, seccomp for sockets, the launcher for what is left."""

    def __init__(self, plan: Plan, error_fd: int) -> None:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self.child = os.fork()
        if self.child == 0:
            guarded(error_fd, lambda: _child(plan, error_fd, theirs))
        theirs.close()
        # Nothing here needs more than the program has, and the gate acts in its place.
        kernel.drop_privileges()
        # Orphans come to the launcher, so that its descendants are the whole tree.
        self.leader = os.getpid()
        self.gate: Gate | None = receive_gate(ours, plan, self.child, self.leader)

    def started(self) -> None:
        """Nothing is left to do."""

    def ended(self, status: int) -> str:
        """The program's own end."""
        return f"ended {status}"


def guarded(error_fd: int, action: Callable[[], None]) -> None:
    """Run the rest of a child; it never returns, and says why if it fails."""
    try:
        action()
    except BaseException as error:  # noqa: BLE001  # a child must not run its parent's code
        words = (error.strerror if isinstance(error, OSError) else None) or repr(error)
        os.write(error_fd, words.encode(errors="replace"))
    finally:
        os._exit(127)


def expendable() -> None:
    """Let the kernel end this process before anything that matters, if memory runs out."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write(_OOM_SCORE)


def _first_process(plan: Plan, error_fd: int, status_fd: int, launcher: _socket.socket) -> None:
    """Process 1: makes the view, starts the program, outlives it only to report its end."""
    kernel.die_with_parent()
    kernel.ignore_signals()
    expendable()
    kernel.unshare(_NEW_MOUNTS)
    view.build(plan)
    kernel.loopback_up()
    if plan.port:
        _hand_out(plan)
    program = os.fork()
    if program == 0:
        guarded(error_fd, lambda: _become(plan, error_fd, launcher, own_namespaces=True))
    os.closerange(0, status_fd)
    os.closerange(status_fd + 1, _MAX_FD)
    kernel.drop_privileges()
    while True:
        pid, status = os.wait()
        if pid == program:
            os.write(status_fd, str(status).encode())
            # The kernel kills whatever is left in the namespace.
            os._exit(0)


def _hand_out(plan: Plan) -> None:
    """Listen where the program will look for its proxy, and give the listener to who asked."""
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", plan.port))
    listener.listen(_BACKLOG)
    exit_socket = _socket.socket(fileno=plan.exit_fd)
    fd = listener.fileno().to_bytes(4, sys.byteorder)
    exit_socket.sendmsg([b"l"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fd)])
    exit_socket.close()
    listener.close()


def _child(plan: Plan, error_fd: int, launcher: _socket.socket) -> None:
    """A program without namespaces: nobody else binds it to the launcher."""
    kernel.die_with_parent()
    expendable()
    _become(plan, error_fd, launcher, own_namespaces=False)


def _become(plan: Plan, error_fd: int, launcher: _socket.socket, *, own_namespaces: bool) -> None:
    """Give everything up, then turn into the program."""
    os.setsid()
    kernel.default_signals()
    # These close by themselves when the program starts.
    kept = sorted({2, error_fd, launcher.fileno(), _MAX_FD})
    for below, above in itertools.pairwise(kept):
        os.closerange(below + 1, above)
    limits.apply(plan, own_namespace=own_namespaces)
    kernel.drop_privileges()
    os.chdir(plan.cwd)
    grants = _grants_inside(plan) if own_namespaces else _grants_outside(plan)
    abi = min(plan.abi or _NEWEST, rules.version())
    rules.restrict(grants, abi, own_network=own_namespaces)
    # In a namespace the kernel counts the processes of everyone but root.
    asks = not plan.ungated and (not own_namespaces or os.geteuid() == 0)
    listener = _load(abi, own_namespaces=own_namespaces, gate=True) if asks else -1
    if listener < 0:
        _load(abi, own_namespaces=own_namespaces, gate=False)
    send_gate(launcher, listener)
    try:
        os.execve(plan.argv[0], plan.argv, plan.env)
    except OSError as error:
        raise OSError(error.errno, f"start {plan.argv[0]}: {error.strerror}") from None


def _load(abi: int, *, own_namespaces: bool, gate: bool) -> int:
    """Install the filter; its listener, or -1 where the kernel gives none."""
    program = bpf.build_filter(
        own_namespaces=own_namespaces,
        gate=gate,
        signals_scoped=own_namespaces or abi >= rules.SCOPES,
        truncate=own_namespaces or abi >= rules.TRUNCATES,
    )
    try:
        return kernel.load_filter(program, listener=gate)
    except OSError:
        if gate:
            # Inside a container that listens itself: a process can have one listener only.
            return -1
        raise


def _grants_inside(plan: Plan) -> list[tuple[str, int]]:
    """Mounts already say who may write; the rules say it again, and nothing is hidden by them."""
    grants = [("/", rules.USE), ("/dev/shm", rules.CHANGE)]  # noqa: S108  # a mount of its own
    grants += [(f"/dev/{name}", rules.DEVICE) for name in view.DEVICES]
    grants += [(inside, rules.CHANGE) for inside, _, how in plan.view if how in {WRITE, PRIVATE}]
    return grants


def _grants_outside(plan: Plan) -> list[tuple[str, int]]:
    grants = rules.carve([line for line in plan.view if line[2] != PRIVATE])
    grants += [(f"/dev/{name}", rules.DEVICE) for name in view.DEVICES]
    grants += [(f"/proc/{name}", rules.USE) for name in _MACHINE]
    grants.append((plan.scratch, rules.CHANGE))
    return grants
