"""Undo takes back what a run wrote: newest first, governed, journalled, and never twice."""

from pathlib import Path

import pytest

from remit import Agent, Remit, tool
from remit.adapters.scripted import Reply
from remit.app.undo import undo_agent
from remit.errors import NotAllowed, SpecError, ToolError
from remit.journal.events import CallJudged, RunStarted, ToolCompleted, ToolFailed
from remit.machine.approvers import Named
from remit.policy.plan import Plan, Plans
from remit.policy.rule import ArgumentPattern, Rule
from tests.app.paying import scripted
from tests.runtime.stage import an_agent, journal_at, opened, told

LOG: list[str] = []
BROKEN: set[str] = set()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    LOG.clear()
    BROKEN.clear()


@tool(access="write")
async def cancel_refund(order: int, result: str) -> str:
    """Cancel a refund."""
    if str(order) in BROKEN:
        raise ToolError("the bank is closed")
    LOG.append(f"cancel {order} {result}")
    return "cancelled"


@tool(access="write", undo=cancel_refund)
async def refund_order(order: int, amount: str) -> str:
    """Refund an order."""
    LOG.append(f"refund {order} {amount}")
    return f"receipt-{order}"


@tool(access="write")
async def delete_note(name: str) -> str:
    """Delete a note."""
    LOG.append(f"delete {name}")
    return "gone"


@tool(access="write", undo=delete_note)
async def write_note(name: str) -> str:
    """Write a note."""
    LOG.append(f"write {name}")
    return "written"


@tool(access="write")
async def send_mail(to: str) -> str:
    """Send a mail, which nothing takes back."""
    LOG.append(f"mail {to}")
    return "sent"


FREE = Remit(
    approvals={
        refund_order: 0,
        cancel_refund: 0,
        write_note: 0,
        delete_note: 0,
        send_mail: 0,
    }
)
WRITER = an_agent("writer", tools=[write_note], remit=Remit(approvals={write_note: 0}))
CLERK = Agent(
    "clerk",
    model="scripted:x",
    instructions="You are a clerk.",
    tools=[refund_order, cancel_refund, send_mail],
    agents=[WRITER],
    remit=FREE,
)
SCRIPT: tuple[Reply, ...] = (
    {"refund_order": {"order": 1, "amount": "9.90"}},
    {"ask_writer": {"brief": "Write a note."}},
    {"send_mail": {"to": "ann"}},
    {"refund_order": {"order": 2, "amount": "5.00"}},
    "Done.",
)


NOTES: tuple[Reply, ...] = ({"write_note": {"name": "n"}}, "Noted.")


def speak(request: object) -> Reply:
    """Lead, or the writer below it."""
    said = request.messages  # type: ignore[attr-defined]  # a request of the model
    turn = sum(1 for message in said if message.role == "assistant")
    if "writer" in request.system:  # type: ignore[attr-defined]  # the same
        return NOTES[turn]
    return SCRIPT[turn]


@pytest.mark.requirement("TOOL-14")
async def test_what_a_run_wrote_is_taken_back_newest_first_also_below_it(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [CLERK], *[speak] * 20) as app:
        run = await app.run(CLERK, "Refund.")
        assert run.status == "completed"
        LOG.clear()
        undone = await app.undo(run.id, principal="ann")
        assert (undone.status, undone.success) == ("completed", True)
        assert undone.output == "undone: 3 of 3"
        assert LOG == ["cancel 2 receipt-2", "delete n", "cancel 1 receipt-1"]
        (started,) = await told(app, undone.id, RunStarted)
        assert (started.undoes, started.user) == (run.id, "ann")
        assert len(await told(app, undone.id, CallJudged)) == 3
        assert undone.cost_nano == 0
        with pytest.raises(NotAllowed, match="what it did by send_mail cannot be undone"):
            await app.undo(run.id)


