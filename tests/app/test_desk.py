"""What people do from outside a run: once, to what waits, and to exactly what they saw."""

import asyncio
from pathlib import Path

import pytest

from remit import App, Call, Person, Remit, Run, ScriptedModel, tool
from remit.app.desk import check_target
from remit.errors import NotAllowed, NotFound
from remit.journal.events import (
    ApprovalDenied,
    ApprovalGiven,
    CancelRequested,
    InboxIgnored,
    InputReceived,
    ToolResolved,
)
from tests.runtime.stage import (
    PATIENCE_S,
    PRICES,
    Script,
    an_agent,
    journal_at,
    opened,
    secret,
    told,
    until,
    written,
)

done: list[object] = []


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    done.clear()


@tool(access="write")
async def pay_bill(amount: int) -> str:
    """Pay a bill."""
    done.append(amount)
    return "paid"


@tool(access="write")
async def pack_order(call: Call) -> str:
    """Pack an order; asks how many boxes."""
    boxes = call.ask("boxes", "How many boxes?", int)
    done.append(boxes)
    return "packed"


@tool(access="write", timeout="50ms")
async def send_mail(text: str) -> str:
    """Send a mail; the first try hangs."""
    done.append(text)
    if len(done) == 1:
        await asyncio.Event().wait()
    return "sent"


ONE = an_agent("one", tools=[pay_bill], remit=Remit(approvals={pay_bill: 1}))
TWO = an_agent("two", tools=[pay_bill], remit=Remit(approvals={pay_bill: 2}))
NAMED = an_agent(
    "named", tools=[pay_bill], remit=Remit(approvals={pay_bill: 1}, approvers=["ann", "bob"])
)
ASKER = an_agent("asker", tools=[pack_order], remit=Remit(approvals={pack_order: 0}))
MAILER = an_agent("mailer", tools=[send_mail], remit=Remit(approvals={send_mail: 0}))
PAY = ({"pay_bill": {"amount": 7}}, "done")
PACK: tuple[Script, ...] = ({"pack_order": {}}, "done")
MAIL = ({"send_mail": {"text": "hi"}}, "done")


async def finished(app: App, run: Run[str]) -> Run[object]:
    return await app.wait(run.id, timeout_s=PATIENCE_S)


# ---------------------------------------------------------------- approvals


@pytest.mark.requirement("APR-4")
async def test_an_approval_is_recorded_with_who_how_and_why() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        run = await app.run(ONE, "Pay")
        (pending,) = await app.desk.approvals("local")
        assert pending == run.approvals[0]
        assert done == []
        await app.desk.approve(
            "local", pending.id, principal="ann", channel="console", comment="agreed"
        )
        assert (await finished(app, run)).output == "done"
        (given,) = await told(app, run.id, ApprovalGiven)
        assert (given.principal, given.channel, given.comment) == ("ann", "console", "agreed")
        assert given.digest == pending.digest
        assert done == [7]
        assert await app.desk.approvals("local") == []


@pytest.mark.requirement("APR-4")
async def test_arguments_can_be_changed_with_the_approval() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        run = await app.run(ONE, "Pay")
        await app.desk.approve(
            "local", run.approvals[0].id, principal="ann", channel="x", arguments='{"amount": 5}'
        )
        await finished(app, run)
        assert done == [5]


@pytest.mark.requirement("APR-4")
async def test_a_denial_is_recorded_and_nothing_happens() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        run = await app.run(ONE, "Pay")
        await app.desk.deny(
            "local", run.approvals[0].id, principal="ann", channel="console", comment="no"
        )
        assert (await finished(app, run)).output == "done"
        (denied,) = await told(app, run.id, ApprovalDenied)
        assert (denied.principal, denied.channel, denied.comment) == ("ann", "console", "no")
        assert done == []


@pytest.mark.requirement("APR-3")
async def test_two_must_be_two_different_people() -> None:
    async with opened("memory:", [TWO], *PAY) as app:
        run = await app.run(TWO, "Pay")
        name = run.approvals[0].id
        await app.approve(name, principal="ann")
        await app.resume(run.id)
        with pytest.raises(NotAllowed, match="ann has agreed already; another person must"):
            await app.approve(name, principal="ann")
        assert done == []
        await app.approve(name, principal="bob")
        await finished(app, run)
        assert done == [7]


