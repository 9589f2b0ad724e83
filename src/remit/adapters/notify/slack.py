"""A channel of Slack: by incoming webhook, or as an app by `chat.postMessage`."""

import json
from urllib.parse import urlsplit

from typing_extensions import override

from remit.adapters.notify.post import Poster
from remit.errors import NotDelivered
from remit.ports import Notifier
from remit.values.notice import Notice
from remit.wire.notices.slack import encode_message, encode_reply

API = "https://slack.com/api"
_REPLIES = "https://hooks.slack.com/"
_JSON = "application/json; charset=utf-8"
# What Slack says of itself, not of the message; everything else is for an operator to mend.
_PASSING = frozenset(
    {"ratelimited", "rate_limited", "service_unavailable", "internal_error", "fatal_error"}
)


class SlackNotifier(Notifier):
    """Posts each notice as a message with buttons. Slack itself does not dedupe messages."""

    def __init__(
        self, *, webhook_url: str = "", token: str = "", channel: str = "", api: str = API
    ) -> None:
        """Either `webhook_url`, or a bot's `token` and the `channel` it posts to."""
        self._url = webhook_url or f"{api.rstrip('/')}/chat.postMessage"
        parts = urlsplit(self._url)
        self._home = f"{parts.scheme}://{parts.netloc}"
        self._token = token
        self._channel = "" if webhook_url else channel
        self._poster = Poster()

    @override
    async def tell(self, notice: Notice, *, deadline_s: float) -> None:
        """See `remit.ports.Notifier.tell`."""
        headers = {"content-type": _JSON}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        body = encode_message(notice, self._channel)
        answer = await self._poster.send(
            "POST", self._url, body=body, headers=headers, deadline_s=deadline_s
        )
        if self._channel:
            _check(answer)

    async def reply(self, url: str, text: str, *, deadline_s: float) -> None:
        """Tell the one who pressed a button, at the address that Slack gave with it.

        Raises `NotDelivered`, also for an address that is not Slack's own.
        """
        if not url.startswith((_REPLIES, f"{self._home}/")):
            raise NotDelivered("the response_url is not Slack's", again=False)
        headers = {"content-type": _JSON}
        await self._poster.send(
            "POST", url, body=encode_reply(text), headers=headers, deadline_s=deadline_s
        )

    @override
    async def close(self) -> None:
        """Release connections."""
        await self._poster.close()


def _check(answer: bytes) -> None:
    """Slack's methods answer 200 whatever became of them; `ok` says it."""
    try:
        tree = json.loads(answer)
    except ValueError:
        tree = None
    if not isinstance(tree, dict):
        raise NotDelivered("Slack's answer cannot be read", again=True)
    if tree.get("ok") is not True:
        error = str(tree.get("error", "no reason"))[:80]
        raise NotDelivered(f"Slack refused the message: {error}", again=error in _PASSING)
