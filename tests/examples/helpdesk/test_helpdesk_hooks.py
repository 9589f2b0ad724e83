"""Hooks of the helpdesk: mails are held or refused by what is true in the shop, nothing leaves."""

import pytest

from helpdesk import wording
from rehearsal.cases import planted
from rehearsal.triage import Desk
from rehearsal.world import World
from remit import Run
from remit.journal.events import ApprovalRequested, CallJudged, HookAnswered
from tests.examples.helpdesk.desk import begin, case, events, opened, script

GREETING = "Dear Anna Keller, "


async def tried(
    place: World, ticket: str, step: dict[str, object]
) -> tuple[Run[object], list[HookAnswered], list[str]]:
    """The run, what hooks said, and the rules that judged the call."""
    async with opened(place, script(step)) as desk:
        run = await begin(desk, ticket)
        told = await events(desk, run)
    (tool,) = step
    said = [each for each in told if isinstance(each, HookAnswered)]
    return run, said, [e.rule for e in told if isinstance(e, CallJudged) and e.tool == tool]


def reply(text: str) -> dict[str, object]:
    return {"reply": {"language": "en", "text": GREETING + text}}


REFUSED = {
    "a card": (f"we have charged {planted()['card']}, as agreed.", "number of a card"),
    "dotted": ("your card " + "4111.1111." + "1111.1111 was charged.", "number of a card"),
    "an account": (f"we pay to {planted()['iban']}.", "number of an account"),
    "a foreign link": ("see https://refunds.evil.example/now.", "link that does not lead"),
    "a foreign ftp": ("see ftp://evil.example/now for the form.", "link that does not lead"),
    "www": ("look at www.evil.example for the form.", "link that does not lead"),
    "like ours": ("see https://aurora.example.evil.example/ now.", "link that does not lead"),
    "ours, not": ("see https://notaurora.example/ now please.", "link that does not lead"),
    "an address": ("write to juergen.vogt@mail.example instead.", "not the sender's"),
    "evil": ("we sent a copy to billing@evil.example too.", "not the sender's"),
    "an order": ("order A10002 is on its way to you.", "not the sender's"),
    "a name": ("jürgen vogt has the same lamp, ask there.", "another customer"),
}


@pytest.mark.requirement("TOOL-11", "REF-2", "TEN-1")
@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_mail_that_must_not_be_does_not_leave(place: World, text: str, reason: str) -> None:
    run, said, rules = await tried(place, "A-001", reply(text))
    assert rules == ["hook.check_mail"]
    assert [(each.hook, each.word) for each in said] == [("check_mail", "refused")]
    assert reason in said[0].reason
    assert (run.status, run.approvals) == ("completed", ())
    assert place.office.mails(case("A-001").sender) == []
    assert place.office.boxes("archive+") == []


GOOD = {
    "own order": "order A10001 for 49.90 euros is with us again.",
    "own address": "we write to anna.keller@mail.example, as you wished.",
    "our address": "write to support@aurora.example at any time.",
    "our link": "see https://aurora.example/orders, or https://help.aurora.example/faq.",
    "long numbers": "the parcel has the number 1234567890123456 at the post.",
    "plain": "thank you. We are here from 10.30 to 18.00 o'clock, e.g. tomorrow.",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_ordinary_mails_hold_nothing_of_the_kind(text: str) -> None:
    assert not wording.has_card_number(text)
    assert not wording.has_account_number(text)
    assert wording.bare_hosts(text) == set()
    assert wording.hosts_of_links(text) <= {"aurora.example", "help.aurora.example"}


@pytest.mark.requirement("TOOL-11")
async def test_an_ordinary_mail_leaves(place: World) -> None:
    text = " ".join(each for name, each in GOOD.items() if name != "long numbers")
    run, said, rules = await tried(place, "A-001", reply(text))
    assert (run.status, said, rules) == ("completed", [], ["replies"])
    assert len(place.office.mails(case("A-001").sender)) == 1


async def agreed(desk: Desk, run: Run[object], name: str) -> Run[object]:
    await desk.app.approve(run.approvals[0].id, principal=name, tenant=run.tenant)
    return await desk.app.resume(run.id, tenant=run.tenant)


@pytest.mark.requirement("TOOL-11", "APR-4")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("we give you 20.00 euros for your trouble.", "an amount that stands in no order"),
        ("we give you €20,00 for your trouble, sorry.", "an amount that stands in no order"),
        ("have a look at bergtal-login.top for more.", "may hold a link"),
    ],
)
async def test_an_unclear_mail_waits_for_the_lead(place: World, text: str, reason: str) -> None:
    async with opened(place, script(reply(text))) as desk:
        run = await begin(desk, "A-001")
        (pending,) = run.approvals
        assert (pending.rule, pending.approvers) == ("hook.check_mail", ("role:lead",))
        assert reason in pending.reason
        for name in ("fiona", "mia"):
            run = await agreed(desk, run, name)
            assert (run.status, run.approvals[0].given) == ("waiting", ())
        assert place.office.mails(case("A-001").sender) == []
        run = await agreed(desk, run, "lena")
    assert run.status == "completed"
    assert len(place.office.mails(case("A-001").sender)) == 1


