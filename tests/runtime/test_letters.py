"""Letters: events as bodies of inbox rows, read without trust, and what runs tell each other."""

from collections.abc import Iterator

import pytest

from remit import Remit, tool
from remit.journal.events import (
    EVENT,
    AccountLimit,
    ApprovalGiven,
    CancelRequested,
    Event,
    InboxIgnored,
    PeersAborted,
    PlanChanged,
    RunEnded,
    RunStopping,
    SubrunEnded,
    SubrunRequested,
    ToolQueued,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.journal.rows import InboxRow, Letter
from remit.machine.changing import replace
from remit.machine.evolve import evolve
from remit.machine.state import State
from remit.machine.transitions import CallStatus
from remit.runtime.letters import (
    child_letters,
    end_letter,
    letter,
    plain_text,
    plan_key,
    read_letter,
    subrun_end,
)
from remit.values.clean import Clean
from remit.values.ids import subrun_id
from remit.values.usage import Usage
from tests.runtime.kit import (
    NOW,
    RUN,
    a_cleaner,
    an_inspector,
    asking,
    released,
    started,
    state_of,
    thinking,
)
from tests.runtime.stage import an_agent, secret


class Tree:
    """What the call depends on."""

    state = "t1"
    broken = ""


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    Tree.state, Tree.broken = "t1", ""
    yield
    Tree.state, Tree.broken = "t1", ""


def state_of_tree(name: str) -> str:
    if Tree.broken:
        raise RuntimeError(Tree.broken)
    return f"{name}@{Tree.state}"


@tool(access="write", depends=state_of_tree)
async def ship_order(name: str) -> str:
    """Ship an order."""
    return name


SHIPPER = an_agent("shipper", tools=[ship_order], remit=Remit(approvals={ship_order: 1}))
CALL_OFF = CancelRequested(principal="ann", reason=Clean("enough"))


def row_of(fact: Event) -> InboxRow:
    return InboxRow(1, letter(RUN, "k1", fact, NOW))


def fact_in(sent: Letter) -> Event:
    return EVENT.validate_json(sent.body)


# ---------------------------------------------------------------- reading


async def test_a_letter_comes_back_as_the_fact_that_was_sent() -> None:
    sent = letter(RUN, "k1", CALL_OFF, NOW)
    assert (sent.run, sent.key, sent.kind, sent.time_ms) == (RUN, "k1", "CancelRequested", NOW)
    given = await read_letter(InboxRow(7, sent), state_of(SHIPPER), an_inspector(SHIPPER))
    assert (given.kind, given.fact, dict(given.inspections)) == ("letter", CALL_OFF, {})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"type": "Nonsense"}', b'{"type": "CancelRequested"}', b"\xff\xfe"],
)
async def test_a_letter_that_cannot_be_read_is_noted_and_harms_nobody(body: bytes) -> None:
    broken = Letter(run=RUN, key="k9", kind="CancelRequested", body=body, time_ms=NOW)
    given = await read_letter(InboxRow(1, broken), state_of(SHIPPER), an_inspector(SHIPPER))
    assert isinstance(given.fact, InboxIgnored)
    assert (given.kind, given.fact.what, given.fact.ref) == ("letter", "CancelRequested", "k9")


async def asked() -> State:
    """A run with a call that waits for approval under the digest of today's world."""
    seen = await ship_order.inspect("c1-1", '{"name":"tea"}')
    state, _, _ = released(SHIPPER, "ship_order", '{"name":"tea"}', digest=seen.digest)
    calls = tuple(replace(each, status="asking", approval="a1") for each in state.calls)
    return replace(state, calls=calls)


def given(arguments: str | None = None, approval: str = "a1") -> InboxRow:
    return row_of(
        ApprovalGiven(
            approval=approval,
            digest="d",
            principal="boss",
            channel="app",
            arguments=None if arguments is None else Clean(arguments),
        )
    )


