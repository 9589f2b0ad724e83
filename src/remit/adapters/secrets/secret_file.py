"""Reads one secret from a file of its own: whole, bounded, and never one that others may write."""

import os
import stat
import warnings
from pathlib import Path

from remit.errors import ConfigError

MAX_BYTES = 64 * 1024
"""A secret is a key or a certificate, not a document."""

# Docker and Kubernetes mount secrets readable by all here, in a container with one user.
_MOUNTS = ("/run/secrets/", "/var/run/secrets/")


def read_secret(path: Path) -> str | None:
    """The text of a file without its last line break; None if there is no such file.

    A file that every user may write is refused; one that every user may read is read with a
    `UserWarning`, except where Docker and Kubernetes mount secrets. Symbolic links are followed,
    for Kubernetes makes them. Raises `ConfigError` naming the file and the remedy.
    """
    try:
        # A FIFO would block for ever without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise ConfigError(
            f"{path}: the secret cannot be read ({exc.strerror}); let the user of this process "
            "read it"
        ) from exc
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise ConfigError(f"{path}: a secret stands in a plain file, and this is none")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_mode & stat.S_IWOTH:
            raise ConfigError(f"{path}: every user may replace this secret; say chmod o-rw {path}")
        if found.st_mode & stat.S_IROTH and not str(path.absolute()).startswith(_MOUNTS):
            warnings.warn(
                f"{path}: every user of this machine can read this secret; say chmod o-r {path}",
                stacklevel=2,
            )
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; is it the file of a secret?")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # Without the cause, for that shows the bytes.
        raise ConfigError(f"{path}: the secret is not UTF-8 text; write it in base64") from None
    return text.removesuffix("\n").removesuffix("\r")
