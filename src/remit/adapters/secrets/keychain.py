"""Secrets from the operating system's keyring, through the package `keyring`."""

import keyring
from keyring.errors import KeyringError

from remit.errors import ConfigError


class KeyringSecrets:
    """Reads NAME as the password of the user NAME of a service, as `keyring set SERVICE NAME` does.

    Each read asks the keyring, so a secret that was changed is seen.
    """

    def __init__(self, service: str) -> None:
        if not service:
            raise ConfigError("[secrets] source = 'keyring:': name the service, as keyring:remit")
        self._service = service

    def read(self, name: str) -> str | None:
        """The secret, or None. Raises `ConfigError` when the keyring is locked or missing."""
        try:
            return keyring.get_password(self._service, name)
        except KeyringError as exc:
            raise ConfigError(
                f"the keyring cannot be read ({type(exc).__name__}); unlock it, or choose another "
                "[secrets] source"
            ) from exc

    def where(self, name: str) -> str:
        """Where a person puts this secret, for errors."""
        return f"it with `keyring set {self._service} {name}`"
