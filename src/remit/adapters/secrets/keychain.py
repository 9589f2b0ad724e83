"""Secrets from the operating system's keyring, through the package `keyring`."""

from collections.abc import Callable

from remit.errors import ConfigError


class KeyringSecrets:
    """Reads NAME as the password of the user NAME of a service, as `keyring set SERVICE NAME` does.

    `ask` is `keyring.get_password`, `failure` what it raises. Each read asks the keyring, so a
    secret that was changed is seen.
    """

    def __init__(
        self,
        service: str,
        *,
        ask: Callable[[str, str], str | None],
        failure: type[Exception],
    ) -> None:
        if not service:
            raise ConfigError("[secrets] source = 'keyring:': name the service, as keyring:remit")
        self._service = service
        self._ask = ask
        self._failure = failure

    def read(self, name: str) -> str | None:
        """The secret, or None. Raises `ConfigError` when the keyring is locked or missing."""
        try:
            return self._ask(self._service, name)
        except self._failure as exc:
            # Without the cause: a backend's words are its own.
            raise ConfigError(
                f"the keyring cannot be read ({type(exc).__name__}); unlock it, or choose another "
                "[secrets] source"
            ) from None

    def where(self, name: str) -> str:
        """Where a person puts this secret, for errors."""
        return f"it with `keyring set {self._service} {name}`"