@pytest.mark.requirement("PERM-7")
async def test_an_approval_is_inspected_against_the_world_as_it_is_now() -> None:
    state = await asked()
    same = await read_letter(given(), state, an_inspector(SHIPPER))
    assert same.inspections["c1-1"].digest == state.calls[0].digest
    Tree.state = "t2"
    changed = await read_letter(given(), state, an_inspector(SHIPPER))
    assert changed.inspections["c1-1"].digest != state.calls[0].digest


@pytest.mark.requirement("APR-4")
async def test_changed_arguments_are_the_ones_inspected() -> None:
    state = await asked()
    other = (
        await read_letter(given('{"name":"coffee"}'), state, an_inspector(SHIPPER))
    ).inspections["c1-1"]
    assert other.arguments == '{"name":"coffee"}'
    assert other.digest != state.calls[0].digest
    wrong = (await read_letter(given('{"name":1}'), state, an_inspector(SHIPPER))).inspections[
        "c1-1"
    ]
    assert wrong.error


async def test_an_approval_of_nothing_inspects_nothing() -> None:
    found = await read_letter(given(approval="a2"), await asked(), an_inspector(SHIPPER))
    assert dict(found.inspections) == {}


# ---------------------------------------------------------------- down and up the tree


def with_children(*statuses: CallStatus) -> State:
    state = thinking(SHIPPER)
    one, _, _ = released(SHIPPER, "ship_order", '{"name":"tea"}')
    calls = tuple(
        replace(one.calls[0], call=f"c1-{n}", child=subrun_id(RUN, f"c1-{n}"), status=status)
        for n, status in enumerate(statuses, start=1)
    )
    return replace(state, calls=calls, stopping_ms=NOW + 5)


@pytest.mark.requirement("TOOL-7")
def test_a_stopping_run_tells_its_living_sub_runs_and_no_others() -> None:
    state = with_children("released", "done", "queued", "released")
    stopping = RunStopping(reason="deadline")
    letters = child_letters([ToolQueued(call="x"), stopping], state)
    assert [each.run for each in letters] == [f"{RUN}.c1-1", f"{RUN}.c1-4"]
    fact = fact_in(letters[0])
    assert isinstance(fact, CancelRequested)
    assert (fact.principal, letters[0].time_ms) == (f"run:{RUN}", NOW + 5)
    assert "deadline" in fact.reason
    assert child_letters([stopping], state)[0].key == letters[0].key  # sent twice it is one
    assert child_letters([asking()], state) == ()


@pytest.mark.requirement("TOOL-7")
def test_sub_runs_that_are_given_up_are_told_and_no_others() -> None:
    state = with_children("released", "released", "done")
    aborted = PeersAborted(call="c1-9", peers=("c1-2", "c1-3"), reason=Clean("given up"))
    (told,) = child_letters([aborted], state)
    assert (told.run, told.key) == (f"{RUN}.c1-2", "abort:c1-9")
    fact = fact_in(told)
    assert isinstance(fact, CancelRequested)
    assert fact.reason == "given up"


@pytest.mark.requirement("BIL-3")
def test_a_run_whose_plan_changed_tells_its_living_sub_runs() -> None:
    own = AccountLimit(account="run:.|total|calls", limit=9, plan="pro")
    changed = PlanChanged(plan=PlanTerms(name="pro", number=7, accounts=(own,)))
    state = replace(with_children("released", "done"), plan=changed.plan)
    (told,) = child_letters([changed], state)
    assert (told.run, told.key) == (f"{RUN}.c1-1", plan_key(7))
    fact = fact_in(told)
    assert isinstance(fact, PlanChanged)
    assert [each.account for each in fact.plan.accounts] == [f"run:{RUN}|total|calls"]
    both = child_letters([changed, RunStopping(reason="deadline")], state)
    assert [each.kind for each in both] == ["CancelRequested", "PlanChanged"]


def test_a_tool_call_is_no_sub_run() -> None:
    state, _, _ = released(SHIPPER, "ship_order", '{"name":"tea"}')
    assert child_letters([RunStopping(reason="deadline")], state) == ()


