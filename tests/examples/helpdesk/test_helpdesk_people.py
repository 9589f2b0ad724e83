"""Money moves only when the people agree that the remit names; it can be called back."""

import sqlite3
from contextlib import closing, suppress

import pytest

from rehearsal.triage import Desk
from rehearsal.world import World
from remit import Run
from remit.errors import NotAllowed
from remit.journal.events import ApprovalRequested, CallJudged, ToolFailed
from tests.examples.helpdesk.desk import begin, events, opened, script


def refund(order: str, amount: str, reason: str = "damaged") -> dict[str, object]:
    return {"refund": {"order": order, "amount": amount, "reason": reason}}


def booked(place: World) -> list[tuple[str, int, str, str]]:
    with closing(sqlite3.connect(place.shop)) as base:
        return base.execute(
            "SELECT ticket, amount_cents, agreed_by, state FROM refunds WHERE ticket <> ''"
        ).fetchall()


async def say(desk: Desk, run: Run[object], *people: str) -> Run[object]:
    for name in people:
        (pending,) = run.approvals
        await desk.app.approve(pending.id, principal=name, tenant=run.tenant)
        run = await desk.app.resume(run.id, tenant=run.tenant)
    return run


@pytest.mark.requirement("APR-3", "TOOL-13", "REF-2")
async def test_above_50_euros_two_different_people_of_finance_agree(place: World) -> None:
    async with opened(place, script(refund("A10002", "129.00"))) as desk:
        run = await begin(desk, "A-002")
        (pending,) = run.approvals
        assert (run.status, pending.needed, pending.rule) == ("waiting", 2, "refunds-two")
        assert pending.approvers == ("role:finance",)
        run = await say(desk, run, "fiona")
        assert (run.status, run.approvals[0].given, booked(place)) == ("waiting", ("fiona",), [])
        with pytest.raises(NotAllowed, match="another person must"):
            await desk.app.approve(pending.id, principal="fiona", tenant="aurora")
        with pytest.raises(NotAllowed, match="another person must"):
            await desk.app.approve(pending.id, principal="local:fiona", tenant="aurora")
        assert booked(place) == []
        run = await say(desk, run, "frank")
    assert run.status == "completed"
    assert booked(place) == [("A-002", 12900, "fiona frank", "booked")]


@pytest.mark.requirement("APR-3", "PERM-7")
@pytest.mark.parametrize("name", ["mia", "tom", "support", "role:finance", "nobody", "FIONA"])
async def test_nobody_else_agrees(place: World, name: str) -> None:
    async with opened(place, script(refund("A10001", "49.90"))) as desk:
        run = await begin(desk, "A-001")
        with suppress(NotAllowed):
            await desk.app.approve(run.approvals[0].id, principal=name, tenant="aurora")
        again = await desk.app.resume(run.id, tenant="aurora")
    assert (again.status, again.approvals[0].given, booked(place)) == ("waiting", (), [])


async def test_up_to_50_euros_one_is_enough(place: World) -> None:
    async with opened(place, script(refund("A10001", "49.90"))) as desk:
        run = await begin(desk, "A-001")
        assert (run.approvals[0].needed, run.approvals[0].rule) == (1, "refunds-small")
        await say(desk, run, "frank")
    assert booked(place) == [("A-001", 4990, "frank", "booked")]


@pytest.mark.requirement("APR-4")
async def test_a_no_is_told_and_nothing_is_booked(place: World) -> None:
    async with opened(place, script(refund("A10001", "49.90"))) as desk:
        run = await begin(desk, "A-001")
        await desk.app.deny(
            run.approvals[0].id, principal="fiona", tenant="aurora", comment="not again"
        )
        done = await desk.app.resume(run.id, tenant="aurora")
        failed = [each for each in await events(desk, done) if isinstance(each, ToolFailed)]
    assert done.status == "completed"
    assert "fiona did not agree: not again" in failed[0].text
    assert booked(place) == []


