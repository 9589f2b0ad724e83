"""What is done with one regular file once its descriptor is safe, and what its errors mean."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from remit.adapters.files.beneath import FOLDER
from remit.adapters.files.names import refused
from remit.errors import FileTooLarge, NoSuchFile, ToolError

_CHUNK = 1024**2


def chunks(fd: int, path: str, limit: int) -> Iterator[bytes]:
    """The content piece by piece; `FileTooLarge` as soon as it exceeds `limit` bytes."""
    total = 0
    while chunk := os.read(fd, min(_CHUNK, limit + 1 - total)):
        total += len(chunk)
        if total > limit:
            raise FileTooLarge(
                f"file {path!r} is larger than {limit} bytes; read a smaller one or raise the limit"
            )
        yield chunk


def check_regular(status: os.stat_result, path: str) -> os.stat_result:
    """Refuse all but regular files with one name; give the status back."""
    if stat.S_ISDIR(status.st_mode):
        raise refused(path, "it is a folder", "name a file")
    if not stat.S_ISREG(status.st_mode):
        raise refused(path, "it is a link, device, pipe or socket", "name a regular file")
    if status.st_nlink > 1:
        rule = f"the file has {status.st_nlink} hard links, one may lie outside the root"
        raise refused(path, rule, "replace it by a copy")
    return status


def replaceable(folder: int, name: str, path: str) -> os.stat_result | None:
    """The status of a file that may be replaced or removed, None when nothing lies there."""
    try:
        return check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
    except FileNotFoundError:
        return None


def fill(fd: int, content: bytes, before: os.stat_result | None) -> None:
    """Write everything, take over owner and permission bits of the file before, make it durable."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    if before is not None:
        if before.st_uid != os.geteuid() or before.st_gid != os.getegid():
            # Only root may give files away; anyone else becomes the owner of the new one.
            with suppress(PermissionError):
                os.fchown(fd, before.st_uid, before.st_gid)
        os.fchmod(fd, stat.S_IMODE(before.st_mode) & 0o777)
    os.fsync(fd)


def sync_folder(folder: int) -> None:
    """Make the rename durable; a descriptor with O_PATH cannot be flushed, so open it again."""
    fd = os.open(".", FOLDER, dir_fd=folder)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def errors(path: str) -> Iterator[None]:
    """Say in words what the system's error means for this path."""
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ELOOP | errno.EXDEV:
                raise refused(path, "a symbolic link lies on it", "name the file itself") from None
            case errno.ENOENT:
                raise NoSuchFile(f"file {path!r} does not exist beneath the root") from None
            case errno.ENOTDIR:
                raise refused(path, "a folder of it is a file", "use another path") from None
            case errno.EBADF:
                raise ToolError("the file root is closed; open a new one") from None
            case _:
                reason = error.strerror or type(error).__name__
                raise ToolError(f"file {path!r}: {reason}; use another file") from error
