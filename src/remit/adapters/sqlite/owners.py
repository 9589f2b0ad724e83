"""Owners prove that they live by a file lock, so a dead driver is known at once on one machine."""

import fcntl
import hashlib
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from remit.errors import StoreError, UsageError

# Somebody who asks whether an owner is dead holds its lock for some microseconds.
_TRIES = 20
_TRY_PAUSE_S = 0.002


def owners_folder(database: Path) -> Path:
    """Where the lock files of a database's owners are."""
    return database.with_name(f"{database.name}.owners")


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process, until the descriptor is closed; False if it is taken."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Owners:
    """The lock files of the owners of leases, in `<database>.owners/`.

    A process holds the lock of its owner as long as it has the store open; the kernel lets go when
    it dies. A missing file says nothing: such an owner's lease is waited for.
    """

    def __init__(self, database: Path) -> None:
        self._folder = owners_folder(database)
        self._held: dict[str, int] = {}

    def hold(self, owner: str) -> None:
        """Prove from now on that `owner` lives. Raises `UsageError` if another process does so."""
        if owner in self._held:
            return
        path = self._path(owner)
        try:
            for _ in range(_TRIES):
                descriptor = _lock(path, os.O_CREAT)
                if descriptor is not None:
                    os.write(descriptor, owner.encode())
                    self._held[owner] = descriptor
                    return
                time.sleep(_TRY_PAUSE_S)
        except OSError as exc:
            raise StoreError(
                f"{path}: the lock file of owner {owner!r} cannot be made: {exc.strerror}"
            ) from exc
        raise UsageError(
            f"{path}: owner {owner!r} is in use by another open store; "
            "every process start and every open store needs an owner name of its own"
        )

    def is_dead(self, owner: str) -> bool:
        """Whether the process of `owner` is known to be gone."""
        if owner in self._held:
            return False
        try:
            descriptor = _lock(self._path(owner))
        except OSError:
            return False
        if descriptor is None:
            return False
        os.close(descriptor)
        return True

    def prune(self, leased: Collection[str]) -> None:
        """Remove the files of dead owners that hold no lease any more."""
        keep = {self._path(owner) for owner in (*leased, *self._held)}
        if not self._folder.is_dir():
            return
        for path in set(self._folder.iterdir()) - keep:
            try:
                descriptor = _lock(path)
                if descriptor is not None:
                    path.unlink(missing_ok=True)
                    os.close(descriptor)
            except OSError:
                continue  # another store prunes at the same time, or the file is not ours

    def held(self) -> tuple[str, ...]:
        """The owners that this store speaks for."""
        return tuple(self._held)

    def close(self) -> None:
        """Let go of every lock and remove its file; their leases must be released before."""
        for owner, descriptor in self._held.items():
            self._path(owner).unlink(missing_ok=True)
            os.close(descriptor)
        self._held.clear()

    def _path(self, owner: str) -> Path:
        # An owner name may hold any character; a digest is a safe file name.
        return self._folder / f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}.lock"


def _lock(path: Path, flags: int = 0) -> int | None:
    """The descriptor of the locked file; None if somebody else holds the lock."""
    descriptor = os.open(path, flags | os.O_RDWR | os.O_CLOEXEC, 0o600)
    # Whoever held it may have pruned the file between opening and locking.
    if try_lock(descriptor):
        with suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
    os.close(descriptor)
    return None
