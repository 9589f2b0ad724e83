"""The folder of one user of one tenant, with names that cannot meet or leave the base."""

import hashlib
import os
from pathlib import Path

from remit.adapters.files.beneath import FOLDER, PATH_ONLY, find_opener
from remit.errors import ConfigError

# Lower case only: some file systems do not tell cases apart.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
# Half of NAME_MAX leaves room for the digest and for whatever a user puts beneath.
_LONGEST = 128


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
    names = (encode_name(tenant), encode_name(user))
    whole = Path(base).resolve()
    try:
        here = os.open(whole, FOLDER)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"base {str(base)!r} of the users' folders: {reason}; make the folder first"
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
            f"folder {'/'.join(names)!r} beneath {str(base)!r}: {reason}; "
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
