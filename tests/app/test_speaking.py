"""Who speaks, and for whom: looked up where the word is handed in, never taken from the word."""

from dataclasses import replace

import pytest

from remit import App
from remit.app.speaking import MAX_DELEGATION_MS, Speakers
from remit.errors import NotAllowed
from remit.journal.events import ApprovalsDelegated
from remit.policy.roster import Person, Roster
from tests.runtime.stage import an_agent, opened

pytestmark = pytest.mark.requirement("APR-4", "PERM-7")
AGENT = an_agent()
PEOPLE = {
    "ann": Person(roles=("finance",), also=("local:ann",)),
    "bob": Person(roles=("sales",)),
    "carl": Person(),
}
HOUR = 3_600_000


def speakers_of(app: App) -> Speakers:
    return replace(app.channels.speakers, roster=Roster(PEOPLE))


async def test_a_principal_becomes_a_person_with_roles() -> None:
    async with opened("memory:", [AGENT]) as app:
        who = await speakers_of(app).speaker("local", ["role:finance"], "local:ann")
        assert (who.person, who.roles, who.on_behalf) == ("ann", ("finance",), None)
        other = await speakers_of(app).speaker("local", ["role:finance"], "eve")
        assert (other.person, other.roles, other.on_behalf) == ("eve", (), None)
        for nobody in ("role:finance", "", " "):
            with pytest.raises(NotAllowed, match="is no person"):
                await speakers_of(app).speaker("local", [], nobody)


async def test_a_delegate_speaks_for_another_until_an_instant_in_one_tenant() -> None:
    async with opened("memory:", [AGENT]) as app:
        speakers = speakers_of(app)
        end = speakers.clock.now_ms() + HOUR
        await speakers.delegate("acme", "ann", to="bob", until_ms=end, principal="local:ann")
        who = await speakers.speaker("acme", ["role:finance"], "bob")
        assert who.on_behalf is not None
        assert (who.on_behalf.person, who.on_behalf.until_ms) == ("ann", end)
        assert who.on_behalf.roles == ("finance",)
        assert (await speakers.speaker("local", ["role:finance"], "bob")).on_behalf is None
        assert (await speakers.speaker("acme", ["role:sales"], "bob")).on_behalf is None
        again = await speakers.delegate("acme", "ann", to="bob", until_ms=end, principal="ann")
        assert again.to == "bob"
        assert len(await app.books.read("acme", "person:ann")) == 1
        await speakers.delegate("acme", "ann", to="", until_ms=0, principal="ann")
        assert (await speakers.speaker("acme", ["role:finance"], "bob")).on_behalf is None
        events = [page.event for page in await app.books.read("acme", "person:ann")]
        assert [event.to for event in events if isinstance(event, ApprovalsDelegated)] == [
            "bob",
            "",
        ]


async def test_what_was_delegated_is_not_passed_on() -> None:
    async with opened("memory:", [AGENT]) as app:
        speakers = speakers_of(app)
        end = speakers.clock.now_ms() + HOUR
        await speakers.delegate("acme", "ann", to="bob", until_ms=end, principal="ann")
        await speakers.delegate("acme", "bob", to="carl", until_ms=end, principal="bob")
        assert (await speakers.speaker("acme", ["ann"], "carl")).on_behalf is None
        direct = await speakers.speaker("acme", ["bob"], "carl")
        assert direct.on_behalf is not None


async def test_nobody_delegates_for_another_too_long_or_to_themselves() -> None:
    async with opened("memory:", [AGENT]) as app:
        speakers = speakers_of(app)
        now = speakers.clock.now_ms()
        for who, to, end, why in (
            ("bob", "carl", now + HOUR, "bob may not delegate what ann may approve"),
            ("ann", "ann", now + HOUR, "speaks for ann already"),
            ("ann", "bob", now - 1, "ends in the future"),
            ("ann", "bob", now + MAX_DELEGATION_MS + HOUR, "within 90 days"),
            ("ann", "role:finance", now + HOUR, "is no person"),
            ("ann", "x" * 129, now + HOUR, "at most 128"),
        ):
            with pytest.raises(NotAllowed, match=why):
                await speakers.delegate("acme", "ann", to=to, until_ms=end, principal=who)
        assert await app.books.read("acme", "person:ann") == ()
