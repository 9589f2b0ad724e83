"""System calls the standard library lacks, each raising OSError with the call's name."""

import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)

# Numbers that are the same on every architecture (added after Linux 5.0).
OPEN_TREE = 428
MOVE_MOUNT = 429
PIDFD_OPEN = 434
OPENAT2 = 437
MOUNT_SETATTR = 442
LANDLOCK_CREATE_RULESET = 444
LANDLOCK_ADD_RULE = 445
LANDLOCK_RESTRICT_SELF = 446

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
# include/uapi/linux/seccomp.h
_SECCOMP_SET_MODE_FILTER = 1
_NEW_LISTENER = 8
# SECBIT_NOROOT and NO_SETUID_FIXUP, both locked: uid 0 gains nothing by exec or setuid.
_SECUREBITS = 0b1111
# Capability numbers end at 40 in Linux 6.18; EINVAL ends the loop earlier.
_CAPABILITIES = 64
_CAPABILITY_VERSION_3 = 0x20080522

_AF_INET = 2
_SOCK_DGRAM = 2
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
# struct ifreq: a name of 16 bytes, then a union of 24.
_IFREQ = "16sh22x"

_AT_FDCWD = -100
# include/uapi/linux/openat2.h: RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
_NO_LINKS = 0x02 | 0x04
_NO_MAGIC_LINKS = 0x02

_ENOSYS = 38
_CHILD_ENDED = 17  # SIGCHLD

KILL = 9
STOP = 19


def _check(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(what: str, number: int, *args: int | bytes | None) -> int:
    """Call by number; bytes are handed over as a pointer."""
    words = [ctypes.c_long(arg) if isinstance(arg, int) else ctypes.c_char_p(arg) for arg in args]
    return _check(what, int(_libc.syscall(ctypes.c_long(number), *words)))


def prctl(what: str, option: int, *args: int) -> int:
    """Call prctl with up to four numbers."""
    padded = (*args, 0, 0, 0, 0)[:4]
    return _check(what, int(_libc.prctl(option, *(ctypes.c_ulong(arg) for arg in padded))))


def unshare(flags: int) -> None:
    """Move into new namespaces."""
    _check("unshare", int(_libc.unshare(flags)))


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
    """Mount a file system (mount, section 2 of the manual)."""
    _check(
        f"mount {target}",
        int(
            _libc.mount(
                source.encode(),
                os.fsencode(target),
                kind.encode() if kind else None,
                ctypes.c_ulong(flags),
                options.encode() if options else None,
            )
        ),
    )


def detach(target: str) -> None:
    """Take a mount out of the tree, even one in use (umount2 with MNT_DETACH)."""
    _check(f"umount {target}", int(_libc.umount2(os.fsencode(target), 2)))


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace."""
    number = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
    syscall("pivot_root", number, os.fsencode(new), os.fsencode(old))


def open_without_links(path: str) -> int:
    """An O_PATH descriptor; no component may have become a link since the path was resolved."""
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, 0, _NO_LINKS)
    try:
        return syscall(f"open {path}", OPENAT2, _AT_FDCWD, os.fsencode(path), how, len(how))
    except OSError as error:
        if error.errno != _ENOSYS:  # an old kernel, or a container's filter
            raise
        return os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)


def open_at(folder: int, path: bytes, *, follow: bool) -> int:
    """An O_PATH descriptor of a path beneath or beside a folder; never through /proc's links."""
    flags = os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    how = struct.pack("=QQQ", flags, 0, _NO_MAGIC_LINKS)
    return syscall("openat2", OPENAT2, folder, path, how, len(how))


def set_times(fd: int, times: bytes | None) -> None:
    """Utimensat on an O_PATH descriptor; None sets the current time (AT_EMPTY_PATH, Linux 5.8)."""
    pointer = ctypes.c_char_p(times)
    _check("utimensat", int(_libc.utimensat(fd, ctypes.c_char_p(b""), pointer, 0x1000)))


def ioctl(fd: int, request: int, content: bytes) -> bytes:
    """An ioctl whose argument is a structure; returns what the kernel made of it."""
    buffer = ctypes.create_string_buffer(content, len(content))
    _check("ioctl", int(_libc.ioctl(fd, ctypes.c_ulong(request), buffer)))
    return buffer.raw


def die_with_parent() -> None:
    """Be killed as soon as the parent is gone."""
    prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, KILL)


def drop_privileges() -> None:
    """Give up every capability for good, and gain none by any later exec."""
    prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    try:
        prctl("PR_SET_SECUREBITS", PR_SET_SECUREBITS, _SECUREBITS)
        for number in range(_CAPABILITIES):
            prctl("PR_CAPBSET_DROP", PR_CAPBSET_DROP, number)
    except OSError as error:
        # EINVAL: no such capability any more. EPERM: there is none to give up.
        if error.errno not in {1, 22}:
            raise
    prctl("PR_CAP_AMBIENT", PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check("capset", int(_libc.capset(header, bytes(24))))


def default_signals() -> None:
    """Undo what the interpreter ignores (SIGPIPE, SIGXFSZ), which exec would hand on."""
    for number in range(1, 65):
        # 9 and 19 cannot be set, 32 and 33 belong to libc: their failure is of no interest.
        _libc.signal(number, ctypes.c_void_p(0))


def ignore_signals() -> None:
    """Ignore everything that can be ignored, as the first process of a namespace."""
    for number in range(1, 65):
        if number != _CHILD_ENDED:  # ignored, the children's exit status would be lost
            _libc.signal(number, ctypes.c_void_p(1))


def loopback_up() -> None:
    """Bring the loopback of a new network namespace up, for servers inside it."""
    fd = _check("socket", int(_libc.socket(_AF_INET, _SOCK_DGRAM, 0)))
    try:
        flags: int = struct.unpack(_IFREQ, ioctl(fd, _SIOCGIFFLAGS, struct.pack(_IFREQ, b"lo", 0)))[
            1
        ]
        ioctl(fd, _SIOCSIFFLAGS, struct.pack(_IFREQ, b"lo", flags | _IFF_UP))
    finally:
        os.close(fd)


def seccomp_number() -> int:
    """The number of seccomp(2) here."""
    return {"x86_64": 317, "aarch64": 277}[os.uname().machine]


def memory_file(name: str, content: bytes) -> int:
    """A file in memory, at its start; interpreters built for old systems lack the call."""
    number = {"x86_64": 319, "aarch64": 279}[os.uname().machine]
    fd = syscall("memfd_create", number, name.encode(), 0)
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def open_process(pid: int) -> int:
    """A descriptor that becomes readable when the process ends (pidfd_open)."""
    return syscall("pidfd_open", PIDFD_OPEN, pid, 0)


def load_filter(program: bytes, *, listener: bool = False) -> int:
    """Install a seccomp program; PR_SET_NO_NEW_PRIVS must be set.

    With `listener` the result is the descriptor on which the program's questions arrive.
    """
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions (8 bytes each) and their address.
    fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    flags = _NEW_LISTENER if listener else 0
    return syscall("seccomp", seccomp_number(), _SECCOMP_SET_MODE_FILTER, flags, fprog)