@pytest.mark.requirement("TOOL-14")
async def test_what_fails_is_named_and_the_rest_is_taken_back_and_tried_again_alone(
    tmp_path: Path,
) -> None:
    async with opened(journal_at(tmp_path), [CLERK], *[speak] * 20) as app:
        run = await app.run(CLERK, "Refund.")
        LOG.clear()
        BROKEN.add("2")
        undone = await app.undo(run.id)
        assert (undone.status, undone.success) == ("completed", False)
        assert undone.output.splitlines()[0] == "not undone: 1 of 3"
        assert f"{run.id}/c4-1 by cancel_refund" in undone.output
        assert "the bank is closed" in undone.output
        assert len(await told(app, undone.id, ToolFailed)) == 1
        assert LOG == ["delete n", "cancel 1 receipt-1"]
        BROKEN.clear()
        again = await app.undo(run.id)
        assert again.output == "undone: 1 of 1"
        assert LOG[2:] == ["cancel 2 receipt-2"]
        with pytest.raises(NotAllowed, match="nothing to undo"):
            await app.undo(run.id)


@pytest.mark.requirement("TOOL-14", "PERM-6", "TOOL-13")
async def test_a_compensation_needs_whom_the_write_needed_and_survives_a_restart(
    tmp_path: Path,
) -> None:
    careful = an_agent(
        "careful",
        tools=[refund_order],
        remit=Remit(approvals={refund_order: 2}),
    )
    script = ({"refund_order": {"order": 1, "amount": "9.90"}}, "Done.")
    async with opened(journal_at(tmp_path), [careful], *script) as app:
        run = await app.run(careful, "Refund.")
        for who in ("bob", "eve"):
            await app.approve(run.approvals[0].id, principal=who)
        run_id = (await app.wait(run.id)).id
        undone = await app.undo(run_id, principal="ann")
        assert (undone.status, undone.approvals[0].needed) == ("waiting", 2)
        with pytest.raises(NotAllowed, match="has an active run"):
            await app.undo(run_id)
    async with opened(journal_at(tmp_path), [careful]) as app:
        for who in ("bob", "eve"):
            await app.approve(undone.approvals[0].id, principal=who)
        assert (await app.wait(undone.id)).output == "undone: 1 of 1"
        assert len(await told(app, undone.id, ToolCompleted)) == 1
        assert LOG[-1] == "cancel 1 receipt-1"


@pytest.mark.requirement("TOOL-14")
async def test_only_what_has_ended_is_undone(tmp_path: Path) -> None:
    asks = an_agent("asks", tools=[refund_order], remit=Remit(approvals={refund_order: 1}))
    async with opened(
        journal_at(tmp_path), [asks], {"refund_order": {"order": 1, "amount": "1"}}
    ) as app:
        run = await app.run(asks, "Refund.")
        assert run.status == "waiting"
        with pytest.raises(NotAllowed, match="cancel it, then undo"):
            await app.undo(run.id)


@pytest.mark.requirement("TOOL-14", "BIL-3")
@pytest.mark.parametrize(
    "plan",
    [
        Plan(name="free", models=("scripted:*",)),
        Plan(name="free", agents=("busy",)),
        Plan(name="free", tools=("write_note",)),
    ],
    ids=["models", "agents", "tools"],
)
async def test_no_plan_must_include_what_takes_back(plan: Plan) -> None:
    busy = an_agent("busy", tools=[write_note], remit=Remit(approvals={write_note: 0}))
    plans = Plans(plans=(plan,), default="free")
    script: tuple[Reply, ...] = ({"write_note": {"name": "a"}}, "Done.")
    async with scripted("memory:", busy, *script, plans=plans) as app:
        run = await app.run(busy, "Write.", tenant="acme", user="ann")
        undone = await app.undo(run.id, tenant="acme", principal="ann")
        assert undone.output == "undone: 1 of 1"


@pytest.mark.requirement("TOOL-14")
async def test_what_was_done_alike_is_taken_back_as_often(tmp_path: Path) -> None:
    remit = Remit(approvals={write_note: 0}, identical_calls=9)
    busy = an_agent("busy", tools=[write_note], remit=remit)
    script: tuple[Reply, ...] = (*[{"write_note": {"name": "a"}}] * 5, "Done.")
    async with opened(journal_at(tmp_path), [busy], *script) as app:
        run = await app.run(busy, "Write.")
        undone = await app.undo(run.id)
        assert undone.output == "undone: 5 of 5"
        assert LOG[5:] == ["delete a"] * 5


