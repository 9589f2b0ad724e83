"""Fillers, names and plain words are told from secrets by how a value begins."""

import pytest
import re2

from remit.policy.stand_ins import FILLERS, NAMES, PLAIN
from tests.policy.redaction import noise


def acquitted(patterns: tuple[str, ...], value: str) -> bool:
    return any(re2.search(pattern, value) for pattern in patterns)


@pytest.mark.parametrize(
    "value",
    [
        "xxxxxxxx",
        "sk-xxxx-xxxx",
        "********",
        "....",
        "00000000",
        "1234567890",
        "your-api-key-here",
        "YOUR_TOKEN",
        "my_secret_password1",
        "sk-your-key",
        "changeme",
        "change_me",
        "password",
        "Passw0rd".replace("0", "o"),
        "postgres",
        "${TOKEN}",
        "$TOKEN",
        "$(cat file)",
        "{{ token }}",
        "{token}",
        "%(password)s",
        "%TOKEN%",
        "<token>",
        "#{token}",
        "@Value",
    ],
)
def test_fillers_are_no_secrets(value: str) -> None:
    assert acquitted(FILLERS, value)


@pytest.mark.parametrize(
    "value",
    [
        "getPassword",
        "HTTPBasicAuthHandler",
        "SECRET_KEY",
        "self.config.token",
        "settings->password",
        "std::string",
        "must-be-set",
        "app-${ENV}-secret",
        "https://example.org/x9",
        "/run/secrets/db",
        "~/.ssh/config",
        "C:\\keys\\one",
        "sha256:" + noise(64, "digest"),
        "data:image/png",
        "arn:aws:secretsmanager:x",
        "2026-01-01T10:00:00Z",
        "10.0.0.1:5432",
    ],
)
def test_words_and_code_are_no_passwords(value: str) -> None:
    assert acquitted(PLAIN, value)
    assert acquitted(NAMES, value)


@pytest.mark.parametrize(
    "value",
    ["kubernetes-token-v2", "key1", "base64-encoded", "123e4567-e89b-12d3-a456-426614174000"],
)
def test_words_with_a_number_may_be_passwords_but_no_generated_secrets(value: str) -> None:
    assert acquitted(NAMES, value)
    assert not acquitted(PLAIN, value)


@pytest.mark.parametrize(
    "value",
    [
        noise(32, "hex"),
        noise(40, "sha"),
        "sPrDDuFKUFRo",
        "Tr0ub4dor&3",
        "aB3dE5gH7jK9",
        "k" + noise(6, "a") + "-" + noise(6, "b"),
        noise(20, "c") + "xxxxxx",
        noise(20, "d") + "your-key",
        noise(20, "e") + "${X}",
    ],
)
def test_random_text_is_never_acquitted(value: str) -> None:
    assert not acquitted(FILLERS + NAMES + PLAIN, value)