def child_state() -> State:
    """A sub-run that has just begun."""
    fresh = replace(state_of(SHIPPER), run=f"{RUN}.c1-1", phase="new", messages=())
    return evolve(fresh, started(fresh.spec, parent=RUN, parent_call="c1-1"), NOW)


def ended(status: str = "completed", **fields: object) -> RunEnded:
    plain: dict[str, object] = {"status": status, "reason": "answered", "output": Clean('"yes"')}
    return RunEnded.model_validate(plain | fields)


@pytest.mark.requirement("ORC-4")
def test_the_end_of_a_sub_run_goes_to_its_parent_once() -> None:
    end = ended(usage=Usage(input=3, output=4), cost=11, active_ms=5)
    (sent,) = end_letter([asking(), end], child_state())
    assert (sent.run, sent.key) == (RUN, f"end:{RUN}.c1-1")
    fact = fact_in(sent)
    assert isinstance(fact, SubrunEnded)
    assert (fact.call, fact.child, fact.status) == ("c1-1", f"{RUN}.c1-1", "completed")
    assert (fact.text, fact.usage.total, fact.cost, fact.active_ms) == ("yes", 7, 11, 5)


def test_a_root_has_nobody_to_tell_and_a_living_run_nothing() -> None:
    assert end_letter([ended()], state_of(SHIPPER)) == ()
    assert end_letter([asking()], child_state()) == ()


@pytest.mark.requirement("ORC-4")
def test_what_is_missing_is_named_with_what_was_said_so_far() -> None:
    stopped = ended("stopped", reason="budget", detail=Clean("0 left"), output=Clean('"half"'))
    fact = subrun_end(stopped, child_state(), "c1-1")
    assert fact.status == "stopped"
    assert fact.text.splitlines() == [
        "the agent shipper did not finish: budget (0 left)",
        "so far it said: half",
    ]
    silent = subrun_end(ended("stopped", reason="deadline", output=None), child_state(), "c1-1")
    assert silent.text == "the agent shipper did not finish: deadline"


@pytest.mark.requirement("ORC-6")
def test_an_answer_whose_check_failed_does_not_count_as_one() -> None:
    fact = subrun_end(ended(success=False), child_state(), "c1-1")
    assert fact.status == "stopped"
    assert "its success check failed" in fact.text
    assert subrun_end(ended(success=True), child_state(), "c1-1").status == "completed"


@pytest.mark.parametrize(
    ("answer", "text"),
    [('"tea"', "tea"), ('{"a": 1}', '{"a": 1}'), ("3", "3"), ("no json", "no json"), ('""', "")],
)
def test_an_answer_is_read_as_text_where_it_is_one(answer: str, text: str) -> None:
    assert plain_text(answer) == text


def request(number: int) -> SubrunRequested:
    call = f"c1-{number}"
    return SubrunRequested(call=call, agent="scout", child=f"{RUN}.{call}", brief=Clean("dig"))


def test_a_request_for_a_sub_run_is_no_letter() -> None:
    assert child_letters([request(1)], with_children("released")) == ()


@pytest.mark.requirement("TOOL-7")
def test_a_sub_run_that_never_starts_is_not_told() -> None:
    events: list[Event] = [request(2), RunStopping(reason="deadline")]
    letters = child_letters(events, with_children("released", "released"))
    assert [each.run for each in letters] == [f"{RUN}.c1-1"]  # the second has no inbox at all


@pytest.mark.requirement("SEC-1")
async def test_what_a_tool_says_of_an_approved_call_is_cleaned() -> None:
    key = secret()
    state, cleaner = await asked(), a_cleaner()
    Tree.broken = f"no tree for {key}"
    read = await read_letter(given(), state, an_inspector(SHIPPER, cleaner))
    error = read.inspections["c1-1"].error
    assert error is not None
    assert "no tree for [secret:github-token:" in error
    assert key not in error
    assert [row.placeholder in error for row in cleaner.rows] == [True]
