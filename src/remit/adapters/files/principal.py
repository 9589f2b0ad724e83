"""The folder of one user or tenant, with names that cannot meet or leave the base."""

import hashlib
import os
from pathlib import Path, PurePosixPath

from remit.adapters.files.beneath import FOLDER, PATH_ONLY, find_opener
from remit.errors import ConfigError

# Lower case only: some file systems do not tell cases apart.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
# Half of NAME_MAX leaves room for the digest and for whatever a user puts beneath.
_LONGEST = 128
# The root and one folder: whatever is made for a tenant is made in a folder of its own.
_LEAST = 2


def encode_name(name: str) -> str:
    """A tenant's or user's name as a folder name; different names give different folders.

    Everything but a-z, 0-9, `_` and `-` becomes `%` and two hex digits of its UTF-8; what gets
    longer than 128 characters is cut and ends in `~` and its SHA-256.
    """
    if not name:
        raise ConfigError("an empty tenant or user name has no folder; give a name")
    try:
        content = name.encode()
    except UnicodeEncodeError:
        raise ConfigError("a tenant or user name is not valid Unicode; give another") from None
    encoded = "".join(chr(b) if chr(b) in _PLAIN else f"%{b:02x}" for b in content)
    if len(encoded) <= _LONGEST:
        return encoded
    return f"{encoded[:_LONGEST]}~{hashlib.sha256(content).hexdigest()}"


def principal_path(base: str | os.PathLike[str], tenant: str, user: str) -> Path:
    """`base/tenant/user`, encoded and made (mode 0700) where missing, never through a link."""
    return _made(Path(base).resolve(), (encode_name(tenant), encode_name(user)))


def place(path: str, tenant: str, user: str) -> str:
    """The path that an absolute path with `{tenant}` and `{user}` means for one of them.

    Each stands for a whole folder of the path, so that no two names can meet: `/srv/{tenant}/in`.
    What lies before the first of them must exist; up to the last of them folders are made where
    missing, and no link is followed. Raises `ConfigError`.
    """
    words = {"{tenant}": tenant, "{user}": user}
    parts = PurePosixPath(path).parts
    first = next((at for at, part in enumerate(parts) if "{" in part), len(parts))
    rest = parts[first:]
    if not path.startswith("/") or first < _LEAST or ".." in parts:
        raise ConfigError(
            f"{path!r}: a path with {{tenant}} or {{user}} is absolute, begins with a folder that "
            "exists, and has no '..'"
        )
    for part in rest:
        if part not in words and ("{" in part or "}" in part):
            raise ConfigError(
                f"{path!r}: {{tenant}} and {{user}} are the whole name of a folder each, as in "
                "/srv/files/{tenant}/{user}; names could meet otherwise"
            )
    whole = Path(*parts[:first])
    if not rest:
        return str(whole)
    names = [encode_name(words[part]) if part in words else part for part in rest]
    last = max(at for at, part in enumerate(rest) if part in words) + 1
    return str(_made(whole.resolve(), tuple(names[:last])).joinpath(*names[last:]))


def _made(whole: Path, names: tuple[str, ...]) -> Path:
    try:
        here = os.open(whole, FOLDER)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"base {str(whole)!r} of the users' folders: {reason}; make the folder first"
        ) from error
    try:
        opener = find_opener(here)
        for depth, name in enumerate(names):
            above = opener(here, names[:depth], PATH_ONLY | os.O_DIRECTORY, 0) if depth else here
            try:
                _make(name, above)
            finally:
                if above != here:
                    os.close(above)
        os.close(opener(here, names, PATH_ONLY | os.O_DIRECTORY, 0))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"folder {'/'.join(names)!r} beneath {str(whole)!r}: {reason}; "
            "it must be a real folder that may be written"
        ) from error
    finally:
        os.close(here)
    return whole.joinpath(*names)


def _make(name: str, above: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=above)
    except FileExistsError:
        return
