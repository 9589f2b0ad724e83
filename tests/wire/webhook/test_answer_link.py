"""Answer tokens: what was signed comes back, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import WebhookRefused
from remit.wire.webhook.answer_link import (
    MAX_CHARS,
    AnswerToken,
    Say,
    answer_key,
    read_token,
    sign_token,
)

pytestmark = pytest.mark.requirement("APR-2", "PERM-7")
KEY = answer_key(b"k" * 32)
TOKEN = AnswerToken(
    say="approve",
    tenant="acme",
    ref="run_1:c1-1",
    until_s=2_000,
    digest="d" * 64,
    person="ann@x.example",
)


@pytest.mark.parametrize("say", ["approve", "deny", "answer", "decide"])
def test_what_was_signed_comes_back(say: Say) -> None:
    token = AnswerToken(say=say, tenant="acme", ref="run_1:q", until_s=2_000)
    assert read_token([b"other", KEY], sign_token(KEY, token), 1_999) == token
    text = sign_token(KEY, TOKEN)
    assert read_token([KEY], text, 0) == TOKEN
    assert len(text) <= MAX_CHARS


def test_it_ends_at_its_instant() -> None:
    with pytest.raises(WebhookRefused, match="expired"):
        read_token([KEY], sign_token(KEY, TOKEN), 2_000)


@given(st.integers(0, 10_000), st.integers(0, 63))
def test_no_changed_character_is_read(place: int, other: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = sign_token(KEY, TOKEN)
    place %= len(text) - 1  # the last character has bits that mean nothing
    if text[place] == alphabet[other]:
        return
    with pytest.raises(WebhookRefused, match="not made here"):
        read_token([KEY], text[:place] + alphabet[other] + text[place + 1 :], 0)


@pytest.mark.parametrize("text", ["", "é", "a b", "x" * 3_000, "abc", "=", "A" * 200])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(WebhookRefused, match="not made here"):
        read_token([KEY], text, 0)


def test_another_key_signed_nothing_here() -> None:
    assert answer_key(b"a") != answer_key(b"b")
    with pytest.raises(WebhookRefused, match="not made here"):
        read_token([answer_key(b"other")], sign_token(KEY, TOKEN), 0)


@pytest.mark.parametrize("field", ["x" * 2_000, "a\0b"])
def test_names_that_no_token_holds_are_refused(field: str) -> None:
    with pytest.raises(WebhookRefused, match="too long"):
        sign_token(KEY, AnswerToken(say="deny", tenant=field, ref="r", until_s=1))


def test_a_text_that_no_base_64_has_is_damaged() -> None:
    with pytest.raises(WebhookRefused, match="not made here, or is damaged"):
        read_token([KEY], "A" * 33, 0)  # one more than a multiple of four