def governed(remit: Remit, *agents: Agent[object]) -> tuple[Rule, ...]:
    """The rules of the agent that undoes what an agent of this remit did."""
    made = undo_agent(an_agent(tools=[refund_order], agents=agents, remit=remit))
    assert made is not None
    return made.remit.all_rules()


@pytest.mark.requirement("TOOL-14", "PERM-6")
def test_no_rule_about_a_compensation_is_lost() -> None:
    forbids = Rule(id="no", effect="deny", tool="cancel_*", agents=("wor*",))
    kept = governed(Remit(approvals={refund_order: 0}, rules=[forbids]))
    assert [(rule.effect, rule.tool, rule.agents) for rule in kept] == [
        ("deny", "cancel_*", ()),
        ("allow", "cancel_refund", ()),
    ]
    finance = Rule(id="finance", effect="allow", tool="cancel_refund", roles=("finance",))
    assert governed(Remit(approvals={refund_order: 2}, rules=[finance])) == (finance,)
    others = Rule(id="others", effect="deny", tool="cancel_refund", agents=("other",))
    (only,) = governed(Remit(approvals={refund_order: 0}, rules=[others]))
    assert only.effect == "allow"


LARGE = ArgumentPattern(name="amount", pattern="^[0-9]{4}")


@pytest.mark.requirement("TOOL-14", "PERM-6")
@pytest.mark.parametrize(
    ("rules", "needed"),
    [
        ([Rule(id="r", effect="deny", tool="refund_order", arguments=(LARGE,))], 2),
        ([Rule(id="r", effect="allow", tool="refund_*", users=("ann",))], 2),
    ],
)
def test_a_compensation_needs_the_most_humans_that_the_write_may_need(
    rules: list[Rule], needed: int
) -> None:
    (asks,) = governed(Remit(approvals={refund_order: 2}, rules=rules))
    assert (asks.effect, asks.tool, asks.needed) == ("ask", "cancel_refund", needed)


def test_what_only_some_may_write_unasked_is_not_taken_back_unasked_by_all() -> None:
    ann = Rule(id="r", effect="allow", tool="refund_order", users=("ann",))
    (asks,) = governed(Remit(rules=[ann]))
    assert (asks.effect, asks.needed) == ("ask", 1)


@pytest.mark.requirement("TOOL-14", "APR-1")
def test_who_agrees_to_a_write_agrees_to_taking_it_back() -> None:
    below = an_agent(
        "writer",
        tools=[write_note],
        remit=Remit(approvals={write_note: 1}, approvers=["eve"]),
    )
    asks = Rule(id="house.notes", effect="ask", tool="delete_note", needed=1)
    cases: tuple[tuple[Named, tuple[str, ...]], ...] = (
        ({"refund_order": ["role:finance"]}, ("role:finance",)),
        ({"remit.approvals.refund_order": ["bob", "joe"], "*": ["eve"]}, ("bob", "joe")),
        (["bob", "joe"], ("bob", "joe")),
    )
    for named, who in cases:
        made = undo_agent(
            an_agent(
                tools=[refund_order],
                agents=[below],
                remit=Remit(approvals={refund_order: 2}, approvers=named),
            )
        )
        assert made is not None
        spec = made.spec(str)
        assert spec.who_agrees("cancel_refund", "remit.approvals.cancel_refund") == who
        assert spec.who_agrees("delete_note", "remit.approvals.delete_note") == ("eve",)
    ruled = an_agent(
        tools=[write_note],
        remit=Remit(approvals={write_note: 1}, rules=[asks], approvers={"house.notes": ["zoe"]}),
    )
    made = undo_agent(ruled)
    assert made is not None
    assert made.spec(str).who_agrees("delete_note", "house.notes") == ("zoe",)


async def test_an_agent_without_compensations_says_so(tmp_path: Path) -> None:
    plain = an_agent("plain")
    async with opened(journal_at(tmp_path), [plain], "Done.") as app:
        run = await app.run(plain, "Go.")
        with pytest.raises(SpecError, match="declares what undoes it"):
            await app.undo(run.id)
    assert undo_agent(plain) is None