@pytest.mark.requirement("PERM-2")
@pytest.mark.parametrize("amount", ["500.01", "600", "6e2", "649.00"])
async def test_above_500_nobody_is_asked(place: World, amount: str) -> None:
    async with opened(place, script(refund("A10025", amount))) as desk:
        run = await begin(desk, "A-025")
        told = await events(desk, run)
    assert run.status == "completed"
    judged = [each.rule for each in told if isinstance(each, CallJudged) if each.tool == "refund"]
    assert judged == ["refunds-large"]
    assert not any(isinstance(each, ApprovalRequested) for each in told)
    assert booked(place) == []


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize(
    "arguments",
    [
        {"order": "A10001", "amount": "-5.00", "reason": "damaged"},
        {"order": "A10001", "amount": "0", "reason": "damaged"},
        {"order": "A10001", "amount": "1.001", "reason": "damaged"},
        {"order": "A10001", "amount": "all of it", "reason": "damaged"},
        {"order": "A10001; DROP TABLE refunds", "amount": "1.00", "reason": "damaged"},
        {"order": "A10001", "amount": "1.00", "reason": "fiona said so"},
        {"order": "A10001", "amount": "1.00", "reason": "damaged", "account": "mine"},
    ],
)
async def test_free_text_is_no_refund(place: World, arguments: dict[str, object]) -> None:
    async with opened(place, script({"refund": arguments})) as desk:
        run = await begin(desk, "A-001")
        failed = [each for each in await events(desk, run) if isinstance(each, ToolFailed)]
    assert [each.kind for each in failed] == ["invalid"]
    assert (run.approvals, booked(place)) == ((), [])


@pytest.mark.requirement("PERM-7")
async def test_a_refund_booked_meanwhile_makes_people_look_again(place: World) -> None:
    async with opened(place, script(refund("A10002", "60.00"))) as desk:
        run = await begin(desk, "A-002")
        with closing(sqlite3.connect(place.shop)) as base, base:
            base.execute(
                "INSERT INTO refunds (tenant, order_id, ticket, amount_cents, reason, agreed_by,"
                " key) VALUES ('aurora', 'A10002', '', 1000, 'damaged', 'farah', 'by hand')"
            )
        run = await say(desk, run, "fiona")
        run = await desk.app.resume(run.id, tenant="aurora")
        assert run.status == "waiting"
        before = run.approvals[0].given
        run = await say(desk, run, "frank")
        while run.status == "waiting":
            left = next(n for n in ("fiona", "frank") if n not in run.approvals[0].given)
            run = await say(desk, run, left)
        asked = [each for each in await events(desk, run) if isinstance(each, ApprovalRequested)]
    assert before in ((), ("fiona",))
    assert len(asked) == 2, "what was approved first is not what would have happened"
    assert booked(place) == [("A-002", 6000, "fiona frank", "booked")] or booked(place) == [
        ("A-002", 6000, "frank fiona", "booked")
    ]


@pytest.mark.requirement("TOOL-14", "APR-3")
async def test_a_refund_is_taken_back_when_finance_agrees(place: World) -> None:
    async with opened(place, script(refund("A10001", "49.90"))) as desk:
        run = await say(desk, await begin(desk, "A-001"), "fiona")
        assert run.status == "completed"
        undo = await desk.app.undo(run.id, principal="mia", tenant="aurora")
        assert undo.status == "waiting"
        (pending,) = undo.approvals
        assert (pending.tool, pending.approvers) == ("cancel_refund", ("role:finance",))
        await desk.app.approve(pending.id, principal="mia", tenant="aurora")
        still = await desk.app.resume(undo.id, tenant="aurora")
        assert (still.status, still.approvals[0].given) == ("waiting", ())
        assert booked(place)[0][3] == "booked"
        await desk.app.approve(pending.id, principal="frank", tenant="aurora")
        done = await desk.app.resume(undo.id, tenant="aurora")
        assert (done.status, done.success) == ("completed", True)
        with pytest.raises(NotAllowed, match="nothing to undo"):
            await desk.app.undo(run.id, principal="mia", tenant="aurora")
    assert booked(place) == [("A-001", 4990, "fiona", "cancelled")]


@pytest.mark.requirement("PERM-6", "REF-2")
async def test_in_shadow_everything_is_recorded_and_nothing_happens(place: World) -> None:
    steps = (
        refund("A10001", "49.90"),
        {"reply": {"language": "en", "text": "The money is on its way to you."}},
    )
    async with opened(place, script(*steps), phase="shadow") as desk:
        run = await begin(desk, "A-001")
        assert run.status == "completed"
        assert await events(desk, run)
    assert booked(place) == []
    assert place.office.mails("anna.keller@mail.example") == []


async def test_supervised_asks_before_every_mail(place: World) -> None:
    step = {"reply": {"language": "en", "text": "The money is on its way to you."}}
    async with opened(place, script(step), phase="supervised") as desk:
        run = await begin(desk, "A-001")
        assert [each.tool for each in run.approvals] == ["reply"]
        run = await say(desk, run, "fiona")
        assert run.status == "completed"
    assert len(place.office.mails("anna.keller@mail.example")) == 1
