"""A channel of Slack: by incoming webhook, or as an app by `chat.postMessage`."""

import json

from typing_extensions import override

from remit.adapters.notify.post import Poster
from remit.errors import NotDelivered
from remit.ports import Notifier
from remit.values.notice import Notice
from remit.wire.notices.slack import encode_message

API = "https://slack.com/api"
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
