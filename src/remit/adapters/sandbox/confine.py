"""Confine a program with the kernel alone: Landlock with own namespaces, or with seccomp only."""

import os
from _collections_abc import Callable  # already loaded; `collections.abc` takes 2 ms more

from remit.adapters.sandbox import bpf, kernel, limits, rules, view
from remit.adapters.sandbox.plan import PRIVATE, WRITE, Plan

# NEWCGROUP, UTS, IPC, USER, PID, NET; the mount namespace is the first process's own.
_NEW_NAMESPACES = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_NEW_MOUNTS = 0x00020000
# More descriptors than any process here can have open.
_MAX_FD = 1 << 20
# A wait status in decimal.
_STATUS_BYTES = 16
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
        self.child = os.fork()
        if self.child == 0:
            guarded(error_fd, lambda: _first_process(plan, error_fd, status_write))
        os.close(status_write)
        self.leader = self.child

    def started(self) -> None:
        """Nothing is left to do."""

    def ended(self, _status: int) -> str:
        """The program's own end, as its parent in the namespace saw it."""
        words = os.read(self._status, _STATUS_BYTES).decode()
        return f"ended {words}" if words else "failed the first process of the namespace died"


class Filtered:
    """No namespaces: Landlock for files, seccomp for sockets and what else takes names."""

    def __init__(self, plan: Plan, error_fd: int) -> None:
        self.child = os.fork()
        if self.child == 0:
            kernel.die_with_parent()
            guarded(error_fd, lambda: _become(plan, error_fd, own_namespaces=False))
        # Orphans come to the launcher, so that its descendants are the whole tree.
        self.leader = os.getpid()

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


def _first_process(plan: Plan, error_fd: int, status_fd: int) -> None:
    """Process 1: makes the view, starts the program, outlives it only to report its end."""
    kernel.die_with_parent()
    kernel.ignore_signals()
    kernel.unshare(_NEW_MOUNTS)
    view.build(plan)
    kernel.loopback_up()
    program = os.fork()
    if program == 0:
        guarded(error_fd, lambda: _become(plan, error_fd, own_namespaces=True))
    os.closerange(0, status_fd)
    os.closerange(status_fd + 1, _MAX_FD)
    kernel.drop_privileges()
    while True:
        pid, status = os.wait()
        if pid == program:
            os.write(status_fd, str(status).encode())
            # The kernel kills whatever is left in the namespace.
            os._exit(0)


def _become(plan: Plan, error_fd: int, *, own_namespaces: bool) -> None:
    """Give everything up, then turn into the program."""
    os.setsid()
    kernel.default_signals()
    # The error pipe closes by itself when the program starts.
    os.closerange(3, error_fd)
    os.closerange(error_fd + 1, _MAX_FD)
    limits.apply(plan, own_namespace=own_namespaces)
    kernel.drop_privileges()
    os.chdir(plan.cwd)
    grants = _grants_inside(plan) if own_namespaces else _grants_outside(plan)
    abi = plan.abi or rules.version()
    rules.restrict(grants, abi, own_network=own_namespaces)
    program = bpf.build_filter(
        own_namespaces=own_namespaces,
        signals_scoped=own_namespaces or abi >= rules.SCOPES,
        truncate=own_namespaces or abi >= rules.TRUNCATES,
    )
    kernel.load_filter(program)
    try:
        os.execve(plan.argv[0], plan.argv, plan.env)
    except OSError as error:
        raise OSError(error.errno, f"start {plan.argv[0]}: {error.strerror}") from None


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