@pytest.mark.requirement("TOOL-14")
def test_a_compensation_fits_what_it_takes_back() -> None:
    @tool
    async def read_note(name: str) -> str:
        """Read a note."""
        return name

    with pytest.raises(SpecError, match="undo is for writes"):

        @tool(access="write", undo=read_note)
        async def keep_note(name: str) -> str:
            """Keep a note."""
            return name

    with pytest.raises(SpecError, match="its undo 'cancel_refund' wants order"):

        @tool(access="write", undo=cancel_refund)
        async def keep_name(name: str) -> str:
            """Keep a name."""
            return name


@pytest.mark.requirement("TOOL-14", "PERM-1")
async def test_what_is_denied_stays_denied_when_it_is_taken_back(tmp_path: Path) -> None:
    never = Rule(id="no-bank", effect="deny", tool="cancel_refund", reason="the bank says no")
    strict = an_agent(
        "strict", tools=[refund_order], remit=Remit(approvals={refund_order: 0}, rules=[never])
    )
    script = ({"refund_order": {"order": 1, "amount": "9.90"}}, "Done.")
    async with opened(journal_at(tmp_path), [strict], *script) as app:
        run = await app.run(strict, "Refund.")
        undone = await app.undo(run.id)
        assert undone.success is False
        assert "the bank says no" in undone.output
        assert LOG == ["refund 1 9.90"]


RULE = """
[[rules]]
id = "of-the-settings"
effect = "{effect}"
tool = "{tool}"
agent = "{agent}"
reason = "so the risk people say"
"""


@pytest.mark.requirement("TOOL-14", "PERM-1", "PERM-5")
@pytest.mark.parametrize(
    ("rule", "taken_back"),
    [
        (("deny", "cancel_*", "clerk"), ["delete n"]),
        (("deny", "cancel_*", "cl*"), ["delete n"]),
        (("deny", "cancel_*", "clerk.undo"), ["delete n"]),
        (("deny", "delete_*", "writer"), ["cancel 2 receipt-2", "cancel 1 receipt-1"]),
        (("deny", "cancel_*", "writer"), ["cancel 2 receipt-2", "delete n", "cancel 1 receipt-1"]),
        (("ask", "cancel_*", "clerk"), []),  # waits for somebody before it goes on
        (("allow", "*", "clerk"), ["cancel 2 receipt-2", "delete n", "cancel 1 receipt-1"]),
    ],
)
async def test_rules_about_an_agent_hold_for_what_takes_its_calls_back(
    rule: tuple[str, str, str],
    taken_back: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(journal_at(tmp_path), [CLERK], *[speak] * 20) as app:
        run = await app.run(CLERK, "Refund.")
    LOG.clear()
    effect, covered, agent = rule
    text = RULE.format(effect=effect, tool=covered, agent=agent)
    if effect == "deny":
        text += "must_match = []\nmust_not_match = []\n"
    Path("remit.toml").write_text(text)
    async with opened(journal_at(tmp_path), [CLERK], *[speak] * 20) as app:
        undone = await app.undo(run.id)
        assert undone.status == ("waiting" if effect == "ask" else "completed")
        assert taken_back == LOG


@pytest.mark.requirement("TOOL-14", "PERM-1")
async def test_leave_to_write_is_no_leave_to_take_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that allows all that clerk does says nothing of what takes it back: a human agrees."""
    monkeypatch.chdir(tmp_path)
    Path("remit.toml").write_text(RULE.format(effect="allow", tool="*", agent="free"))
    free = an_agent("free", tools=[refund_order], remit=Remit(settings_rules=True))
    script = ({"refund_order": {"order": 1, "amount": "9.90"}}, "Done.")
    async with opened(journal_at(tmp_path), [free], *script) as app:
        run = await app.run(free, "Refund.")
        assert (run.status, LOG) == ("completed", ["refund 1 9.90"])
        undone = await app.undo(run.id)
        assert (undone.status, undone.approvals[0].needed) == ("waiting", 1)
        assert LOG == ["refund 1 9.90"]
