"""The launcher's answers to a program: new processes, and modes and times without namespaces.

The kernel does not limit root's processes, and Landlock does not control chmod and utime. So the
filter stops the caller and asks here (seccomp_unotify). New processes may go on, or not. Changes of
a file are never let go on, because the name lies in memory that may change meanwhile: they are made
here, on a descriptor that was resolved once and checked.
"""

import _socket  # `socket` takes 6 ms more
import os
import struct
import sys
import time

from remit.adapters.sandbox import calls, kernel, watch
from remit.adapters.sandbox.plan import WRITE, Plan

# struct seccomp_notif: id, pid, flags, then seccomp_data: nr, arch, ip, six arguments.
_NOTIF = "=QIIiIQ6Q"
# struct seccomp_notif_resp: id, val, error, flags.
_ANSWER = "=QqiI"
_CONTINUE = 1
_RECV = 0xC0502100
_SEND = 0xC0182101
_ID_VALID = 0x40082102

_EPERM = 1
_EAGAIN = 11
_EFAULT = 14
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
# PATH_MAX, and two struct timespec.
_PATH_BYTES = 4096
_PAGE_BYTES = 4096
_TIMES_BYTES = 32

# What a child sends with its listener, or instead of one; `stage.py` says the same.
ASKS = b"g"
ASKS_NOT = b"-"
# By then a process that was allowed can be seen.
_COMING_S = 0.02