@pytest.mark.requirement("APR-3", "PERM-7")
@pytest.mark.parametrize(("needed", "environment"), [(1, "ci"), (2, "dev")])
async def test_whose_run_it_is_may_not_agree_under_another_name(
    needed: int, environment: str
) -> None:
    """The run was asked for by an address, which is a name of the person who agrees."""
    agent = ONE if needed == 1 else TWO
    app = App(
        "memory:",
        agents=[agent],
        models={"scripted": ScriptedModel(*PAY)},
        prices=PRICES,
        environment=environment,
        people={"ann": Person(also=("ann@shop.example", "slack:U1")), "bob": Person()},
    )
    async with app:
        run = await app.run(agent, "Pay", user="ann@shop.example")
        name = run.approvals[0].id
        for principal in ("ann", "slack:U1", "ann@shop.example"):
            await app.approve(name, principal=principal)
        left = await app.resume(run.id)
        assert left.approvals[0].given == ()
        ignored = await told(app, run.id, InboxIgnored)
        assert {each.reason for each in ignored} == {
            "whose run it is may not agree to it; another person must"
        }
        assert [each.principal for each in ignored] == ["ann"] * 3
        assert done == []
        await app.approve(name, principal="bob")
        await app.resume(run.id)
        assert done == ([7] if needed == 1 else [])


@pytest.mark.requirement("APR-3")
async def test_the_same_person_twice_at_once_counts_once(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [TWO], *PAY) as app:
        run = await app.run(TWO, "Pay")
        name = run.approvals[0].id
        again = [app.approve(name, principal="ann") for _ in range(3)]
        await asyncio.gather(*again, return_exceptions=True)
        left = await app.resume(run.id)
        assert left.approvals[0].given == ("ann",)
        assert done == []


async def test_an_answered_or_unknown_approval_is_not_found() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        run = await app.run(ONE, "Pay")
        name = run.approvals[0].id
        await app.approve(name, principal="ann")
        await finished(app, run)
        for wrong in (name, f"{run.id}:c9-9", run.id):
            with pytest.raises(NotFound, match="nothing waits for the approval"):
                await app.approve(wrong, principal="bob")
            with pytest.raises(NotFound, match="nothing waits for the approval"):
                await app.deny(wrong, principal="bob")
        with pytest.raises(NotFound, match="there is no run"):
            await app.approve("run_x:c1", principal="bob")


async def test_an_approval_of_what_was_seen_is_refused_once_the_call_has_changed() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        run = await app.run(ONE, "Pay")
        name = run.approvals[0].id
        with pytest.raises(NotAllowed, match="the call has changed since"):
            await app.desk.approve("local", name, principal="ann", channel="x", digest="0" * 32)
        assert (await app.get(run.id)).status == "waiting"


async def test_who_is_not_an_approver_has_no_say() -> None:
    async with opened("memory:", [NAMED], *PAY) as app:
        run = await app.run(NAMED, "Pay")
        await app.approve(run.approvals[0].id, principal="eve")
        await app.resume(run.id)
        assert done == []
        (ignored,) = await told(app, run.id, InboxIgnored)
        assert (ignored.what, ignored.principal) == ("ApprovalGiven", "eve")
        await app.approve(run.approvals[0].id, principal="bob")
        await finished(app, run)
        assert done == [7]


# ---------------------------------------------------------------- answers and doubts


@pytest.mark.requirement("APR-5")
async def test_an_answer_that_does_not_fit_is_asked_again() -> None:
    async with opened("memory:", [ASKER], *PACK) as app:
        run = await app.run(ASKER, "Pack")
        await app.answer(run.questions[0].id, "many", principal="ann")
        run2 = await app.resume(run.id)
        (again,) = run2.questions
        assert again.id != run.questions[0].id
        assert again.text.startswith("How many boxes? (the last answer did not fit:")
        with pytest.raises(NotFound, match=r"no question .* waits for an answer"):
            await app.answer(run.questions[0].id, 3, principal="ann")
        await app.answer(again.id, 3, principal="bob")
        assert (await finished(app, run)).output == "done"
        assert done == [3]
        answers = await told(app, run.id, InputReceived)
        assert [(each.principal, each.value) for each in answers] == [
            ("ann", '"many"'),
            ("bob", "3"),
        ]
        assert await app.desk.questions() == []


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize("happened", [True, False])
async def test_a_human_says_whether_a_doubtful_write_happened(happened: bool) -> None:
    async with opened("memory:", [MAILER], *MAIL) as app:
        run = await app.run(MAILER, "Send")
        (doubt,) = await app.desk.doubts("local")
        assert done == ["hi"]
        await app.desk.resolve(
            "local", run.id, doubt.call, happened=happened, principal="ann", text="looked it up"
        )
        assert (await finished(app, run)).output == "done"
        assert done == (["hi"] if happened else ["hi", "hi"])
        (resolved,) = await told(app, run.id, ToolResolved)
        assert (resolved.principal, resolved.text) == ("ann", "looked it up")
        with pytest.raises(NotFound, match="is not in doubt"):
            await app.desk.resolve("local", run.id, doubt.call, happened=True, principal="ann")


# ---------------------------------------------------------------- cancels


