"""A channel that is somebody's HTTP endpoint: notices as JSON, signed as Standard Webhooks say."""

from collections.abc import Callable, Sequence

from typing_extensions import override

from remit.adapters.notify.post import Poster
from remit.ports import Notifier
from remit.values.notice import Notice
from remit.wire.notices.plain import encode_notice
from remit.wire.webhook.standard import SecretKey, SigningKey, sign


class WebhookNotifier(Notifier):
    """POSTs each notice; its key is the `webhook-id`, so that the receiver dedupes it."""

    def __init__(
        self, url: str, keys: Sequence[SecretKey | SigningKey], now_s: Callable[[], int]
    ) -> None:
        self._url = url
        self._keys = tuple(keys)
        self._now_s = now_s
        self._poster = Poster()

    @override
    async def tell(self, notice: Notice, *, deadline_s: float) -> None:
        """See `remit.ports.Notifier.tell`."""
        body = encode_notice(notice)
        signed = sign(body, self._keys, message_id=notice.key, at_s=self._now_s())
        headers = {"content-type": "application/json", **signed}
        await self._poster.send(
            "POST", self._url, body=body, headers=headers, deadline_s=deadline_s
        )

    @override
    async def close(self) -> None:
        """Release connections."""
        await self._poster.close()
