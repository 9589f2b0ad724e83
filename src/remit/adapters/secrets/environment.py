"""Secrets from environment variables, or from the file that NAME_FILE points to."""

from collections.abc import Mapping
from pathlib import Path

from remit.adapters.secrets.secret_file import read_secret
from remit.errors import ConfigError


class EnvironmentSecrets:
    """Reads NAME from the variables; where it is missing or empty, the file named by NAME_FILE.

    The second is the convention of Docker images for mounted secrets. `variables` are looked up
    when a secret is read, so what was changed in the process is seen.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def read(self, name: str) -> str | None:
        """The secret, or None. Raises `ConfigError` for a file that cannot be used."""
        found = self._variables.get(name)
        if found:
            return found
        path = self._variables.get(f"{name}_FILE")
        if not path:
            return None
        secret = read_secret(Path(path))
        if secret is None:
            raise ConfigError(f"{name}_FILE: there is no file {path}; mend the variable")
        return secret

    def where(self, name: str) -> str:
        """Where a person puts this secret, for errors."""
        return f"{name} (or {name}_FILE, a file with it)"
