"""The file system a confined program sees, built from nothing in an own mount namespace."""

import os
import stat
import sys

from remit.adapters.sandbox import kernel
from remit.adapters.sandbox.plan import HIDE, PRIVATE, READ, WRITE, Plan

_NOSUID = 2
_NODEV = 4
_NOEXEC = 8
_READ_ONLY = 1
_RECURSIVE = 0x4000
_OWN = 1 << 18  # MS_PRIVATE

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_OPEN_TREE_CLOEXEC = 0o2000000
_MOVE_FROM_FD = 4  # MOVE_MOUNT_F_EMPTY_PATH

# Room for temporary files; it lies in memory and lasts as long as the program.
TMP_BYTES = 256 * 1024**2
# Semaphores and shared memory of worker processes.
SHM_BYTES = 64 * 1024**2
DEVICES = ("null", "zero", "full", "random", "urandom")
DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)
# All a program needs to know of hosts where there is no network.
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"


def build(plan: Plan) -> None:
    """Make the plan's view the root of this mount namespace; needs its capabilities."""
    # Cloned first: what is mounted from here on would otherwise cover what is still to be found.
    shown = [line for line in plan.view if line[2] in {READ, WRITE}]
    trees = {inside: _clone(host, how) for inside, host, how in shown}
    devices = [(name, _clone(f"/dev/{name}", "device")) for name in DEVICES]
    kernel.mount("none", "/", None, _RECURSIVE | _OWN, None)
    base = "/tmp"  # noqa: S108  # only a place to mount on, in a namespace of its own
    kernel.mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV, "mode=755,size=1m")
    os.chdir(base)
    for inside, _, how in plan.view:
        place = "." + inside
        if how == HIDE:
            _hide(place, directory=os.path.isdir(place))
        elif how == PRIVATE:
            os.makedirs(place, exist_ok=True)
            kernel.mount("tmpfs", place, "tmpfs", _NOSUID | _NODEV, f"mode=1777,size={TMP_BYTES}")
        else:
            _attach(trees[inside], place)
    for inside, target in plan.links:
        os.makedirs(os.path.dirname("." + inside), exist_ok=True)
        os.symlink(target, "." + inside)
    _system_files(devices)
    _set(_open("."), _READ_ONLY, 0)
    kernel.pivot_root(".", ".")
    kernel.detach(".")
    os.chdir("/")


def _system_files(devices: list[tuple[str, int]]) -> None:
    os.makedirs("dev")
    kernel.mount("tmpfs", "dev", "tmpfs", _NOSUID | _NOEXEC, "mode=755,size=64k")
    for name, tree in devices:
        _attach(tree, f"dev/{name}")
    for name, target in DEVICE_LINKS:
        os.symlink(target, f"dev/{name}")
    os.mkdir("dev/shm")
    kernel.mount("tmpfs", "dev/shm", "tmpfs", _NOSUID | _NODEV, f"mode=1777,size={SHM_BYTES}")
    _set(_open("dev"), _READ_ONLY, 0)
    os.makedirs("proc", exist_ok=True)
    try:
        flags = _NOSUID | _NODEV | _NOEXEC | _READ_ONLY
        kernel.mount("proc", "proc", "proc", flags, None)
    except OSError as error:
        # A container that masks its own /proc may not mount another; programs do without.
        if error.errno not in {1, 16}:
            raise
    if not os.path.lexists("etc/hosts"):
        os.makedirs("etc", exist_ok=True)
        with open("etc/hosts", "w", encoding="ascii") as hosts:
            hosts.write(HOSTS)


def _open(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _clone(host: str, how: str) -> int:
    """A detached copy of the mount at `host`, restricted before anyone can see it."""
    fd = kernel.open_without_links(host)
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_EMPTY_PATH | _AT_RECURSIVE
    tree = kernel.syscall(f"open_tree {host}", kernel.OPEN_TREE, fd, b"", flags)
    os.close(fd)
    if how == "device":
        _set(tree, 2 | 8, _AT_RECURSIVE)
    else:
        _set(tree, 2 | 4 | (1 if how == READ else 0), _AT_RECURSIVE)
    return tree


def _set(fd: int, attributes: int, flags: int) -> None:
    """mount_setattr(2): 1 read-only, 2 no set-uid, 4 no devices, 8 no programs."""
    request = attributes.to_bytes(8, sys.byteorder) + bytes(24)
    kernel.syscall(
        "mount_setattr", kernel.MOUNT_SETATTR, fd, b"", _AT_EMPTY_PATH | flags, request, 32
    )


def _attach(tree: int, place: str) -> None:
    if stat.S_ISDIR(os.fstat(tree).st_mode):
        os.makedirs(place, exist_ok=True)
    elif not os.path.lexists(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    kernel.syscall(
        f"move_mount {place}",
        kernel.MOVE_MOUNT,
        tree,
        b"",
        _AT_FDCWD,
        os.fsencode(place),
        _MOVE_FROM_FD,
    )
    os.close(tree)


def _hide(place: str, *, directory: bool) -> None:
    """Cover a path by nothing that can be opened."""
    if directory:
        flags = _NOSUID | _NODEV | _NOEXEC | _READ_ONLY
        kernel.mount("tmpfs", place, "tmpfs", flags, "mode=000,size=4k")
        return
    if not os.path.lexists(place):
        return
    empty = "./.nothing"
    if not os.path.lexists(empty):
        os.close(os.open(empty, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0))
    tree = _clone(os.path.abspath(empty), READ)
    _attach(tree, place)
