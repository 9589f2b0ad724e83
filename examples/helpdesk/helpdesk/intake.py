"""Takes mails from the desk's mailbox into the shop as tickets: each once, by its Message-ID."""

import hashlib
import html
import mailbox
import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

from helpdesk.shop import Shop

_MAX_BODY = 20_000  # characters; longer is no message to a shop
_MAX_SUBJECT = 200
_BLOCK = re.compile(r"(?i)<(?:br|/p|/div|/li|/tr)\s*/?>")
_UNSEEN = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->")
_TAG = re.compile(r"(?s)<[^>]*>")


def take_in(shop: Shop, box: Path, tenant: str, letter: str) -> list[str]:
    """The numbers of the tickets made of the mails in a Maildir, in the order of their dates.

    `letter` is what the tenant's numbers begin with. A mail that came twice is one ticket.
    """
    mails = [_mail(raw) for raw in _raw(box)]
    made = []
    with shop.open(writing=True) as base:
        (count,) = base.execute(
            "SELECT count(*) FROM tickets WHERE tenant = ?", (tenant,)
        ).fetchone()
        for date, message_id, mail in sorted(mails, key=lambda each: each[:2]):
            number = f"{letter}-{count + 1:03d}"
            sender = parseaddr(str(mail["From"]))[1].lower()
            subject = str(mail["Subject"] or "")[:_MAX_SUBJECT]
            row = (tenant, number, sender, subject, _text(mail), date, message_id)
            done = base.execute("INSERT OR IGNORE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            if done.rowcount:
                count += 1
                made.append(number)
    return made


def _raw(box: Path) -> list[bytes]:
    if not box.is_dir():
        return []
    folder = mailbox.Maildir(str(box), create=False)
    return [folder.get_bytes(key) for key in folder.keys()]  # noqa: SIM118  # it is no mapping


def _mail(raw: bytes) -> tuple[str, str, EmailMessage]:
    """Date, Message-ID (of a mail without one its digest) and the mail."""
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    message_id = str(mail["Message-ID"] or hashlib.sha256(raw).hexdigest())
    return _date(mail), message_id, mail


def _date(mail: EmailMessage) -> str:
    try:
        date = parsedate_to_datetime(str(mail["Date"]))
    except ValueError:  # none, or none that can be read
        date = datetime.fromtimestamp(0, UTC)
    return date.astimezone(UTC).isoformat(timespec="seconds")


def _text(mail: EmailMessage) -> str:
    """What a reader sees, and what was hidden from readers too: the agent must cope with both."""
    part = mail.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except LookupError:  # a charset that nobody knows
        text = bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    text = text.replace("\r\n", "\n")
    if part.get_content_type() == "text/html":
        text = html.unescape(_TAG.sub("", _BLOCK.sub("\n", _UNSEEN.sub("", text))))
    return text.strip()[:_MAX_BODY]
