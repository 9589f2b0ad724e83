"""The webhook of a notice: signed as Standard Webhooks say, under one id however often."""

import base64

import pytest

from remit.adapters.notify.webhook import WebhookNotifier
from remit.errors import WebhookRefused
from remit.wire.webhook.standard import signing_key
from tests.app.channel_fakes import receiving, verified
from tests.wire.notices.specimens import APPROVAL

pytestmark = pytest.mark.requirement("APR-2")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


async def test_each_try_is_signed_anew_under_one_id() -> None:
    now = iter((1_000, 2_000))
    async with receiving() as receiver:
        notifier = WebhookNotifier(
            f"{receiver.url}/hook", [signing_key(SECRET, "test")], lambda: next(now)
        )
        await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.close()
        first, second = receiver.got
        assert verified(first, SECRET, 1_000) == verified(second, SECRET, 2_000) == "ntc_1"
        assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
        assert first.headers["content-type"] == "application/json"
        with pytest.raises(WebhookRefused):
            verified(first, OTHER, 1_000)
