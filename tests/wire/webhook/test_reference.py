"""Client references fit Stripe's field, say who pays for what, and cannot be forged."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import WebhookRefused
from remit.wire.webhook.reference import (
    MAX_CHARS,
    Reference,
    fits,
    holder_digest,
    read_reference,
    reference_key,
    sign_reference,
)

KEY, OTHER = reference_key(b"k" * 32), reference_key(b"o" * 32)
NOW_MS = 1_795_000_000_000
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", fullmatch=True)
ANN = Reference(plan="pro", until_ms=NOW_MS + 60_000, tenant="acme", holder="user:ann")


@pytest.mark.requirement("BIL-3")
@given(plan=NAMES, tenant=NAMES, holder=NAMES, minutes=st.integers(0, 10**6))
def test_a_reference_of_any_names_fits_and_is_read_back(
    plan: str, tenant: str, holder: str, minutes: int
) -> None:
    until_ms = NOW_MS + minutes * 60_000
    given_names = Reference(plan=plan[:48], until_ms=until_ms, tenant=tenant, holder=holder)
    text = sign_reference(KEY, given_names)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,200}", text)
    found = read_reference([OTHER, KEY], text, NOW_MS)
    assert found.plan == plan[:48]
    assert 0 <= found.until_ms - until_ms < 60_000
    if found.digest:
        assert len(plan[:48] + tenant + holder) > 125
        assert not fits(given_names)
        assert found.digest == holder_digest(tenant, holder)
        assert sign_reference(KEY, found) == text
    else:
        assert (found.tenant, found.holder) == (tenant, holder)
        assert fits(given_names)


def test_names_that_are_too_long_stand_as_their_digest() -> None:
    long = Reference(plan="pro", until_ms=NOW_MS, tenant="t" * 128, holder="user:" + "u" * 128)
    text = sign_reference(KEY, long)
    edge = Reference(plan="pro", until_ms=NOW_MS, tenant="t" * 100, holder="u" * 22)
    assert (fits(edge), len(sign_reference(KEY, edge)), fits(long)) == (True, 198, False)
    assert len(text) < MAX_CHARS
    found = read_reference([KEY], text, NOW_MS)
    assert (found.tenant, found.holder, found.plan) == ("", "", "pro")
    assert found.digest == holder_digest(long.tenant, long.holder)


def test_two_holders_have_two_digests() -> None:
    assert holder_digest("ab", "c") != holder_digest("a", "bc")


@pytest.mark.requirement("BIL-3")
def test_every_changed_character_is_noticed() -> None:
    text = sign_reference(KEY, ANN)
    for index in range(len(text) - 1):
        other = "B" if text[index] == "A" else "A"
        with pytest.raises(WebhookRefused, match="not signed here"):
            read_reference([KEY], text[:index] + other + text[index + 1 :], NOW_MS)


@pytest.mark.parametrize(
    "text", ["", "A", "ann", "ä", "a b", "A" * (MAX_CHARS + 1), "A" * MAX_CHARS]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(WebhookRefused, match="not signed here") as caught:
        read_reference([KEY], text, NOW_MS)
    assert caught.value.reason == "signature"


def test_another_key_and_no_key_refuse() -> None:
    text = sign_reference(KEY, ANN)
    for keys in ([OTHER], []):
        with pytest.raises(WebhookRefused):
            read_reference(keys, text, NOW_MS)


def test_an_expired_one_is_refused() -> None:
    text = sign_reference(KEY, ANN)
    assert read_reference([KEY], text, NOW_MS + 60_000).holder == "user:ann"
    with pytest.raises(WebhookRefused, match="expired") as caught:
        read_reference([KEY], text, NOW_MS + 180_000)
    assert caught.value.reason == "stale"
