"""Approvers by name and role, for all calls, one tool or one rule; nobody agrees for themselves."""

from collections.abc import Mapping, Sequence

import pytest

from remit.errors import SpecError
from remit.journal.events import ApprovalDenied, ApprovalGiven, ApprovalRequested, InboxIgnored
from remit.journal.facts_of_humans import OnBehalf
from remit.machine.agent import Agent, Remit
from remit.machine.approvers import Named
from remit.policy.permission import ArgumentPattern, Rule
from remit.values.clean import Clean
from tests.machine.bench import START_MS, Bench, Environment, make_agent, one, types
from tests.machine.toolbox import send_mail, write_doc

USER = "ann"
"""Whose run the bench starts."""
FAR = Rule(
    id="far",
    effect="ask",
    tool="send_mail",
    arguments=(ArgumentPattern(name="to", pattern="abroad"),),
)


def worker(approvers: Named = (), *, needed: int = 1, self_approval: bool = False) -> Agent[object]:
    remit = Remit(
        approvals={send_mail: needed, write_doc: 1},
        approvers=approvers,
        self_approval=self_approval,
        rules=(FAR,),
        approval_timeout="1h",
    )
    return make_agent(send_mail, write_doc, remit=remit)


def asking(agent: Agent[object], to: str = "x", environment: Environment = "production") -> Bench:
    bench = Bench(agent)
    bench.environment = environment
    bench.start()
    assert bench.state.user == USER
    bench.answer("", ("send_mail", f'{{"to":"{to}"}}'))
    return bench


def says(
    bench: Bench,
    person: str,
    *roles: str,
    behalf: OnBehalf | None = None,
    arguments: str | None = None,
) -> list[str]:
    """What an approval of this person leads to."""
    call = bench.call()
    fact = ApprovalGiven(
        approval=call.approval,
        digest=call.digest,
        principal=person,
        channel="cli",
        roles=roles,
        on_behalf=behalf,
        arguments=None if arguments is None else Clean.vouch(arguments),
    )
    text = call.arguments if arguments is None else arguments
    seen = bench.inspect(call.call, call.tool, text)
    return types(bench.give(fact, "letter", {call.call: seen}))


def why(bench: Bench) -> str:
    return bench.last(InboxIgnored).reason


def behalf(person: str, *roles: str, hours: int = 2) -> OnBehalf:
    return OnBehalf(person=person, roles=roles, until_ms=START_MS + hours * 3_600_000)


# ---------------------------------------------------------------- who


@pytest.mark.requirement("APR-4", "PERM-7")
def test_a_role_may_agree_whoever_has_it() -> None:
    bench = asking(worker(["role:finance", "zoe"]))
    assert bench.last(ApprovalRequested).approvers == ("role:finance", "zoe")
    assert says(bench, "bob", "sales") == ["InboxIgnored"]
    assert "not among the approvers" in why(bench)
    assert "ToolRequested" in says(bench, "bob", "sales", "finance")
    assert one(bench.log, ApprovalGiven).roles == ("sales", "finance")


def test_a_name_needs_no_role() -> None:
    assert "ToolRequested" in says(asking(worker(["role:finance", "zoe"])), "zoe")


@pytest.mark.requirement("APR-4")
def test_approvers_of_a_rule_count_before_those_of_its_tool() -> None:
    by: Mapping[object, Sequence[str]] = {"far": ["role:export"], send_mail: ["bob"], "*": ["carl"]}
    agent = worker(by)  # type: ignore[arg-type]  # tools and names beside each other
    far = asking(agent, to="abroad")
    assert far.last(ApprovalRequested).approvers == ("role:export",)
    near = asking(agent)
    assert near.last(ApprovalRequested).approvers == ("bob",)
    doc = Bench(agent)
    doc.start()
    doc.answer("", ("write_doc", '{"path":"a"}'))
    assert doc.last(ApprovalRequested).approvers == ("carl",)


@pytest.mark.requirement("APR-4")
def test_who_changes_a_call_into_one_of_other_approvers_does_not_agree_for_them() -> None:
    agent = worker({"far": ["role:export"], "*": ["bob"]})
    bench = asking(agent)
    assert says(bench, "bob", arguments='{"to":"abroad"}') == ["ApprovalGiven", "ApprovalRequested"]
    assert says(bench, "bob") == ["InboxIgnored"]
    assert "ToolRequested" in says(bench, "eve", "export")


