"""The inbox shows the exact call, and takes the word of the person who is signed in alone."""

import html
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from remit.app.app import App
from remit.app.run import Run
from tests.server.office import HOSTILE, clerk, office
from tests.server.stage import Client, Grants, Served, Told, journal, post, served, signed_in

pytestmark = pytest.mark.requirement("APR-2", "APR-4", "UX-2")
APPROVER: Grants = {"acme": frozenset({"approver"})}
OPERATOR: Grants = {"acme": frozenset({"operator"})}


async def asked(app: App, task: str, user: str = "dora", tenant: str = "acme") -> Run[str]:
    return await app.run(clerk, task, user=user, tenant=tenant)


async def person(found: Served, name: str, grants: Grants = APPROVER) -> Client:
    return await signed_in(found, name, grants)


async def look(client: Client, ref: str = "", **query: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    told = await client.get(f"/approvals?id={quote(ref)}{more}")
    assert told.status == 200
    return told.text


async def say(client: Client, ref: str, verb: str, **fields: str) -> Told:
    return await post(client, f"/approvals/{quote(ref)}/{verb}", **fields)


def digest_in(text: str) -> str:
    found = re.search(r'name="digest" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def test_the_exact_call_and_why_it_asks(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "refund order 17")
        text = html.unescape(await look(await person(found, "bob"), run.approvals[0].id))
        for part in (
            "remit.approvals.refund",
            "high risk",
            "0 of 2",
            "2 different people must",
            "anybody with the role approver in acme",
            "tool:find_order",
            '<del class="mono">12.50</del>',
            '<ins class="mono">9.90</ins>',
            run.approvals[0].digest,
            "payments",
            f"of ${2}.00",
            'data-as="countdown"',
        ):
            assert part in text, part


@pytest.mark.requirement("APR-3")
async def test_two_people_must_agree_and_one_is_not_two(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "refund order 17")
        ref = run.approvals[0].id
        bob, carl = await person(found, "bob"), await person(found, "carl")
        digest = digest_in(await look(bob, ref))
        told = await say(bob, ref, "approve", digest=digest, comment="fine by me")
        assert (told.status, told.headers["location"]) == (303, "/approvals?done=approved")
        text = await look(carl, ref)
        assert "1 of 2: bob" in text
        assert "Approve (2 of 2)" in text
        assert "agreed already" in await look(bob, ref)
        again = await say(bob, ref, "approve", digest=digest)
        assert again.status == 409
        assert "another person must" in again.text
        assert (await say(carl, ref, "approve", digest=digest)).status == 303
        assert (await found.app.wait(run.id, tenant="acme")).status == "completed"
        assert "waits no more" in await look(carl, ref)


async def test_a_refusal_needs_its_reason(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "file it")
        ref, bob = run.approvals[0].id, await person(found, "bob")
        told = await say(bob, ref, "deny", comment="  ")
        assert told.status == 422
        assert "Say why" in told.text
        assert 'aria-invalid="true"' in told.text
        assert (await say(bob, ref, "deny", comment="not this file")).status == 303
        state = await found.app.wait(run.id, tenant="acme")
        assert state.approvals == ()


async def test_a_call_is_changed_field_by_field(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "refund order 17")
        ref, bob = run.approvals[0].id, await person(found, "bob")
        text = await look(bob, ref, edit="true")
        for part in ('name="arg.amount"', 'value="9.90"', 'name="arg.reason"', "in dollars"):
            assert part in text, part
        fields = {"digest": digest_in(text), "arg.order_id": "x", "arg.amount": "5.00",
                  "arg.reason": '"late"'}  # fmt: skip
        told = await say(bob, ref, "change", **fields)
        assert told.status == 422
        assert "write a number" in html.unescape(told.text)
        assert 'value="5.00"' in told.text, "what was written is still there"
        told = await say(bob, ref, "change", **{**fields, "arg.order_id": "17"})
        assert told.status == 303
        carl = await person(found, "carl")
        text = html.unescape(await look(carl, ref))
        assert '"amount": "5.00"' in text
        assert "1 of 2: bob" in text


async def test_a_word_is_about_the_call_that_was_seen(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "file it")
        ref, bob = run.approvals[0].id, await person(found, "bob")
        assert (await say(bob, ref, "approve")).status == 422
        told = await say(bob, ref, "approve", digest="0" * 64)
        assert told.status == 409
        assert "has changed since" in told.text
        assert len(await found.app.desk.approvals("acme")) == 1


async def test_only_the_right_person_speaks(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path), environment="ci")) as found:
        run = await asked(found.app, "file it", user="dora")
        ref = run.approvals[0].id
        digest = run.approvals[0].digest
        eve = await person(found, "eve", OPERATOR)
        assert "needs the role approver" in await look(eve, ref)
        assert (await say(eve, ref, "approve", digest=digest)).status == 403
        other = await person(found, "otto", {"beta": frozenset({"approver"})})
        assert "write_file" not in await look(other, ref)
        assert (await say(other, ref, "approve", digest=digest)).status == 409
        dora = await person(found, "dora")
        assert "own run" in html.unescape(await look(dora, ref))
        told = await say(dora, ref, "approve", digest=digest)
        assert told.status == 409
        assert "another person must" in told.text
        told = await post(await person(found, "bob"), f"/approvals/{ref}/approve", digest=digest,
                          principal="carl")  # fmt: skip
        assert told.status == 422, "nobody says who they are"
        assert len(await found.app.desk.approvals("acme")) == 1


