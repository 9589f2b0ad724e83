"""A ticket queue: each notice becomes one ticket of Jira or Zendesk."""

import base64

from typing_extensions import override

from remit.adapters.notify.post import Poster
from remit.errors import NotDelivered
from remit.ports import Notifier
from remit.values.notice import Notice
from remit.wire.notices.tickets import (
    Shape,
    encode_ticket,
    search_path,
    ticket_path,
    was_found,
)


class TicketNotifier(Notifier):
    """Looks for the ticket of a notice before it makes one, so that a retry makes no second."""

    def __init__(  # each is one setting of the queue
        self,
        shape: Shape,
        url: str,
        *,
        login: str,
        token: str,
        project: str = "",
        issue_type: str = "Task",
    ) -> None:
        """`login`: the e-mail that an API token belongs to; empty for a bearer token."""
        self._shape: Shape = shape
        self._url = url.rstrip("/")
        if login:
            name = f"{login}/token" if shape == "zendesk" else login
            pair = base64.b64encode(f"{name}:{token}".encode()).decode()
            self._authorization = f"Basic {pair}"
        else:
            self._authorization = f"Bearer {token}"
        self._project = project
        self._issue_type = issue_type
        self._poster = Poster()

    @override
    async def tell(self, notice: Notice, *, deadline_s: float) -> None:
        """See `remit.ports.Notifier.tell`."""
        half_s = deadline_s / 2  # a search and a creation
        headers = {"authorization": self._authorization, "accept": "application/json"}
        found = await self._poster.send(
            "GET",
            self._url + search_path(self._shape, notice),
            headers=headers,
            deadline_s=half_s,
        )
        try:
            if was_found(self._shape, found):
                return
        except ValueError as exc:
            raise NotDelivered(f"the ticket queue: {exc}", again=True) from None
        # Zendesk dedupes by this for a day, also where its search lags behind; Jira ignores it.
        more = {"content-type": "application/json", "idempotency-key": notice.key}
        await self._poster.send(
            "POST",
            self._url + ticket_path(self._shape),
            body=encode_ticket(
                self._shape, notice, project=self._project, issue_type=self._issue_type
            ),
            headers=headers | more,
            deadline_s=half_s,
        )

    @override
    async def close(self) -> None:
        """Release connections."""
        await self._poster.close()
