"""Slack's two doors, its refusals, and replies that go to Slack alone."""

import pytest

from remit.adapters.notify.slack import SlackNotifier
from remit.errors import NotDelivered
from tests.app.channel_fakes import receiving
from tests.wire.notices.specimens import APPROVAL

pytestmark = pytest.mark.requirement("APR-2")


async def test_an_incoming_webhook_takes_the_message_as_it_is() -> None:
    async with receiving() as receiver:
        notifier = SlackNotifier(webhook_url=f"{receiver.url}/services/x")
        await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.close()
        (got,) = receiver.got
        assert got.path == "/services/x"
        assert "authorization" not in got.headers
        assert "channel" not in got.tree


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        ({"ok": False, "error": "ratelimited"}, True),
        ({"ok": False, "error": "invalid_auth"}, False),
        ({"ok": "yes"}, False),
        ([], True),
    ],
)
async def test_a_bot_is_told_no_with_status_200(answer: object, again: bool) -> None:
    async with receiving() as receiver:
        receiver.answers["/chat.postMessage"] = answer
        notifier = SlackNotifier(token="xoxb", channel="C1", api=receiver.url)
        with pytest.raises(NotDelivered) as caught:
            await notifier.tell(APPROVAL, deadline_s=9)
        assert caught.value.again is again
        receiver.answers["/chat.postMessage"] = {"ok": True}
        await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.close()
        assert receiver.got[1].headers["authorization"] == "Bearer xoxb"
        assert receiver.got[1].tree["channel"] == "C1"


async def test_a_reply_goes_to_slack_alone() -> None:
    async with receiving() as receiver, receiving() as stranger:
        notifier = SlackNotifier(webhook_url=f"{receiver.url}/services/x")
        await notifier.reply(f"{receiver.url}/reply", "done", deadline_s=9)
        for url in (f"{stranger.url}/x", "https://hooks.slack.com.evil.example/x", ""):
            with pytest.raises(NotDelivered, match="is not Slack's"):
                await notifier.reply(url, "done", deadline_s=9)
        await notifier.close()
        assert len(receiver.got) == 1
        assert stranger.got == []
