"""Sign-ins of browsers: each is a book of its own, so all processes know when one has ended."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from remit.app.access import Access, in_hasher
from remit.app.load import named
from remit.journal.events import SessionEnded, SessionOpened
from remit.projections.access import SessionState, UserState, session_of
from remit.runtime.books import Books, Entry, Page
from remit.values.account import OPERATOR

_ID_CHARS = 40  # 160 bits of the hash


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    """Opens and ends sessions; of their tokens only hashes are kept."""

    access: Access
    books: Books

    async def open(
        self, token: str, principal: str, *, how: Literal["link", "password"], until_ms: int
    ) -> None:
        """Somebody signed in; `token` is what their cookie will show."""
        name = session_id(token)
        fact = SessionOpened(session=name, principal=principal, how=how, until_ms=until_ms)

        def decide(_pages: Sequence[Page], _now_ms: int) -> Entry:
            return Entry(events=(fact,))

        await self.books.enter(OPERATOR, f"session:{name}", decide)

    async def find(self, token: str) -> SessionState | None:
        """The session of a token, ended ones too."""
        return _session(await self.books.read(OPERATOR, f"session:{session_id(token)}"))

    async def end(self, token: str, principal: str) -> None:
        """End a session; nothing happens where there is none."""
        name = session_id(token)

        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            known = _session(pages)
            if known is None or known.ended:
                return Entry()
            return Entry(events=(SessionEnded(session=name, principal=principal),))

        await self.books.enter(OPERATOR, f"session:{name}", decide)

    async def check_password(self, user: str, password: str) -> UserState | None:
        """The user whose password it is; None for any other, after as long a time."""
        known = await self.access.user(user)
        is_password = cast(
            "Callable[[str, str], bool]", named("remit.adapters.passwords", "is_password", "server")
        )
        hashed = "" if known is None else known.hash
        fits = await in_hasher(lambda: is_password(hashed, password))
        return known if fits and known is not None and not known.barred else None


def session_id(token: str) -> str:
    """The name of a session, which tells nothing of its token."""
    return hashlib.sha256(token.encode()).hexdigest()[:_ID_CHARS]


def _session(pages: Sequence[Page]) -> SessionState | None:
    return session_of((page.time_ms, page.event) for page in pages)
