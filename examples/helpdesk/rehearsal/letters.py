"""The 60 tickets as mails, as mail programs write them, handed to the mail server by SMTP."""

import html
import smtplib
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from rehearsal.cases import Case


def mail_of(case: Case) -> EmailMessage:
    """A ticket as the mail that it came as."""
    mail = EmailMessage()
    mail["From"] = formataddr((case.name, case.sender))
    mail["To"] = f"support@{case.tenant}.example"
    mail["Subject"] = case.subject
    mail["Date"] = format_datetime(datetime.fromisoformat(f"{case.at}:00+00:00"))
    mail["Message-ID"] = f"<{case.id}@{case.sender.partition('@')[2]}>"
    if case.form == "html":
        body = html.escape(case.text).replace("\n", "<br>")
        unseen = f'<span style="color:#fff;font-size:1px">{html.escape(case.hidden)}</span>'
        mail.set_content(f"<html><body><p>{body}</p>{unseen}</body></html>", subtype="html")
    else:
        charset = "iso-8859-1" if case.form == "latin1" else "utf-8"
        mail.set_content(case.text, charset=charset)
    return mail


def deliver(server: str, letters: tuple[Case, ...]) -> None:
    """Send them all, in one conversation with the server."""
    host, _, port = server.rpartition(":")
    with smtplib.SMTP(
        host, int(port), "localhost", timeout=20
    ) as smtp:  # a local server answers at once
        for case in letters:
            smtp.send_message(mail_of(case))
