"""Standard Webhooks: the official package verifies ours, we verify the official package's."""

import base64
from datetime import UTC, datetime

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError, WebhookRefused
from remit.wire.webhook.standard import (
    SecretKey,
    SigningKey,
    VerifyKey,
    sign,
    signing_key,
    verify,
    verify_key,
)

NOW_S = 1_795_000_000
RAW = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(RAW).decode()
KEY = SecretKey(RAW)
SEED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = SigningKey(SEED)
BODY = b'{"type":"plan.paid"}'


def wall_s() -> int:
    """The official package looks at the clock itself, long after this module was imported."""
    return int(datetime.now(UTC).timestamp())


@pytest.mark.requirement("BIL-3")
@given(text=st.text(max_size=200))
def test_the_official_package_and_we_sign_alike(text: str) -> None:
    body, now_s = text.encode(errors="replace"), wall_s()
    ours = sign(body, [KEY], message_id="msg_1", at_s=now_s)
    referee = standardwebhooks.Webhook(SECRET)
    when = datetime.fromtimestamp(now_s, tz=UTC)
    assert ours["webhook-signature"] == referee.sign("msg_1", when, body.decode())
    referee.verify(body, ours, json_parse=False)
    assert verify(body, ours, [KEY], now_s=now_s) == "msg_1"


def test_several_signatures_stand_in_one_header() -> None:
    other, now_s = SecretKey(b"x" * 24), wall_s()
    headers = sign(BODY, [other, PRIVATE, KEY], message_id="m", at_s=now_s)
    standardwebhooks.Webhook(SECRET).verify(BODY, headers)
    for key in (other, KEY, PRIVATE.public):
        assert verify(BODY, headers, [key], now_s=now_s) == "m"


def test_only_the_public_half_is_needed_to_verify() -> None:
    headers = sign(BODY, [PRIVATE], message_id="m", at_s=NOW_S)
    public = verify_key(PRIVATE.public.text(), "here")
    assert isinstance(public, VerifyKey)
    assert verify(BODY, headers, [public], now_s=NOW_S) == "m"
    scheme, _, mark = headers["webhook-signature"].partition(",")
    assert scheme == "v1a"
    SEED.public_key().verify(base64.b64decode(mark), f"m.{NOW_S}.".encode() + BODY)


@pytest.mark.requirement("BIL-3")
def test_a_forged_one_is_refused() -> None:
    headers = sign(BODY, [KEY, PRIVATE], message_id="m", at_s=NOW_S)
    wrong: list[SecretKey | VerifyKey] = [
        SecretKey(b"y" * 24),
        SigningKey(Ed25519PrivateKey.generate()).public,
    ]
    cases: list[tuple[bytes, dict[str, str], list[SecretKey | VerifyKey]]] = [
        (BODY + b" ", headers, [KEY, PRIVATE.public]),
        (BODY, headers, wrong),
        (BODY, headers, []),
        (BODY, {**headers, "webhook-id": "other"}, [KEY, PRIVATE.public]),
        (BODY, {**headers, "webhook-timestamp": str(NOW_S + 1)}, [KEY, PRIVATE.public]),
        (BODY, {**headers, "webhook-signature": "v1,%%% v1a,AAAA v9,AAAA v1 ,"}, [KEY]),
        (BODY, {**headers, "webhook-signature": ""}, [KEY]),
    ]
    for body, given_headers, keys in cases:
        with pytest.raises(WebhookRefused, match="no signature") as caught:
            verify(body, given_headers, keys, now_s=NOW_S)
        assert caught.value.reason == "signature"


@pytest.mark.parametrize("away_s", [-301, 301])
def test_a_stale_one_and_one_from_the_future_are_refused(away_s: int) -> None:
    headers = sign(BODY, [KEY], message_id="m", at_s=NOW_S + away_s)
    with pytest.raises(WebhookRefused, match="tolerated"):
        verify(BODY, headers, [KEY], now_s=NOW_S)


@pytest.mark.parametrize(
    "change",
    [{"webhook-id": ""}, {"webhook-id": "a.b"}, {"webhook-timestamp": ""}],
    ids=["no-id", "id-with-point", "no-time"],
)
def test_headers_that_are_none_are_refused(change: dict[str, str]) -> None:
    headers = {**sign(BODY, [KEY], message_id="m", at_s=NOW_S), **change}
    with pytest.raises(WebhookRefused) as caught:
        verify(BODY, headers, [KEY], now_s=NOW_S)
    assert caught.value.reason == "malformed"


def test_an_id_with_a_point_is_not_sent() -> None:
    with pytest.raises(ConfigError, match="webhook-id"):
        sign(BODY, [KEY], message_id="a.b", at_s=NOW_S)


def test_keys_are_read_from_their_text() -> None:
    private = "whsk_" + base64.b64encode(SEED.private_bytes_raw()).decode()
    read = signing_key(private, "here")
    assert isinstance(read, SigningKey)
    assert read.public.text() == PRIVATE.public.text()
    assert signing_key(SECRET, "here") == verify_key(SECRET.rstrip("="), "here") == KEY
    assert verify_key(SECRET.removeprefix("whsec_"), "here") == KEY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("whsec_%%%", "not a webhook key"),
        ("whsec_AAAA", "24 to 64 bytes"),
        ("whsec_" + "A" * 200, "24 to 64 bytes"),
        ("whsk_AAAA", "32 bytes"),
    ],
)
def test_a_key_that_is_none_is_refused_and_never_shown(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"VARIABLE: .*{message}") as caught:
        signing_key(text, "VARIABLE")
    assert text not in str(caught.value)
    assert text.partition("_")[2] not in repr(caught.value.__cause__)


def test_a_key_does_not_show_itself() -> None:
    assert "0123" not in repr(KEY)
