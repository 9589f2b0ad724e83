"""The person at the command line is the one the operating system knows."""

import os
import pwd

import pytest

from remit.cli.person import principal, user_name


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "boss")
    assert user_name() == pwd.getpwuid(os.getuid()).pw_name
    assert principal() == f"local:{user_name()}"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000 - 1)
    assert principal() == "local:uid-3999999999"
