"""FileRoot: files beneath one declared folder, for tools that must not reach anything else."""

import errno
import hashlib
import os
import secrets
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from remit.adapters.files.beneath import FOLDER, PATH_ONLY, Opener, find_opener
from remit.adapters.files.names import (
    DEFAULT_DENY,
    TEMPORARY,
    DenyList,
    compile_glob,
    refused,
    split_path,
)
from remit.adapters.files.principal import place, principal_path
from remit.adapters.files.regular import (
    check_regular,
    chunks,
    errors,
    fill,
    replaceable,
    sync_folder,
)
from remit.errors import ConfigError, FileTooLarge, NoSuchFile, PathRefused, ToolError

# A source file is far smaller; a model can take in less than a tenth of it.
MAX_BYTES = 16 * 1024**2
# Entries looked at in one listing; a large monorepo has about 100,000 files.
_MAX_ENTRIES = 200_000
_MAX_LISTED = 1_000
# Deeper trees are loops or attacks.
_MAX_DEPTH = 64
# A file may be replaced between the look and the open; that often in a row it is an attack.
_TRIES = 16
# As the kernel: SYMLOOP_MAX.
_MAX_LINKS = 40

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Listing:
    """Paths of regular files, sorted; `complete` is False when a limit cut the list."""

    files: tuple[str, ...]
    complete: bool