@pytest.mark.requirement("APR-5")
async def test_a_question_is_answered_in_its_type(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        gift, colour = await asked(found.app, "gift it"), await asked(found.app, "colour it")
        ann = await person(found, "ann", OPERATOR)
        ref = gift.questions[0].id
        assert "How many sheets of paper?" in await look(ann, ref)
        told = await post(ann, f"/questions/{quote(ref)}/answer", **{"arg.whole": "three"})
        assert told.status == 422
        assert "write a number" in told.text
        told = await post(ann, f"/questions/{quote(ref)}/answer", **{"arg.whole": "3"})
        assert told.headers["location"] == "/approvals?done=answered"
        assert (await found.app.wait(gift.id, tenant="acme")).status == "completed"
        ref = colour.questions[0].id
        assert '<option value="&#34;red&#34;">red</option>' in await look(ann, ref)
        told = await post(ann, f"/questions/{quote(ref)}/answer", **{"arg.whole": '"blue"'})
        assert told.status == 422
        bob = await person(found, "bob")
        assert "needs the role operator" in await look(bob, ref)
        told = await post(bob, f"/questions/{quote(ref)}/answer", **{"arg.whole": '"red"'})
        assert told.status == 403


async def test_a_program_answers_nothing(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "gift it")
        issued = await found.app.access.issue_key(
            "acme", "ci", roles=["operator"], principal="root"
        )
        program = found.client(authorization=f"Bearer {issued.token}", accept="text/html")
        path = f"/questions/{quote(run.questions[0].id)}/answer"
        told = await post(program, path, **{"arg.whole": "3"})
        assert told.status == 403
        assert "is a program" in told.text
        assert len(await found.app.desk.questions("acme")) == 1


async def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await found.app.run(clerk, "hostile", user="eve", tenant="acme")
        text = await look(await person(found, "bob"), run.approvals[0].id)
        assert HOSTILE not in text
        assert html.escape(HOSTILE).replace("&#x27;", "&#39;") in text
        assert "\\u202e" in text
        assert "\u202e" not in text


async def test_an_empty_inbox_says_what_to_do(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        text = await look(await person(found, "bob"))
        assert "Nothing waits for you" in text
        assert "Remit(approvals=…)" in text


async def test_who_sees_all_tenants_answers_in_each(tmp_path: Path) -> None:
    async with served(office(journal(tmp_path))) as found:
        run = await asked(found.app, "file it")
        boss = await found.browser()
        boss.headers["accept"] = "text/html"
        text = await look(boss, run.approvals[0].id)
        assert 'name="every" value="true"' in text
        assert f"/approvals/{run.approvals[0].id}/approve?tenant=acme" in html.unescape(text)
        told = await post(
            boss,
            f"/approvals/{quote(run.approvals[0].id)}/approve?tenant=acme",
            digest=digest_in(text),
            every="true",
        )
        assert told.headers["location"] == "/approvals?tenant=%2A&done=approved"
        assert (await found.app.wait(run.id, tenant="acme")).status == "completed"
