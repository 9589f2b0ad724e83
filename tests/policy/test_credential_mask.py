"""A credential is taken out of texts however it is written, and nothing else is."""

import base64
import json
from urllib.parse import quote

import pytest

from remit.policy.credential_mask import MOST, CredentialMask

SECRET = "Sv7+xQ2mN/" + "9pLw4kRt=="


@pytest.mark.requirement("TOOL-9")
@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        f"Bearer {SECRET}",
        base64.b64encode(f"ann:{SECRET}".encode()).decode(),
        quote(SECRET, safe=""),
        json.dumps({"a": json.dumps(SECRET)}),
    ],
)
def test_it_is_found_in_every_form(shown: str) -> None:
    mask = CredentialMask()
    mask.learn("crm", SECRET)
    clean = mask.clean(f"before {shown} after")
    assert "[credential crm]" in clean
    assert all(SECRET[at : at + 8] not in clean for at in range(len(SECRET) - 8))
    assert clean.startswith("before ")
    assert clean.endswith(" after")


def test_long_ones_are_found_whole() -> None:
    token = "".join(f"{number:x}-" for number in range(4_000))
    mask = CredentialMask()
    mask.learn("crm", token)
    mask.learn("crm", token)
    assert mask.clean(f"a {token} b").replace("[credential crm]", "") == "a  b"


def test_what_nobody_learnt_stays() -> None:
    mask = CredentialMask()
    assert mask.clean("anything") == "anything"
    mask.learn("short", "abc")
    assert mask.clean("abc") == "abc"


def test_the_newest_are_remembered() -> None:
    mask = CredentialMask()
    for number in range(MOST + 1):
        mask.learn("crm", f"token-of-number-{number:04}")
    assert mask.clean("token-of-number-0001") == "[credential crm]"
    assert mask.clean("token-of-number-0000") == "token-of-number-0000"
