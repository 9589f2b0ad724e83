"""Stripe's signatures: the official package verifies ours, we verify the official package's."""

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import WebhookRefused
from remit.wire.webhook.bounds import MAX_BODY_BYTES
from remit.wire.webhook.stripe_signature import sign, verify

NOW_S = 1_795_000_000
SECRET, OLD = "whsec_" + "a" * 32, "whsec_" + "b" * 32
BODY = b'{"object":"event","id":"evt_1"}'


def official(body: bytes, secret: str, at_s: int) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at_s))


@pytest.mark.requirement("BIL-3")
@given(text=st.text(max_size=200), at_s=st.integers(1, 10**11))
def test_the_official_package_and_we_sign_alike(text: str, at_s: int) -> None:
    body = text.encode(errors="replace")
    assert sign(body, [SECRET], at_s) == official(body, SECRET, at_s)
    assert verify(body, official(body, SECRET, at_s), [SECRET], now_s=at_s) == at_s


@pytest.mark.requirement("BIL-3")
def test_the_official_package_takes_what_we_sign_while_secrets_are_exchanged() -> None:
    value = sign(BODY, [OLD, SECRET], NOW_S)
    for secret in (OLD, SECRET):
        assert stripe.WebhookSignature.verify_header(BODY, value, secret)
        assert verify(BODY, value, [secret], now_s=NOW_S) == NOW_S
    assert verify(BODY, sign(BODY, [OLD], NOW_S), [SECRET, OLD], now_s=NOW_S) == NOW_S


@pytest.mark.requirement("BIL-3")
@pytest.mark.parametrize("away_s", [-301, 301, 10**9])
def test_a_stale_one_and_one_from_the_future_are_refused(away_s: int) -> None:
    value = official(BODY, SECRET, NOW_S - away_s)
    with pytest.raises(WebhookRefused, match="300 s are tolerated") as caught:
        verify(BODY, value, [SECRET], now_s=NOW_S)
    assert caught.value.reason == "stale"


@pytest.mark.parametrize("away_s", [-300, 0, 300])
def test_within_the_tolerance_it_is_taken(away_s: int) -> None:
    assert verify(BODY, official(BODY, SECRET, NOW_S - away_s), [SECRET], now_s=NOW_S)


@pytest.mark.requirement("BIL-3")
@pytest.mark.parametrize(
    ("body", "secrets"),
    [(BODY + b" ", [SECRET]), (BODY, [OLD]), (BODY, []), (BODY, [""])],
    ids=["changed", "other-secret", "no-secret", "empty-secret"],
)
def test_a_forged_one_is_refused(body: bytes, secrets: list[str]) -> None:
    with pytest.raises(WebhookRefused, match="no signature of the webhook is right") as caught:
        verify(body, official(BODY, SECRET, NOW_S), secrets, now_s=NOW_S)
    assert caught.value.reason == "signature"


def test_an_empty_secret_signs_for_nobody() -> None:
    with pytest.raises(WebhookRefused):
        verify(BODY, sign(BODY, [""], NOW_S), [""], now_s=NOW_S)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "t=1",
        "v1=aa",
        "nonsense",
        f"t={NOW_S},v0=aa",
        f"t={NOW_S},t={NOW_S},v1=aa",
        "t=-5,v1=aa",
        "t=1e9,v1=aa",
        "t=" + "9" * 5000 + ",v1=aa",
        "t=٣,v1=aa",
    ],
)
def test_a_header_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(WebhookRefused):
        verify(BODY, value, [SECRET], now_s=NOW_S)


@pytest.mark.parametrize("mark", ["ä", "\udcff"])
def test_a_signature_that_is_no_text_of_a_signature_is_refused(mark: str) -> None:
    with pytest.raises(WebhookRefused):
        verify(BODY, f"t={NOW_S},v1={mark}", [SECRET], now_s=NOW_S)


def test_schemes_of_tomorrow_are_passed_over() -> None:
    value = official(BODY, SECRET, NOW_S) + ",v2=cafe, v0=aa"
    assert verify(BODY, value, [SECRET], now_s=NOW_S) == NOW_S


def test_a_body_that_is_too_large_is_not_looked_at() -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    with pytest.raises(WebhookRefused, match="at most") as caught:
        verify(body, sign(body, [SECRET], NOW_S), [SECRET], now_s=NOW_S)
    assert caught.value.reason == "too-large"


def test_the_official_package_refuses_what_we_refuse() -> None:
    value = official(BODY, SECRET, NOW_S)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(BODY + b" ", value, SECRET)
