"""Slack's signatures, against the example of its own documentation."""

import pytest

from remit.errors import WebhookRefused
from remit.wire.webhook.slack_signature import SIGNATURE, TIME, sign, verify

pytestmark = pytest.mark.requirement("APR-2")
# The example of docs.slack.dev/authentication/verifying-requests-from-slack; put together here.
SECRET = "8f742231b10e" + "8888abcd99yyyzzz85a5"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
AT = 1_531_420_618
MARK = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_slacks_own_example_is_right() -> None:
    headers = sign(BODY, SECRET, at_s=AT)
    assert headers[SIGNATURE] == MARK
    assert verify(BODY, {TIME: str(AT), SIGNATURE: MARK}, ["old", SECRET], now_s=AT) == SECRET


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "malformed"),
        ({TIME: "soon", SIGNATURE: MARK}, "malformed"),
        ({TIME: str(AT)}, "signature"),
        ({TIME: str(AT), SIGNATURE: MARK[:-1] + "4"}, "signature"),
        ({TIME: str(AT + 1), SIGNATURE: MARK}, "signature"),
        ({TIME: str(AT), SIGNATURE: "v0=\udcff"}, "signature"),
        ({TIME: str(AT), SIGNATURE: "v1" + MARK[2:]}, "signature"),
    ],
)
def test_what_slack_did_not_sign_is_refused(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(WebhookRefused) as caught:
        verify(BODY, headers, [SECRET], now_s=AT)
    assert caught.value.reason == reason
    with pytest.raises(WebhookRefused):
        verify(BODY, {TIME: str(AT), SIGNATURE: MARK}, [], now_s=AT)


@pytest.mark.parametrize("now", [AT + 301, AT - 301])
def test_a_replay_is_refused(now: int) -> None:
    with pytest.raises(WebhookRefused) as caught:
        verify(BODY, sign(BODY, SECRET, at_s=AT), [SECRET], now_s=now)
    assert caught.value.reason == "stale"
