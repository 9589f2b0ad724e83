"""A mail server on this machine: real SMTP by aiosmtpd, every mailbox a Maildir."""

import asyncio
import mailbox
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

_MAX_BYTES = 1024 * 1024  # of a mail
_ADDRESS = re.compile(r"[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,100}", re.ASCII)


@dataclass
class PostOffice:
    """Files what it takes before it says that it has it. `on_mail` may interfere in between."""

    folder: Path
    address: str = ""
    """Host and port."""
    on_mail: Callable[[EmailMessage], Awaitable[None]] | None = None
    refuses: frozenset[str] = frozenset()
    """Addresses that it does not take mails for."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # the name that aiosmtpd calls
        """One mail."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        for receiver in envelope.rcpt_tos:
            self.box(receiver).add(raw)
        if self.on_mail is not None:
            await self.on_mail(message_from_bytes(raw, policy=policy.default))
        return "250 OK: it is filed"

    async def handle_RCPT(  # noqa: N802  # the name that aiosmtpd calls
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Refuses what is no mailbox: an address becomes the name of a folder."""
        if not _ADDRESS.fullmatch(address) or address in self.refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def box(self, address: str) -> mailbox.Maildir:
        """The mailbox of an address, made when it gets its first mail."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return mailbox.Maildir(str(self.folder / address.lower()), create=True)

    def boxes(self, beginning: str) -> list[str]:
        """The mailboxes whose address begins so."""
        return sorted(box.name for box in self.folder.glob(f"{beginning}*@*"))

    def mails(self, address: str) -> list[EmailMessage]:
        """The mails in a mailbox; none where nothing ever came."""
        if not (self.folder / address).is_dir():
            return []
        box = self.box(address)
        raw = [box.get_bytes(key) for key in sorted(box.keys())]
        return [message_from_bytes(each, policy=policy.default) for each in raw]


@asynccontextmanager
async def post_office(folder: Path) -> AsyncIterator[PostOffice]:
    """A server at a free port, with its mailboxes in `folder`."""
    office = PostOffice(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(office, data_size_limit=_MAX_BYTES, hostname="localhost", loop=loop),
        "127.0.0.1",
        0,
    )
    host, port = server.sockets[0].getsockname()
    office.address = f"{host}:{port}"
    try:
        yield office
    finally:
        server.close()
        await server.wait_closed()
