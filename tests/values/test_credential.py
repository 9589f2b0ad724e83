"""A credential shows itself to nobody who does not ask for it."""

import copy
import json
import pickle

import pytest
from pydantic_core import to_json

from remit.errors import ConfigError, UsageError
from remit.values.credential import Credential, Wanted

SECRET = "Sv7xQ2mN" + "9pLw4kRt"


@pytest.mark.requirement("TOOL-9")
def test_it_is_in_no_text_of_its_own() -> None:
    held = Credential(SECRET, name="crm", expires_ms=5)
    assert repr(held) == str(held) == "Credential('crm', …)"
    assert SECRET not in f"{held} {[held]!r} {to_json({'a': held}, fallback=str).decode()}"
    assert not hasattr(held, "__dict__")
    with pytest.raises(TypeError):
        json.dumps(held)
    for take in (pickle.dumps, copy.copy):
        with pytest.raises(UsageError, match="not pickled"):
            take(held)


def test_it_is_given_to_the_system_it_is_for() -> None:
    held = Credential(f" {SECRET}\n")
    assert held.reveal() == SECRET
    assert held.header() == f"Bearer {SECRET}"
    assert held.header("") == SECRET
    assert Credential("ann:pass").header("Basic") == "Basic YW5uOnBhc3M="


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "schlüssel", "a\x00b"])
def test_what_no_header_takes_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="'crm'") as caught:
        Credential(text, name="crm")
    assert not text.strip() or text not in str(caught.value)


def test_who_wants_it() -> None:
    assert Wanted(name="crm", tenant="acme", tool="crm_refund").user == ""