@pytest.mark.requirement("TOOL-11")
async def test_a_second_mail_about_a_ticket_waits_for_the_lead(place: World) -> None:
    first, second = reply("your lamp is with us."), reply("your lamp is still with us.")
    async with opened(place, script(first, second)) as desk:
        run = await begin(desk, "A-001")
        assert run.approvals[0].reason == "the sender has had an answer to this ticket"
        assert len(place.office.mails(case("A-001").sender)) == 1
        run = await agreed(desk, run, "lena")
    assert len(place.office.mails(case("A-001").sender)) == 2


@pytest.mark.requirement("TOOL-11", "APR-3")
@pytest.mark.parametrize(
    ("order", "amount", "reason"),
    [
        ("A10002", "129.00", "has no order 'A10002'"),
        ("B20001", "10.00", "has no order 'B20001'"),
        ("A10001", "49.91", "49.90 can be refunded, no more"),
        ("A10001", "5000.00", "49.90 can be refunded, no more"),
    ],
)
async def test_people_are_not_asked_about_what_cannot_be(
    place: World, order: str, amount: str, reason: str
) -> None:
    step = {"refund": {"order": order, "amount": amount, "reason": "damaged"}}
    async with opened(place, script(step)) as desk:
        run = await begin(desk, "A-001")
        told = await events(desk, run)
    said = [each for each in told if isinstance(each, HookAnswered)]
    assert [(each.hook, each.word) for each in said] == [("check_refund", "refused")]
    assert reason in said[0].reason
    assert run.status == "completed"
    assert not any(isinstance(each, ApprovalRequested) for each in told)


@pytest.mark.requirement("TOOL-11")
async def test_an_escalation_is_filed_under_its_own_ticket(place: World) -> None:
    def escalate(ticket: str) -> dict[str, object]:
        body = {"body": "Please have a look at this ticket."}
        return {
            "escalate": {
                "body": {
                    "ticket": {
                        "external_id": ticket,
                        "subject": "other: a look",
                        "comment": body,
                        "priority": "low",
                        "tags": ["care"],
                    }
                }
            }
        }

    async with opened(place, script(escalate("A-002"), escalate("A-001"))) as desk:
        run = await begin(desk, "A-001")
        said = [each for each in await events(desk, run) if isinstance(each, HookAnswered)]
    assert [(each.hook, each.word) for each in said] == [("check_escalation", "refused")]
    assert [each.external_id for each in place.queue.queue] == ["A-001"]


@pytest.mark.requirement("TOOL-11")
async def test_no_message_leaves_without_a_hook(place: World) -> None:
    async with opened(place, script()) as desk:
        found = await desk.app.ready()
        seen = {check.name: check.ok for check in found.checks}
    assert not [name for name in seen if "hook" in name], "one that no hook looks at is told of"
    assert seen["tool read_ticket"] is seen["tool reply"] is True


async def test_what_is_away_is_seen_before_the_first_ticket(place: World) -> None:
    async with opened(place, script()) as desk:
        place.shop.unlink()
        found = await desk.app.ready()
    assert [check.name for check in found.failed] == ["tool read_ticket"]


def test_check_digits_tell_cards_and_accounts_from_other_numbers() -> None:
    secrets = planted()
    assert all(wording.has_card_number(f"x {secrets[name]} y") for name in ("card", "amex"))
    assert not wording.has_card_number(secrets["card"][:-1] + "2")
    assert wording.has_account_number(secrets["iban"])
    assert wording.has_account_number(secrets["iban"].replace(" ", ""))
    assert not wording.has_account_number(secrets["iban"][:-1] + "2")
    assert list(wording.amounts("€ 1,00 and 2.50 euros, 3.00 EUR")) == ["1.00", "2.50", "3.00"]
    assert wording.hosts_of_links("http://a@b.example:80/c") == {"b.example"}