class Gate:
    """Answers one question after the other; `serve` is called when `fd` is readable.

    `child` is the launcher's own child, `top` the process whose descendants are the program.
    """

    def __init__(self, plan: Plan, child: int, top: int, fd: int) -> None:
        self.fd = fd
        self._child = child
        self._top = top
        self._plan = plan
        # Not less than there are: the program itself, then every process that was allowed.
        self._tasks = 1
        self._allowed_s: dict[int, float] = {}
        column = calls.ARCHITECTURES[os.uname().machine][1]
        self._forks = {call[column] for call in (calls.CLONE, calls.FORK, calls.VFORK)}
        names = ("chmod", "fchmod", "fchmodat", "fchmodat2")
        chmods = [call[column] for call in calls.CHMODS]
        self._changes = dict(zip(chmods, names, strict=True))
        self._changes[calls.UTIMENSAT[column]] = "utimensat"

    def serve(self) -> None:
        """Take one question and answer it; the asker may be gone at any time."""
        try:
            question = kernel.ioctl(self.fd, _RECV, bytes(struct.calcsize(_NOTIF)))
            name, pid, _, number, _, _, *arguments = struct.unpack(_NOTIF, question)
            if number in self._forks:
                error, flags = (0, _CONTINUE) if self._may_fork(pid) else (_EAGAIN, 0)
            else:
                error, flags = self._change(name, pid, self._changes[number], arguments), 0
            kernel.ioctl(self.fd, _SEND, struct.pack(_ANSWER, name, 0, -error, flags))
        except OSError:
            # ENOENT: it was killed while it waited. Nobody is left to be answered.
            return

    def _may_fork(self, pid: int) -> bool:
        """Count only when the number allowed so far could have reached the limit."""
        now_s = time.monotonic()
        # Who asks again has made what it was allowed before.
        self._allowed_s.pop(pid, None)
        self._tasks += 1
        if self._tasks > self._plan.processes:
            # Those that have ended count until somebody waits for them.
            watch.reap_orphans(self._child)
            recent = {
                who: at_s for who, at_s in self._allowed_s.items() if at_s > now_s - _COMING_S
            }
            self._allowed_s = recent
            seen = sum(watch.threads(one) for one in watch.descendants(self._top))
            self._tasks = seen + len(recent) + 1
        if self._tasks > self._plan.processes:
            return False
        self._allowed_s[pid] = now_s
        return True

    def _change(self, name: int, pid: int, call: str, arguments: list[int]) -> int:
        """Make the change in the caller's place; 0 or the error's number."""
        try:
            fd = self._resolve(pid, call, arguments)
        except OSError as error:
            return error.errno or _EPERM
        try:
            times = _times(pid, arguments[2]) if call == "utimensat" else None
            # The process of that number is still the one that asked, so what was read is its own.
            kernel.ioctl(self.fd, _ID_VALID, struct.pack("=Q", name))
            if not self._may_write(os.readlink(f"/proc/self/fd/{fd}")):
                return _EPERM
            if call == "utimensat":
                kernel.set_times(fd, times)
            else:
                bits = arguments[1] if call in {"chmod", "fchmod"} else arguments[2]
                os.chmod(f"/proc/self/fd/{fd}", bits & 0o1777)
        except OSError as error:
            return error.errno or _EPERM
        finally:
            os.close(fd)
        return 0

    def _resolve(self, pid: int, call: str, arguments: list[int]) -> int:
        """An O_PATH descriptor of the file that is meant, resolved where the caller stands."""
        if call == "fchmod" or (call == "utimensat" and not arguments[1]):
            return os.open(f"/proc/{pid}/fd/{arguments[0] & 0xFFFFFFFF}", os.O_PATH | os.O_CLOEXEC)
        place, pointer, flags = _AT_FDCWD, arguments[0], 0
        if call != "chmod":
            # A C int in a register of 64 bits.
            place = (arguments[0] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
            pointer = arguments[1]
            flags = 0 if call == "fchmodat" else arguments[3] & 0xFFFFFFFF
        if flags & ~_AT_SYMLINK_NOFOLLOW:
            raise PermissionError(_EPERM, "flags")
        path = _path(pid, pointer)
        start = f"/proc/{pid}/cwd" if place == _AT_FDCWD else f"/proc/{pid}/fd/{place}"
        folder = os.open(start, os.O_PATH | os.O_CLOEXEC)
        try:
            return kernel.open_at(folder, path, follow=not flags)
        finally:
            os.close(folder)

    def _may_write(self, path: str) -> bool:
        """Whether the deepest declared folder above a real path may be written."""
        if path == self._plan.scratch or path.startswith(self._plan.scratch + "/"):
            return True
        found = ""
        for inside, _, how in self._plan.view:
            if path == inside or path.startswith(inside + "/"):
                found = how
        return found == WRITE


def receive_gate(ours: _socket.socket, plan: Plan, child: int, top: int) -> Gate | None:
    """The gate for the listener that a child hands over; None where the kernel gives it none."""
    content, extra, _, _ = ours.recvmsg(1, _socket.CMSG_SPACE(4))
    fds = [int.from_bytes(item, sys.byteorder) for _, _, item in extra]
    return Gate(plan, child, top, fds[0]) if content == ASKS else None


def send_gate(launcher: _socket.socket, listener: int) -> None:
    """Hand a listener over, or say with -1 that there is none."""
    if listener < 0:
        launcher.send(ASKS_NOT)
        return
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, listener.to_bytes(4, sys.byteorder))
    launcher.sendmsg([ASKS], [rights])


def _path(pid: int, pointer: int) -> bytes:
    """The name at a pointer, without its end; one that is too long is left so."""
    name = b""
    while len(name) < _PATH_BYTES and b"\0" not in name:
        # A page at a time: the one after a short name may not exist.
        at = pointer + len(name)
        name += _memory(pid, at, min(_PATH_BYTES - len(name), _PAGE_BYTES - at % _PAGE_BYTES))
    return name.partition(b"\0")[0]


def _times(pid: int, pointer: int) -> bytes | None:
    return _memory(pid, pointer, _TIMES_BYTES) if pointer else None


def _memory(pid: int, pointer: int, size: int) -> bytes:
    """Exactly so many bytes of the caller's memory; EFAULT where it does not hold them."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        try:
            content = os.pread(memory.fileno(), size, pointer)
        except (OSError, OverflowError):
            # EIO: nothing is there. A pointer beyond what an offset can be: nor is there.
            content = b""
    if len(content) < size:
        raise OSError(_EFAULT, "memory")
    return content
