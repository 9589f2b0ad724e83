"""Who speaks when a principal says something: the person, their roles, and for whom else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remit.errors import NotAllowed
from remit.journal.events import ApprovalsDelegated
from remit.journal.facts_of_humans import OnBehalf
from remit.policy.approvers import ROLE, is_among, same_person
from remit.policy.redact import Redactor
from remit.policy.roster import Roster
from remit.ports import Clock
from remit.runtime.books import Books, Entry, Page
from remit.runtime.cleaning import storable

_MAX_NAME = 128
MAX_DELEGATION_MS = 90 * 24 * 3_600_000
"""Longer than a holiday; who is away for good is taken out of the list of approvers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who speaks, with which roles, and for whom where they may not speak for themselves."""

    person: str
    roles: tuple[str, ...] = ()
    on_behalf: OnBehalf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speakers:
    """Tells who is who, and keeps who speaks for whom in the books of people."""

    roster: Roster
    books: Books
    clock: Clock
    redactor: Callable[[str], Redactor]

    async def speaker(self, tenant: str, approvers: Sequence[str], principal: str) -> Speaker:
        """The person behind a principal who was authenticated, as a call's approvers see them.

        They speak for another only where they are no approver themselves. The run judges it again.
        """
        person = self._named(principal)
        roles = self.roster.roles_of(person)
        if is_among(approvers, person, roles):
            return Speaker(person=person, roles=roles)
        for other in self.roster.meant(approvers):
            known = await self.delegation(tenant, other)
            if known is not None and known.to == person:
                behalf = OnBehalf(
                    person=other, roles=self.roster.roles_of(other), until_ms=known.until_ms
                )
                return Speaker(person=person, roles=roles, on_behalf=behalf)
        return Speaker(person=person, roles=roles)

    def _named(self, principal: str) -> str:
        """The person; a principal that reads as a role is nobody."""
        person = self.roster.person_of(principal)
        if person.startswith(ROLE) or not person.strip():
            raise NotAllowed(f"{principal!r} is no person")
        return person

    async def delegation(self, tenant: str, person: str) -> ApprovalsDelegated | None:
        """Whom a person lets speak for them now; None where nobody."""
        known = _last(await self.books.read(tenant, f"person:{person}"))
        if known is None or not known.to or self.clock.now_ms() >= known.until_ms:
            return None
        return known

    async def delegate(
        self,
        tenant: str,
        person: str,
        *,
        to: str,
        until_ms: int,
        principal: str,
        reason: str = "",
    ) -> ApprovalsDelegated:
        """Let another agree for a person until an instant; empty `to`: nobody any more.

        Only the person may say so, and what was delegated to them is not theirs to pass on. Raises
        `NotAllowed`.
        """
        speaks = self._named(principal)
        if speaks != person:
            raise NotAllowed(
                f"{speaks} may not delegate what {person} may approve; {person} may, or change the "
                "list of approvers"
            )
        now_ms = self.clock.now_ms()
        other = self._named(to) if to else ""
        if other and same_person(other, person):
            raise NotAllowed(f"{person} speaks for {person} already")
        if max(len(person), len(other)) > _MAX_NAME:
            raise NotAllowed(f"a name has at most {_MAX_NAME} characters")
        if other and not now_ms < until_ms <= now_ms + MAX_DELEGATION_MS:
            raise NotAllowed("a delegation ends in the future, and within 90 days")
        clean = self.redactor(tenant).clean(storable(reason)).text
        fact = ApprovalsDelegated(
            person=person,
            to=other,
            until_ms=until_ms if other else now_ms,
            principal=speaks,
            reason=clean,
        )

        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            known = _last(pages)
            same = known is not None and (known.to, known.until_ms) == (fact.to, fact.until_ms)
            nothing = not fact.to and (known is None or not known.to)
            return Entry(events=() if same or nothing else (fact,))

        await self.books.enter(tenant, f"person:{person}", decide)
        return fact


def _last(pages: Sequence[Page]) -> ApprovalsDelegated | None:
    """The newest word counts: there is one delegate at a time."""
    found = [page.event for page in pages if isinstance(page.event, ApprovalsDelegated)]
    return found[-1] if found else None
