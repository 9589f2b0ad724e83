"""Secrets from a keyring: asked for by service and name, each time anew."""

import pytest

from remit.adapters.secrets.keychain import KeyringSecrets
from remit.errors import ConfigError


class Locked(Exception):
    """What a backend raises."""


def source(service: str = "remit") -> KeyringSecrets:
    kept = {("remit", "API_KEY"): "s3cret"}

    def ask(service: str, name: str) -> str | None:
        if service == "locked":
            raise Locked("the master password is hunter2")
        return kept.get((service, name))

    return KeyringSecrets(service, ask=ask, failure=Locked)


@pytest.mark.requirement("SEC-5")
def test_a_secret_is_asked_for_by_service_and_name() -> None:
    assert source().read("API_KEY") == "s3cret"
    assert source().read("OTHER") is None
    assert source().where("OTHER") == "it with `keyring set remit OTHER`"


def test_a_keyring_that_is_locked_is_told_without_its_words() -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(Locked\); unlock it") as caught:
        source("locked").read("API_KEY")
    assert "hunter2" not in str(caught.value)


def test_a_service_must_be_named() -> None:
    with pytest.raises(ConfigError, match="name the service"):
        source("")
