"""Open a path beneath a folder without ever leaving it: openat2, or a walk without links."""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Callable
from functools import lru_cache

Opener = Callable[[int, tuple[str, ...], int, int], int]
"""(descriptor of the root, components, flags, mode of a new file) -> descriptor.

No component may be a symbolic link: that raises OSError ELOOP.
"""

# The number is the same on every architecture (Linux 5.6).
_SYS_OPENAT2 = 437
# include/uapi/linux/openat2.h
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
# EAGAIN means that a folder was renamed meanwhile; the kernel asks to try again.
_TRIES = 8

PATH_ONLY = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


def open_kernel(root: int, parts: tuple[str, ...], flags: int, mode: int = 0) -> int:
    """Open through openat2(2), which checks every step inside the kernel."""
    name = "/".join(parts)
    resolve = _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS
    new_mode = mode if flags & os.O_CREAT else 0
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, new_mode, resolve)  # struct open_how
    libc = _libc()
    for _ in range(_TRIES):
        fd = int(
            libc.syscall(
                ctypes.c_long(_SYS_OPENAT2),
                ctypes.c_int(root),
                ctypes.c_char_p(name.encode()),
                ctypes.c_char_p(how),
                ctypes.c_size_t(len(how)),
            )
        )
        if fd >= 0:
            return _no_link(fd, name)
        if ctypes.get_errno() not in {errno.EAGAIN, errno.EINTR}:
            break
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), name)


def open_walk(root: int, parts: tuple[str, ...], flags: int, mode: int = 0) -> int:
    """Open one component after the other, each relative to the folder before and never a link.

    For kernels without openat2 (before 5.6, or a container that forbids it).
    """
    here = os.dup(root)
    try:
        for depth, part in enumerate(parts[:-1], 1):
            try:
                below = os.open(part, PATH_ONLY | os.O_DIRECTORY, dir_fd=here)
            except NotADirectoryError:
                status = os.stat(part, dir_fd=here, follow_symlinks=False)
                number = errno.ELOOP if stat.S_ISLNK(status.st_mode) else errno.ENOTDIR
                raise OSError(number, os.strerror(number), "/".join(parts[:depth])) from None
            os.close(here)
            here = below
        fd = os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=here)
        return _no_link(fd, "/".join(parts))
    finally:
        os.close(here)


def find_opener(root: int) -> Opener:
    """openat2 where the kernel has it and lets us use it, else the walk."""
    try:
        os.close(open_kernel(root, (".",), PATH_ONLY | os.O_DIRECTORY))
    except OSError:
        return open_walk
    return open_kernel


def _no_link(fd: int, name: str) -> int:
    """O_PATH with O_NOFOLLOW opens a last link itself: refuse that too."""
    if stat.S_ISLNK(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    return fd


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
