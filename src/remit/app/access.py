"""Who may use the server: API keys and users, in books of the journal, so all is journalled."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

from remit.app.load import named
from remit.errors import NotAllowed, NotFound, UsageError
from remit.journal.events import (
    Event,
    KeyIssued,
    KeyRevoked,
    KeyUsed,
    PasswordSet,
    UserBarred,
    UserGranted,
)
from remit.journal.facts_of_access import RoleGrant
from remit.policy.book import book_of
from remit.policy.redact import Redactor
from remit.ports import Clock, Dice, Store
from remit.projections.access import Dated, KeyState, UserState, key_of, user_of
from remit.runtime.books import Books, Entry, Page
from remit.runtime.cleaning import storable
from remit.values.account import OPERATOR
from remit.values.clean import Clean
from remit.values.ids import ENTROPY_BYTES, check_name, make_id
from remit.values.role import ROLES, Role

T = TypeVar("T")
PREFIX = "rmk_"
"""Every key begins with it, so that scanners find one that was left somewhere."""
MAX_KEY_MS = 366 * 86_400_000
"""A year: what is renewed by hand once a year is known to somebody."""
_SECRET_BYTES = 32
_DAY_MS = 86_400_000
_TOKEN = re.compile(
    rf"{PREFIX}(?P<tenant>[A-Za-z0-9._~+-]{{1,128}})_(?P<key>[0-9A-Z]{{26}})_(?P<secret>[0-9a-f]{{64}})",
    re.ASCII,
)
# A tenant in a token: `@` is no character of a bearer token (RFC 6750), and `*` neither.
_EVERYBODY, _AT = "~", "~"
_PAGE = 1_000
_MOST = 100_000  # keys or users that are looked through
_HASHERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="remit-password")
_LAST = "\x7f"  # sorts behind every character of an id


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new key. The token is shown once: only the hash of its secret is kept."""

    tenant: str
    token: str
    state: KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Issues and revokes keys, admits and bars users. `principal` is always authenticated."""

    store: Store
    books: Books
    clock: Clock
    dice: Dice
    redactor: Callable[[str], Redactor]

    # ------------------------------------------------------------ keys

    async def issue_key(
        self,
        tenant: str,
        name: str,
        *,
        roles: Sequence[Role],
        principal: str,
        person: str = "",
        until_ms: int | None = None,
    ) -> Issued:
        """A new key of a tenant (`*`: of all). Raises `UsageError` for what it cannot be.

        Only a key that names a person may approve: two keys of one human are one human.
        """
        if tenant != OPERATOR:
            check_name("tenant", tenant)
        check_name("key", name)
        given = _roles(roles)
        if person:
            check_name("person", person)
        elif "approver" in given:
            raise UsageError(f"key {name}: who approves is a human; say which, as --person ann")
        now_ms = self.clock.now_ms()
        if until_ms is not None and not now_ms < until_ms <= now_ms + MAX_KEY_MS:
            raise UsageError(f"key {name}: it ends in the future, and within a year")
        key = make_id("k", now_ms, self.dice.entropy(ENTROPY_BYTES)).removeprefix("k_")
        secret = self.dice.entropy(_SECRET_BYTES).hex()
        fact = KeyIssued(
            key=key,
            name=name,
            digest=_digest(secret),
            roles=given,
            person=person,
            until_ms=until_ms,
            principal=principal,
        )
        await self._enter(tenant, f"key:{key}", fact)
        state = await self.key(tenant, key)
        if state is None:
            raise NotFound(f"the key {key} was not entered")
        return Issued(tenant=tenant, token=_token(tenant, key, secret), state=state)

    async def revoke_key(self, tenant: str, key: str, *, principal: str, reason: str = "") -> None:
        """End a key. Raises `NotFound` for one that there is not, or not any more."""
        known = await self.key(tenant, key)
        if known is None or known.revoked_ms is not None:
            raise NotFound(f"there is no key {key!r} of tenant {tenant}")
        fact = KeyRevoked(key=key, principal=principal, reason=self._clean(tenant, reason))
        await self._enter(tenant, f"key:{key}", fact)

    async def key(self, tenant: str, key: str) -> KeyState | None:
        """A key by its id."""
        return key_of(_dated(await self.books.read(tenant, f"key:{key}")))

    async def keys(self, tenant: str) -> list[KeyState]:
        """The keys of a tenant, the newest first; revoked ones too."""
        found = [key_of(pages) async for pages in self._books(tenant, "key:")]
        return [each for each in found if each is not None]

    async def show_key(self, token: str) -> tuple[str, KeyState] | None:
        """The tenant and the key of a token; None unless its secret is the key's.

        Whether the key still opens anything is told by `KeyState.opens`.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        tenant = _named_tenant(parts["tenant"])
        known = await self.key(tenant, parts["key"])
        # Compared also where there is none, so that the time tells nothing.
        digest = "" if known is None else known.digest
        same = hmac.compare_digest(_digest(parts["secret"]), digest)
        return (tenant, known) if known is not None and same else None

    async def note_use(self, tenant: str, key: str) -> None:
        """Remember that a key was shown today; told once a day."""

        def decide(pages: Sequence[Page], now_ms: int) -> Entry:
            known = key_of(_dated(pages))
            today = now_ms // _DAY_MS * _DAY_MS
            told = known is None or (known.used_ms is not None and known.used_ms >= today)
            return Entry() if told else Entry(events=(KeyUsed(key=key),))

        await self.books.enter(tenant, f"key:{key}", decide)

    # ------------------------------------------------------------ users

    async def grant(
        self, user: str, tenant: str, roles: Sequence[Role], *, principal: str
    ) -> UserState:
        """Let a user have these roles in a tenant (`*`: in all), in place of any before there.

        Without roles they have none there any more. A user whom nobody knew is admitted.
        """
        check_name("user", user)
        if tenant != OPERATOR:
            check_name("tenant", tenant)
        wanted = _roles(roles) if roles else ()

        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            known = user_of(_dated(pages))
            grants = {**({} if known is None else known.grants), tenant: wanted}
            made = tuple(
                RoleGrant(tenant=each, roles=given)
                for each, given in sorted(grants.items())
                if given
            )
            return Entry(events=(UserGranted(user=user, grants=made, principal=principal),))

        await self.books.enter(OPERATOR, f"login:{user}", decide)
        return await self._must(user)

    async def set_password(self, user: str, password: str, *, principal: str) -> None:
        """Give a user another password; their sign-ins before are over. Raises `UsageError`."""
        await self._must(user)
        self.check_new_password(user, password)
        hashing = cast("Callable[[str], str]", _passwords("hash_password"))
        hashed = await in_hasher(lambda: hashing(password))
        await self._enter(
            OPERATOR, f"login:{user}", PasswordSet(user=user, hash=hashed, principal=principal)
        )

    def check_new_password(self, user: str, password: str) -> None:
        """Raise `UsageError` for a password that is easily guessed."""
        problem = cast("Callable[[str, str], str]", _passwords("problem_of_password"))
        wrong = problem(user, password)
        if wrong:
            raise UsageError(wrong)

    async def bar(self, user: str, *, barred: bool, principal: str, reason: str = "") -> None:
        """Let a user not sign in any more, or again. Raises `NotFound`."""
        known = await self._must(user)
        if known.barred == barred:
            raise NotAllowed(f"{user} is {'off' if barred else 'on'} already")
        text = self._clean(OPERATOR, reason)
        fact = UserBarred(user=user, barred=barred, principal=principal, reason=text)
        await self._enter(OPERATOR, f"login:{user}", fact)

    async def user(self, user: str) -> UserState | None:
        """A user by name."""
        return user_of(_dated(await self.books.read(OPERATOR, f"login:{user}")))

    async def users(self) -> list[UserState]:
        """All users, barred ones too."""
        found = [user_of(pages) async for pages in self._books(OPERATOR, "login:")]
        return sorted((each for each in found if each is not None), key=lambda each: each.user)

    async def _must(self, user: str) -> UserState:
        known = await self.user(user)
        if known is None:
            raise NotFound(f"there is no user {user!r}; `remit user add {user}` makes one")
        return known

    # ------------------------------------------------------------ the books

    async def anybody(self) -> bool:
        """Somebody but who started the server could sign in: a user with a password, or a key."""
        now_ms = self.clock.now_ms()
        if any(each.hash and not each.barred for each in await self.users()):
            return True
        async for pages in self._books(None, "key:"):
            key = key_of(pages)
            if key is not None and key.opens(now_ms):
                return True
        return False

    async def _books(self, tenant: str | None, scope: str) -> AsyncIterator[list[Dated]]:
        """What stands in the books of one scope, the last by name first."""
        prefix = book_of(scope)
        before = prefix + _LAST
        for _ in range(_MOST // _PAGE):
            rows = await self.store.runs(tenant, books=True, before=before, limit=_PAGE)
            for row in rows:
                if not row.run.startswith(prefix):
                    return
                holder = scope + row.run.removeprefix(prefix)
                yield _dated(await self.books.read(row.tenant, holder))
            if len(rows) < _PAGE:
                return
            before = rows[-1].run

    async def _enter(self, tenant: str, holder: str, fact: Event) -> None:
        def decide(_pages: Sequence[Page], _now_ms: int) -> Entry:
            return Entry(events=(fact,))

        await self.books.enter(tenant, holder, decide)

    def _clean(self, tenant: str, text: str) -> Clean:
        return Clean.vouch(self.redactor(tenant).clean(storable(text)).text)


async def in_hasher(work: Callable[[], T]) -> T:
    """Do what takes 64 MiB and a processor in one of two threads, so that it is no attack."""
    return await asyncio.get_running_loop().run_in_executor(_HASHERS, work)


def _dated(pages: Sequence[Page]) -> list[Dated]:
    return [(page.time_ms, page.event) for page in pages]


def _roles(roles: Sequence[Role]) -> tuple[Role, ...]:
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise UsageError(f"roles {', '.join(roles) or 'none'}: say some of {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in roles)


def _passwords(name: str) -> object:
    return named("remit.adapters.passwords", name, "server")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(tenant: str, key: str, secret: str) -> str:
    shown = _EVERYBODY if tenant == OPERATOR else tenant.replace("@", _AT)
    return f"{PREFIX}{shown}_{key}_{secret}"


def _named_tenant(shown: str) -> str:
    return OPERATOR if shown == _EVERYBODY else shown.replace(_AT, "@")
