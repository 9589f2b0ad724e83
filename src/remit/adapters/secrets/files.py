"""Secrets from a folder with one file for each, as Docker and Kubernetes mount them."""

import re
from pathlib import Path

from remit.adapters.secrets.secret_file import read_secret
from remit.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)  # no way out of the folder


class FileSecrets:
    """Reads NAME from the file NAME in a folder, or from `name` or `name-with-dashes`.

    Kubernetes allows no underscore in the names of secrets, and Docker's are mostly in lower case.
    Each read opens the file, so a secret that was rotated is seen.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(
                f"{folder}: there is no such folder of secrets; mend [secrets] source, or mount it"
            )
        self._folder = folder

    def read(self, name: str) -> str | None:
        """The secret, or None. Raises `ConfigError` for a file that cannot be used."""
        if _NAME.fullmatch(name) is None:
            raise ConfigError(
                f"the secret's name {name!r} cannot be a file's: use letters, digits, '_.-'"
            )
        lower = name.lower()
        for each in dict.fromkeys((name, lower, lower.replace("_", "-"))):
            secret = read_secret(self._folder / each)
            if secret is not None:
                return secret
        return None

    def where(self, name: str) -> str:
        """Where a person puts this secret, for errors."""
        return f"the file {self._folder / name}"
