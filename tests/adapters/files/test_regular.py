"""Regular files only: what else may lie at a path, and what the system's errors become."""

import errno
import os
import socket
from pathlib import Path

import pytest

from remit.adapters.files.regular import check_regular, chunks, errors
from remit.errors import FileTooLarge, NoSuchFile, PathRefused, ToolError

pytestmark = pytest.mark.requirement("TOOL-10")


def test_kinds_that_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "one").write_text("x")
    os.link(tmp_path / "one", tmp_path / "two")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        for name in ("fifo", "link", "one", "two", "sock", "."):
            with pytest.raises(PathRefused):
                check_regular(os.lstat(tmp_path / name), name)
    with pytest.raises(PathRefused):
        check_regular(os.lstat("/dev/null"), "null")


@pytest.mark.parametrize("limit", [0, 1, 9])
def test_chunks_stop_above_the_limit(tmp_path: Path, limit: int) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    fd = os.open(tmp_path / "f", os.O_RDONLY)
    try:
        with pytest.raises(FileTooLarge, match=f"larger than {limit} bytes"):
            list(chunks(fd, "f", limit))
        os.lseek(fd, 0, os.SEEK_SET)
        assert b"".join(chunks(fd, "f", 10)) == b"0123456789"
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ELOOP, PathRefused),
        (errno.EXDEV, PathRefused),
        (errno.ENOTDIR, PathRefused),
        (errno.ENOENT, NoSuchFile),
        (errno.EBADF, ToolError),
        (errno.EACCES, ToolError),
        (errno.ENOSPC, ToolError),
    ],
)
def test_system_errors_become_ours(number: int, kind: type[ToolError]) -> None:
    with pytest.raises(ToolError) as caught, errors("a/b"):
        raise OSError(number, os.strerror(number), "hidden/real/path")
    assert type(caught.value) is kind
    assert "hidden/real" not in str(caught.value), "paths of the host are not told to a model"