# ---------------------------------------------------------------- oneself


@pytest.mark.requirement("PERM-7")
@pytest.mark.parametrize("name", [USER, f"local:{USER}"])
def test_nobody_agrees_to_a_call_of_their_own_run(name: str) -> None:
    bench = asking(worker())
    assert says(bench, name) == ["InboxIgnored"]
    assert "whose run it is" in why(bench)
    assert "ToolRequested" in says(bench, "bob")


def test_in_dev_or_where_the_remit_says_so_one_human_is_enough() -> None:
    assert "ToolRequested" in says(asking(worker(), environment="dev"), USER)
    assert "ToolRequested" in says(asking(worker(self_approval=True)), USER)


@pytest.mark.requirement("APR-3")
@pytest.mark.parametrize("environment", ["dev", "production"])
def test_dual_control_needs_two_others_whatever_the_remit_says(
    environment: Environment,
) -> None:
    bench = asking(worker(needed=2, self_approval=True), environment=environment)
    assert says(bench, USER) == ["InboxIgnored"]
    assert says(bench, "bob") == ["ApprovalGiven"]
    assert says(bench, "local:bob") == ["InboxIgnored"]
    assert "the same person" in why(bench)
    assert "ToolRequested" in says(bench, "carl")


def test_a_user_may_refuse_their_own() -> None:
    bench = asking(worker())
    fact = ApprovalDenied(approval=bench.call().approval, principal=USER, channel="cli")
    assert types(bench.give(fact, "letter"))[:2] == ["ApprovalDenied", "ToolFailed"]


# ---------------------------------------------------------------- on behalf of another


@pytest.mark.requirement("APR-4")
def test_a_delegate_agrees_for_who_may() -> None:
    bench = asking(worker(["zoe"]))
    assert says(bench, "bob", behalf=behalf("yan")) == ["InboxIgnored"]
    assert "ToolRequested" in says(bench, "bob", behalf=behalf("zoe"))
    assert bench.call().given == ("bob",)
    assert bench.call().vouched == ("zoe",)


def test_a_delegate_has_the_others_roles_until_it_is_over() -> None:
    bench = asking(worker(["role:finance"]))
    other = behalf("zoe", "finance", hours=0)
    assert says(bench, "bob", behalf=other) == ["InboxIgnored"]
    assert "an instant that is over" in why(bench)
    assert "ToolRequested" in says(bench, "bob", behalf=behalf("zoe", "finance"))


@pytest.mark.requirement("APR-3")
def test_one_authority_counts_once_whoever_speaks_for_it() -> None:
    bench = asking(worker(["role:finance"], needed=2))
    assert says(bench, "zoe", "finance") == ["ApprovalGiven"]
    assert says(bench, "bob", behalf=behalf("zoe", "finance")) == ["InboxIgnored"]
    assert "the same person" in why(bench)
    assert "ToolRequested" in says(bench, "carl", "finance")


def test_nobody_lets_another_agree_to_their_own_run() -> None:
    bench = asking(worker([USER, "bob"]))
    assert says(bench, "carl", behalf=behalf(USER)) == ["InboxIgnored"]
    assert "whose run it is" in why(bench)


# ---------------------------------------------------------------- declared wrongly


@pytest.mark.parametrize(
    ("approvers", "told"),
    [
        ([""], "names nobody"),
        (["role:"], "names nobody"),
        ("ann", "a list of names"),
        ({send_mail: []}, "nobody is named"),
        ({"send_mial": ["ann"]}, "approvers of send_mial: it has no such tool or rule"),
        ({send_mail: "ann"}, "write a list of names"),
    ],
)
def test_approvers_that_cannot_be_are_refused(approvers: Named, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        worker(approvers)


def test_too_few_names_are_refused_where_no_role_leaves_it_open() -> None:
    with pytest.raises(SpecError, match="there are 1 approvers"):
        worker({send_mail: ["bob"]}, needed=2)
    worker({send_mail: ["role:finance"]}, needed=2)
