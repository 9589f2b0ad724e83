"""Each channel is told over real HTTP, once for each request; answers come back by their way."""

import asyncio
import time
from pathlib import Path

import pytest

from remit import Remit
from remit.errors import ConfigError
from remit.journal.events import ApprovalGiven, NoticeFailed
from remit.policy.hours import Hours
from remit.policy.roster import Person
from remit.values.notice import Notice
from tests.app.asking_people import (
    PAY,
    PEOPLE,
    SIGNING,
    done,
    finished,
    fresh,
    opened,
    pay_bill,
    payer,
    receiver,
    settings,
    webhook,
)
from tests.app.channel_fakes import Receiver, verified
from tests.runtime.stage import PATIENCE_S, an_agent, secret, told, until

__all__ = ["fresh", "receiver"]
pytestmark = [pytest.mark.requirement("APR-2"), pytest.mark.usefixtures("fresh")]
# ---------------------------------------------------------------- webhook


async def test_a_webhook_is_signed_and_each_person_has_links_of_their_own(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings(tmp_path, webhook(receiver, 'roles = ["finance"]'))
    agent = payer(1, "role:finance")
    async with opened(tmp_path, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        await until(lambda: len(receiver.got) == 2)
        ids = {verified(got, SIGNING, int(time.time())) for got in receiver.got}
        assert len(ids) == 2
        told_to = {}
        for got in receiver.got:
            tree = got.tree
            assert tree["type"] == "approval.requested"
            fields = tree["data"]
            assert isinstance(fields, dict)
            assert fields["arguments"] == '{"amount": 7, "note": "for <b>bolts</b>"}'
            assert fields["preview"] == {
                "text": "@ account\n@@ -1 +1 @@\n-left: <b>10</b>\n+left: 3",
                "lines": 4,
                "added": 1,
                "cut": 1,
                "missing": "",
            }
            assert (fields["tool"], fields["user"], fields["needed"]) == ("pay_bill", "ann", 1)
            told_to[fields["person"]] = fields["links"]
        assert sorted(told_to) == ["bob", "zoe"]
        token = told_to["bob"]["approve"].partition("token=")[2]
        assert done == []
        await app.answers.say(token, channel="link")
        assert (await finished(app, run)).output == "done"
        (given,) = await told(app, run.id, ApprovalGiven)
        assert (given.principal, given.channel, given.roles) == ("bob", "link", ("finance",))
        assert done == [7]


async def test_who_may_not_agree_is_not_told(tmp_path: Path, receiver: Receiver) -> None:
    settings(tmp_path, webhook(receiver, 'people = ["bob", "eve"]'))
    agent = payer(2, "role:finance", "role:sales")
    async with opened(tmp_path, agent) as app:
        await app.run(agent, "Pay", user="eve")
        await until(lambda: len(receiver.got) == 1)
        await app.channels.flush()
        (got,) = receiver.got
        assert got.tree["data"]["person"] == "bob"  # type: ignore[index]  # a tree of JSON


async def test_a_receiver_that_fails_is_told_again_under_the_same_id(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.statuses = [500, 429, 503]
    settings(tmp_path, webhook(receiver))
    agent = payer()
    async with opened(tmp_path, agent) as app:
        await app.run(agent, "Pay")
        await until(lambda: len(receiver.got) == 4)
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        await app.channels.flush()
        assert len(receiver.got) == 4


@pytest.mark.parametrize(("statuses", "attempts"), [([404], 1), ([302], 1), ([500] * 6, 6)])
async def test_what_cannot_be_told_is_entered_in_the_channels_book(
    tmp_path: Path, receiver: Receiver, statuses: list[int], attempts: int
) -> None:
    receiver.statuses = list(statuses)
    settings(tmp_path, webhook(receiver))
    agent = payer()
    async with opened(tmp_path, agent) as app:
        run = await app.run(agent, "Pay")

        async def failures() -> list[NoticeFailed]:
            pages = await app.books.read("local", "channel:hook")
            return [page.event for page in pages if isinstance(page.event, NoticeFailed)]

        async with asyncio.timeout(PATIENCE_S):
            while not await failures():
                await asyncio.sleep(0.01)
        (failed,) = await failures()
        assert (failed.ref, failed.attempts) == (run.approvals[0].id, attempts)
        assert failed.error == f"127.0.0.1 answered {statuses[0]}"
        assert len(receiver.got) == attempts, "a redirect is not followed"


async def test_what_was_answered_meanwhile_is_not_told_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings(tmp_path, webhook(receiver))
    agent = payer()
    receiver.gate = asyncio.Event()
    receiver.statuses = [500] * 6
    async with opened(tmp_path, agent) as app:
        run = await app.run(agent, "Pay")
        await until(lambda: len(receiver.got) == 1)
        await app.approve(run.approvals[0].id, principal="bob")
        await finished(app, run)
        receiver.gate.set()
        await app.channels.flush()
        assert len(receiver.got) == 1
        assert await app.books.read("local", "channel:hook") == ()


@pytest.mark.requirement("SEC-1")
async def test_no_secret_leaves_in_a_notice(tmp_path: Path, receiver: Receiver) -> None:
    hidden = secret()
    settings(tmp_path, webhook(receiver))
    agent = payer()
    script = ({"pay_bill": {"amount": 7, "note": f"use {hidden}"}}, "done")
    async with opened(tmp_path, agent, *script) as app:
        await app.run(agent, "Pay")
        await until(lambda: len(receiver.got) == 1)
    assert hidden.encode() not in receiver.got[0].body
    assert b"use " in receiver.got[0].body


async def test_long_arguments_are_cut_and_said_to_be(tmp_path: Path, receiver: Receiver) -> None:
    settings(tmp_path, webhook(receiver))
    agent = payer()
    script = ({"pay_bill": {"amount": 7, "note": "x" * 50_000}}, "done")
    async with opened(tmp_path, agent, *script) as app:
        await app.run(agent, "Pay")
        await until(lambda: len(receiver.got) == 1)
    assert len(receiver.got[0].body) < 4_000
    assert "more characters" in receiver.got[0].body.decode()


# ---------------------------------------------------------------- crashes and several processes


@pytest.mark.requirement("APR-1", "DUR-1")
async def test_a_process_that_ends_before_it_told_is_followed_up(
    tmp_path: Path, receiver: Receiver
) -> None:
    agent = payer()
    async with opened(tmp_path, agent) as app:
        run = await app.run(agent, "Pay")
    settings(tmp_path, webhook(receiver))
    async with opened(tmp_path, agent) as app:
        await until(lambda: len(receiver.got) == 1)
        assert receiver.got[0].tree["data"]["id"] == run.approvals[0].id  # type: ignore[index]  # JSON
        await app.approve(run.approvals[0].id, principal="bob")
        assert (await finished(app, run)).status == "completed"
        assert done == [7]
    async with opened(tmp_path, agent) as app:
        await app.channels.flush()
    assert len(receiver.got) == 1


async def test_of_several_processes_one_delivers(tmp_path: Path, receiver: Receiver) -> None:
    settings(tmp_path, webhook(receiver))
    agent = payer()
    async with opened(tmp_path, agent, *PAY * 5) as one, opened(tmp_path, agent) as two:
        for _ in range(5):
            await one.run(agent, "Pay")
        await until(lambda: len(receiver.got) >= 5)
        for _ in range(20):
            await asyncio.gather(*(lane.turn() for lane in two.channels.lanes))
            await asyncio.sleep(0.01)
    assert len(receiver.got) == 5


# ---------------------------------------------------------------- callable


async def test_a_function_is_called_and_may_answer(tmp_path: Path) -> None:
    agent = payer()
    seen: list[Notice] = []

    async def ask(notice: Notice) -> None:
        seen.append(notice)
        if len(seen) == 1:
            raise RuntimeError("not yet")
        await app.approve(notice.ref, principal="bob", tenant=notice.tenant)

    async with opened(tmp_path, agent, on_approval=ask) as app:
        run = await app.run(agent, "Pay")
        assert (await finished(app, run)).status == "completed"
    assert [each.ref for each in seen] == [run.approvals[0].id] * 2
    assert done == [7]


@pytest.mark.requirement("PERM-8")
async def test_nobody_to_ask_and_nobody_asked_means_no(tmp_path: Path) -> None:
    agent = an_agent(
        "payer",
        tools=[pay_bill],
        remit=Remit(approvals={pay_bill: 1}, approval_timeout="50ms"),
    )
    async with opened(tmp_path, agent) as app:
        run = await app.run(agent, "Pay")
        assert (await finished(app, run)).status == "completed"
    assert done == []


# ---------------------------------------------------------------- quiet hours, delegation


async def test_in_quiet_hours_only_what_would_expire_is_told(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings(tmp_path, webhook(receiver, 'people = ["bob", "zoe"]'))
    quiet = {**PEOPLE, "bob": Person(quiet=(Hours(),))}
    agent = payer(1, "bob", "zoe")
    async with opened(tmp_path, agent, people=quiet) as app:
        await app.run(agent, "Pay")
        await app.channels.flush()
        told_to = {got.tree["data"]["person"] for got in receiver.got}  # type: ignore[index]  # JSON
        # Three days until it is refused, and quiet all week: waiting would be a no unasked.
        assert told_to == {"bob", "zoe"}
        assert len(receiver.got) == 2
    short = Person(quiet=(Hours(),))
    settings(tmp_path, webhook(receiver, 'people = ["bob"]'))
    late = an_agent(
        "payer",
        tools=[pay_bill],
        remit=Remit(approvals={pay_bill: 1}, approval_timeout="30d"),
    )
    async with opened(tmp_path, late, people={"bob": short}) as app:
        await app.run(late, "Pay")
        await app.channels.flush()
        assert len(receiver.got) == 2


async def test_a_delegate_is_told_and_agrees_for_who_is_away(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings(tmp_path, webhook(receiver, 'people = ["bob"]'))
    agent = payer(1, "role:finance")
    async with opened(tmp_path, agent) as app:
        until_ms = int(time.time() * 1000) + 3_600_000
        speakers = app.channels.speakers
        await speakers.delegate("local", "bob", to="carl", until_ms=until_ms, principal="bob")
        run = await app.run(agent, "Pay", user="ann")
        await until(lambda: len(receiver.got) == 2)
        assert [got.tree["data"]["person"] for got in receiver.got] == ["bob", "carl"]  # type: ignore[index]  # JSON
        await app.approve(run.approvals[0].id, principal="carl")
        assert (await finished(app, run)).status == "completed"
        (given,) = await told(app, run.id, ApprovalGiven)
        assert given.principal == "carl"
        assert given.on_behalf is not None
        assert given.on_behalf.person == "bob"


# ---------------------------------------------------------------- declared wrongly


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[channels.x]\nkind = "pager"', "channels.x.kind"),
        ('[channels.x]\nkind = "webhook"\nurl = "https://a.example"', "needs secret_env"),
        ('[channels.x]\nkind = "webhook"\nsecret_env = "HOOK_SECRET"', "say url, or in url_env"),
        (
            '[channels.x]\nkind = "webhook"\nurl = "http://a.example"\nsecret_env = "HOOK_SECRET"',
            "plain http would send",
        ),
        (
            '[channels.x]\nkind = "webhook"\nurl = "https://a.example"\nsecret_env = "NO_SUCH"',
            "there is no secret NO_SUCH",
        ),
        (
            (
                '[channels.x]\nkind = "webhook"\nurl = "https://a.example"\n'
                'secret_env = "HOOK_SECRET"'
                '\npeople = ["nobody"]'
            ),
            "'nobody' is not declared",
        ),
        (
            (
                '[channels.x]\nkind = "webhook"\nurl = "https://a.example"\n'
                'secret_env = "HOOK_SECRET"'
                '\nroles = ["pilots"]'
            ),
            "nobody has the role 'pilots'",
        ),
        ('[people.ann]\nalso = ["bob"]\n', "'bob' is 'ann' already"),
        ('answer_url = "remit"', "answer_url"),
    ],
)
async def test_channels_that_cannot_be_are_refused_before_anything_runs(
    tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "remit.toml").write_text(text)
    with pytest.raises(ConfigError, match=why):
        async with opened(tmp_path, payer()):
            pass