async def test_a_cancel_says_who_and_why_and_comes_once() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        run = await app.run(ONE, "Pay")
        await app.cancel(run.id, principal="ann", reason="not needed")
        assert (await finished(app, run)).status == "stopped"
        (asked,) = await told(app, run.id, CancelRequested)
        assert (asked.principal, asked.reason) == ("ann", "not needed")
        with pytest.raises(NotAllowed, match=r"has ended already \(stopped\)"):
            await app.cancel(run.id)
        with pytest.raises(NotFound):
            await app.approve(run.approvals[0].id, principal="ann")
        assert done == []


# ---------------------------------------------------------------- switches


@pytest.mark.parametrize(
    "target",
    ["all", "agent:x", "tool:x", "tenant:t", "tenant:t/agent:x", "tenant:t/tool:x"],
)
def test_these_can_be_switched(target: str) -> None:
    check_target(target)


@pytest.mark.parametrize(
    "target",
    ["", "ALL", "agent", "agent:", "tool:", "tenant:", "tenant:/tool:x", "tenant:t/", "user:x",
     "tenant:t/all", "tenant:t/tenant:u", "tenant:t/agent:", "tool:a b", "agent:x/tool:y", "all\n"],
)  # fmt: skip
def test_anything_else_cannot(target: str) -> None:
    with pytest.raises(NotAllowed, match="cannot be switched: say all, agent:NAME"):
        check_target(target)


@pytest.mark.requirement("OPS-1")
async def test_a_switch_is_kept_with_who_why_and_until() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        made = await app.desk.switch_off("agent:one", principal="ann", reason="odd", until_ms=9)
        assert await app.store.switches() == [made]
        assert (made.principal, made.reason, made.until_ms) == ("ann", "odd", 9)
        assert await app.desk.switch_on("agent:one", principal="ann")
        assert await app.store.switches() == []
        with pytest.raises(NotAllowed):
            await app.desk.switch_off("everything", principal="ann", reason="")
        with pytest.raises(NotAllowed):
            await app.desk.switch_on("everything", principal="ann")


# ---------------------------------------------------------------- what they write is cleaned


@pytest.mark.requirement("SEC-1", "SEC-3")
async def test_no_secret_that_a_person_writes_reaches_the_disk(tmp_path: Path) -> None:
    hidden = [secret(str(number)) for number in range(6)]
    async with opened(journal_at(tmp_path), [ONE, ASKER, MAILER], *PAY) as app:
        run = await app.run(ONE, "Pay")
        await app.approve(run.approvals[0].id, principal="ann", comment=f"use {hidden[0]}")
        assert (await finished(app, run)).status == "completed"
        run = await app.run(ONE, "Pay")
        await app.deny(run.approvals[0].id, principal="ann", comment=f"not {hidden[1]}")
        assert (await finished(app, run)).status == "completed"
        run = await app.run(ONE, "Pay")
        await app.cancel(run.id, reason=f"leaked {hidden[2]}")
        assert (await finished(app, run)).status == "stopped"
        await app.desk.switch_off("tool:x", principal="ann", reason=f"saw {hidden[3]}")
    async with opened(journal_at(tmp_path), [ASKER, MAILER], *PACK) as app:
        run = await app.run(ASKER, "Pack")
        await app.answer(run.questions[0].id, f"{hidden[4]}", principal="ann")
        assert (await app.resume(run.id)).questions
    done.clear()
    async with opened(journal_at(tmp_path), [ASKER, MAILER], *MAIL) as app:
        run = await app.run(MAILER, "Send")
        call = run.doubts[0].call
        await app.desk.resolve(
            "local", run.id, call, happened=True, principal="ann", text=f"see {hidden[5]}"
        )
        assert (await finished(app, run)).status == "completed"
        assert await told(app, run.id, ToolResolved)
    disk = written(tmp_path)
    assert [name for name in hidden if name.encode() in disk] == []


# ---------------------------------------------------------------- what is listed


async def test_what_waits_is_listed_oldest_first_by_tenant_or_for_operators() -> None:
    async with opened("memory:", [ONE], *PAY) as app:
        runs = [await app.run(ONE, "Pay", tenant=tenant) for tenant in ("acme", "beta", "acme")]
        mine = await app.desk.approvals("acme")
        assert [each.run for each in mine] == [runs[0].id, runs[2].id]
        assert sorted(each.run for each in await app.desk.approvals()) == sorted(r.id for r in runs)
        assert len(await app.desk.living("acme")) == 2


async def test_a_letter_reaches_a_run_that_is_being_driven() -> None:
    async with opened("memory:", [MAILER], *MAIL) as app:
        run = await app.start(MAILER, "Send")
        await until(lambda: bool(done))
        await app.cancel(run, reason="stop")
        ended = await app.wait(run, timeout_s=PATIENCE_S)
        assert ended.status == "stopped"