class FileRoot:
    """Files beneath one folder; the same confinement for Remit's tools and for users' own.

    `deny` are globs, see `DEFAULT_DENY`. `max_bytes` bounds a file read or written. Symbolic links
    are refused; with `links="inside"` they are followed when every step stays beneath the root and
    off the deny list. Files with a second hard link and everything that is no regular file are
    refused. The folder is held open: renaming it does not move the root.

    Every method raises `PathRefused` for a path outside or denied, `NoSuchFile` where nothing
    lies, `FileTooLarge` above a limit, and `ToolError` when the system refuses.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        writable: bool = False,
        deny: Iterable[str] = DEFAULT_DENY,
        max_bytes: int = MAX_BYTES,
        links: Literal["refuse", "inside"] = "refuse",
    ) -> None:
        self.path = Path(path).resolve()
        self.writable = writable
        self.max_bytes = max_bytes
        self._links = links
        self._deny = DenyList((*deny, TEMPORARY + "*"))
        if self.path == Path("/"):
            raise ConfigError(f"file root {str(path)!r}: the whole system; name a folder")
        try:
            self._root = os.open(self.path, FOLDER)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError(
                f"file root {str(path)!r}: {reason}; it must be a folder that exists"
            ) from error
        self._open: Opener = find_opener(self._root)
        self._close = weakref.finalize(self, os.close, self._root)

    @classmethod
    def for_principal(
        cls,
        base: str | os.PathLike[str],
        tenant: str,
        user: str,
        *,
        writable: bool = True,
        deny: Iterable[str] = DEFAULT_DENY,
        max_bytes: int = MAX_BYTES,
    ) -> Self:
        """The folder of one user of one tenant beneath `base`, made (mode 0700) where missing.

        Different names never share a folder, whatever characters they have.
        """
        path = principal_path(base, tenant, user)
        root = cls(path, writable=writable, deny=deny, max_bytes=max_bytes)
        return root._unmoved(path)

    @classmethod
    def placed(
        cls,
        path: str,
        tenant: str,
        user: str,
        *,
        writable: bool = True,
        deny: Iterable[str] = DEFAULT_DENY,
        max_bytes: int = MAX_BYTES,
    ) -> Self:
        """The folder that an absolute path with `{tenant}` and `{user}` means for one of them.

        As in `mcp_tools`: each is the whole name of a folder, and what lies before the first must
        exist. Raises `ConfigError` for a path in which names could meet or leave.
        """
        folder = Path(place(path, tenant, user))
        root = cls(folder, writable=writable, deny=deny, max_bytes=max_bytes)
        return root._unmoved(folder) if "{" in path else root

    def _unmoved(self, path: Path) -> Self:
        """Raises `ConfigError` where a link came between making the folder and opening it."""
        if self.path != path:
            raise ConfigError(f"folder {str(path)!r} became a link while being opened; remove it")
        return self

    def close(self) -> None:
        """Let the folder go; it is let go anyway with the last reference."""
        # The number may be given to another file: never use it again.
        self._root = -1
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ reading

    def read_bytes(self, path: str, limit: int | None = None) -> bytes:
        """The whole file; `FileTooLarge` above `limit` bytes (at most `max_bytes`)."""
        most = self.max_bytes if limit is None else min(limit, self.max_bytes)
        with self._regular(path) as fd:
            return b"".join(chunks(fd, path, most))

    def read_text(self, path: str, limit: int | None = None) -> str:
        """The whole file as UTF-8; `limit` as in `read_bytes`."""
        content = self.read_bytes(path, limit)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise ToolError(
                f"file {path!r} is not UTF-8 text (byte {error.start}); read it as bytes"
            ) from None

    def digest(self, path: str) -> str:
        """`sha256:` and the SHA-256 of the file's bytes in hex."""
        sha = hashlib.sha256()
        with self._regular(path) as fd:
            for chunk in chunks(fd, path, self.max_bytes):
                sha.update(chunk)
        return "sha256:" + sha.hexdigest()

    def exists(self, path: str) -> bool:
        """Whether a regular file lies there."""
        try:
            with self._regular(path):
                return True
        except NoSuchFile:
            return False

    def list_files(self, glob: str | None = None, limit: int = _MAX_LISTED) -> Listing:
        """Regular files, sorted; symbolic links and denied paths are left out.

        A `glob` without `/` matches the file's name in any folder, with `/` the whole path; `**/`
        stands for any folders.
        """
        pattern = compile_glob(glob) if glob is not None else None
        whole_path = glob is not None and "/" in glob
        found: list[str] = []
        complete = True
        for path in self._walk():
            if path is None:
                complete = False
                continue
            name = path if whole_path else path.rpartition("/")[2]
            if pattern is not None and not pattern.fullmatch(name):
                continue
            if len(found) >= limit:
                complete = False
                break
            found.append(path)
        return Listing(tuple(sorted(found)), complete)

    # ------------------------------------------------------------ writing

    def write_text(self, path: str, text: str) -> None:
        """Replace or make the file with UTF-8 text; as `write_bytes`."""
        try:
            content = text.encode()
        except UnicodeEncodeError as error:
            raise ToolError(
                f"file {path!r}: the text has half a character at {error.start}; write whole ones"
            ) from None
        self.write_bytes(path, content)

    def write_bytes(self, path: str, content: bytes) -> None:
        """Replace or make the file in one step; after a crash it is the old or the new one, whole.

        Missing folders are made. The permission bits of a replaced file are kept; set-uid bits are
        not.
        """
        parts = self._writable(path)
        if len(content) > self.max_bytes:
            raise FileTooLarge(
                f"file {path!r}: {len(content)} bytes to write, {self.max_bytes} are allowed; "
                "write less or split it"
            )
        with errors(path), self._folder(parts[:-1]) as folder:
            before = replaceable(folder, parts[-1], path)
            temporary = TEMPORARY + secrets.token_hex(8)
            # The process's umask applies, as for any new file.
            fd = os.open(temporary, _NEW, 0o666, dir_fd=folder)
            try:
                fill(fd, content, before)
                os.rename(temporary, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
            finally:
                os.close(fd)
            sync_folder(folder)

    def remove(self, path: str) -> None:
        """Remove one regular file."""
        parts = self._writable(path)
        with errors(path), self._beneath(parts[:-1], PATH_ONLY | os.O_DIRECTORY) as folder:
            if replaceable(folder, parts[-1], path) is None:
                raise NoSuchFile(f"file {path!r} does not exist beneath the root")
            os.unlink(parts[-1], dir_fd=folder)

    # ------------------------------------------------------------ resolution

    def _parts(self, path: str) -> tuple[str, ...]:
        parts = split_path(path)
        self._deny.check(parts, path)
        if self._links == "inside":
            with errors(path):
                parts = self._follow(parts, path)
            self._deny.check(parts, path)
        return parts

    def _writable(self, path: str) -> tuple[str, ...]:
        if not self.writable:
            raise refused(path, "the root is read-only", "declare it with writable=True")
        return self._parts(path)

    def _follow(self, parts: tuple[str, ...], path: str) -> tuple[str, ...]:
        """The path without links. It is opened without following any, so a race gains nothing."""
        todo = list(reversed(parts))
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if not done:
                    raise refused(path, "a link leads out of the root", "name the file itself")
                done.pop()
                continue
            target = self._link_target((*done, part))
            if target is None:
                done.append(part)
                continue
            links += 1
            if target.startswith("/") or links > _MAX_LINKS:
                rule = "a link leads out of the root or in circles"
                raise refused(path, rule, "name the file itself")
            todo.extend(step for step in reversed(target.split("/")) if step not in {"", "."})
        return split_path("/".join(done))

    def _link_target(self, parts: tuple[str, ...]) -> str | None:
        try:
            with self._beneath(parts[:-1], PATH_ONLY | os.O_DIRECTORY) as folder:
                return os.readlink(parts[-1], dir_fd=folder)
        except OSError as error:
            # EINVAL: not a link. ENOENT: a file that is still to be made.
            if error.errno in {errno.EINVAL, errno.ENOENT}:
                return None
            raise

    @contextmanager
    def _beneath(self, parts: tuple[str, ...], flags: int) -> Iterator[int]:
        fd = self._open(self._root, parts, flags, 0) if parts else os.dup(self._root)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _regular(self, path: str) -> Iterator[int]:
        parts = self._parts(path)
        with errors(path):
            fd = self._open_regular(parts, path)
            try:
                yield fd
            finally:
                os.close(fd)

    def _open_regular(self, parts: tuple[str, ...], path: str) -> int:
        for _ in range(_TRIES):
            # Looked at before it is opened: opening a device or a FIFO can already do something.
            with self._beneath(parts, PATH_ONLY) as look:
                expected = check_regular(os.fstat(look), path)
                fd = self._open(self._root, parts, _READ, 0)
                try:
                    found = check_regular(os.fstat(fd), path)
                except BaseException:
                    os.close(fd)
                    raise
                if (found.st_dev, found.st_ino) == (expected.st_dev, expected.st_ino):
                    return fd
                os.close(fd)
        raise refused(path, "it is being replaced all the time", "try again later")

    @contextmanager
    def _folder(self, parts: tuple[str, ...]) -> Iterator[int]:
        """The folder, made where missing."""
        for end in range(1, len(parts) + 1):
            above = self._beneath(parts[: end - 1], PATH_ONLY | os.O_DIRECTORY)
            with above as fd, suppress(FileExistsError):
                os.mkdir(parts[end - 1], 0o777, dir_fd=fd)
        with self._beneath(parts, PATH_ONLY | os.O_DIRECTORY) as folder:
            yield folder

    def _walk(self) -> Iterator[str | None]:
        """Paths of regular files; None stands for something that was not looked at."""
        todo: list[tuple[str, ...]] = [()]
        left = _MAX_ENTRIES
        while todo:
            folder = todo.pop()
            try:
                with self._beneath(folder, FOLDER) as fd, os.scandir(fd) as entries:
                    for entry in entries:
                        left -= 1
                        if left < 0:
                            yield None
                            return
                        parts = (*folder, entry.name)
                        if not self._listed(parts):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            todo.append(parts)
                        elif entry.is_file(follow_symlinks=False):
                            yield "/".join(parts)
            except OSError:
                # Vanished, replaced by a link, or not ours to read: the listing is not complete.
                yield None

    def _listed(self, parts: tuple[str, ...]) -> bool:
        if len(parts) > _MAX_DEPTH:
            return False
        try:
            split_path("/".join(parts))
        except PathRefused:
            return False
        return self._deny.match(parts) is None
