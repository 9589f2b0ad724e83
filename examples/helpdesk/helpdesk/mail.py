"""Answers to customers as real mails: sent once for a call, found again in the desk's archive."""

import mailbox
import smtplib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage, Message
from pathlib import Path

from helpdesk.shop import Asked, Shop
from remit import Call, ToolError
from remit.errors import OutcomeUnknown

TICKET_HEADER = "X-Helpdesk-Ticket"
_TIMEOUT_S = 20.0  # a submission takes milliseconds; the call itself is cut after 60 s
_OK = 250  # RFC 5321, 4.2.3
_SETTLED_S = 1.0  # a server that has a whole mail files it within this time


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that the server has taken."""

    message_id: str
    ticket: str


class Post:
    """Sends to the sender of the ticket and to nobody else; the archive gets a copy of each.

    SMTP cannot be asked what it has taken. The copy in the archive can: a mail of which nobody
    knows whether it left is looked for there by its id, which follows from the call.
    """

    def __init__(self, shop: Shop, server: str, archive: str) -> None:
        """`server`: host and port; `archive`: the folder of Maildirs with the desk's own copies."""
        self._shop = shop
        host, _, port = server.rpartition(":")
        self._host, self._port = host, int(port)
        self._archive = Path(archive)

    def send(self, call: Call, text: str) -> Sent:
        """Send the answer. Raises `ToolError` where the server refuses it."""
        ticket = self._shop.ticket(call)
        mail = EmailMessage()
        mail["From"] = f"support@{call.tenant}.example"
        mail["To"] = ticket.sender
        # Not the customer's own subject: it may hold what belongs into no further mail.
        mail["Subject"] = f"[{ticket.ticket}] Your message"
        mail["Message-ID"] = message_id(call)
        mail[TICKET_HEADER] = ticket.ticket
        mail.set_content(text)
        archive = archive_of(call)
        try:
            # A name given spares a question to the name service for each mail.
            with smtplib.SMTP(self._host, self._port, "localhost", _TIMEOUT_S) as server:
                _hand_over(server, mail, (ticket.sender, archive))
        except smtplib.SMTPServerDisconnected as exc:
            # Perhaps after the last byte: whether it has the mail, the archive knows.
            raise OutcomeUnknown(f"the mail server went away: {exc}") from exc
        except smtplib.SMTPResponseException as exc:
            raise ToolError(f"the mail server refused the mail ({exc.smtp_code})") from exc
        return Sent(message_id(call), ticket.ticket)

    def find(self, call: Call) -> Sent | None:
        """The mail that this call has sent; None if it certainly has not left."""
        if not self._archived(call):
            time.sleep(_SETTLED_S)
            if not self._archived(call):
                return None
        return Sent(message_id(call), call.session)

    def has_answered(self, asked: Asked) -> bool:
        """Whether a mail about the ticket has left."""
        return any(mail[TICKET_HEADER] == asked.session for mail in self._copies(asked))

    def check(self) -> None:
        """Raises where the server does not answer, or there is no archive to be."""
        self._archive.mkdir(parents=True, exist_ok=True)
        with smtplib.SMTP(self._host, self._port, "localhost", _TIMEOUT_S) as server:
            server.noop()

    def _archived(self, call: Call) -> bool:
        wanted = message_id(call)
        return any(mail["Message-ID"] == wanted for mail in self._copies(call))

    def _copies(self, asked: Asked) -> Iterable[Message]:
        """The desk's own copies of what it sent about the ticket."""
        folder = self._archive / archive_of(asked)
        return mailbox.Maildir(str(folder), create=False) if folder.is_dir() else ()


def _hand_over(server: smtplib.SMTP, mail: EmailMessage, receivers: tuple[str, ...]) -> None:
    """All receivers or none: `send_message` would leave out those that are refused."""
    server.ehlo_or_helo_if_needed()
    _check(server.mail(str(mail["From"])))
    for each in receivers:
        _check(server.rcpt(each))
    _check(server.data(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))))


def _check(answer: tuple[int, bytes]) -> None:
    if answer[0] != _OK:
        raise smtplib.SMTPResponseException(*answer)


def archive_of(asked: Asked) -> str:
    """The mailbox with the copies of one ticket (a subaddress, RFC 5233): looking stays short."""
    return f"archive+{asked.session.lower()}@{asked.tenant}.example"


def message_id(call: Call) -> str:
    """The id of the call's mail: the same however often it is tried."""
    key = call.idempotency_key.replace(":", ".")  # no ':' in a Message-ID (RFC 5322, 3.6.4)
    return f"<{key}@{call.tenant}.example>"
