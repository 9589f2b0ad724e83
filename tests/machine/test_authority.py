"""Each action of an agent has authority, by a rule or a mode; sub-runs are trusted no further."""

from dataclasses import replace

import pytest

from remit.errors import SpecError
from remit.machine.agent import Agent, Remit
from remit.machine.authority import all_below, mode_below, without_authority
from remit.machine.declaring import tool
from remit.policy.permission import Rule
from remit.policy.where import Where
from tests.machine.bench import Bench, make_agent
from tests.machine.toolbox import look_up, send_mail


@tool(personal_data=True)
def read_record(name: str) -> str:
    """Read what is known of a person."""
    return name


@pytest.mark.requirement("PERM-6")
def test_a_read_of_personal_data_without_authority_is_refused_where_it_is_declared() -> None:
    with pytest.raises(SpecError, match="the tool with personal data 'read_record' has no auth"):
        make_agent(read_record)
    make_agent(read_record, remit=Remit(approvals={read_record: 1}))


@pytest.mark.requirement("PERM-6")
def test_a_rule_that_denies_some_arguments_is_no_authority() -> None:
    some = Rule(id="r", effect="deny", tool="*", where=(Where(name="to", equals="x"),))
    whole = Rule(id="r", effect="deny", tool="send_*")
    assert [each.name for each in without_authority([send_mail.spec], [some], None)] == [
        "send_mail"
    ]
    assert list(without_authority([send_mail.spec, look_up.spec], [whole], None)) == []
    with pytest.raises(SpecError, match="no authority"):
        make_agent(send_mail, remit=Remit(deny_sets={send_mail: "shell"}))


@pytest.mark.requirement("PERM-4")
def test_a_mode_says_what_becomes_of_actions_without_a_rule() -> None:
    for mode in ("plan", "auto", "bypass"):
        make_agent(send_mail, remit=Remit(mode=mode))
    with pytest.raises(SpecError, match="no authority"):
        make_agent(send_mail, remit=Remit(mode="default"))
    make_agent(send_mail, remit=Remit(settings_rules=True))


@pytest.mark.requirement("PERM-4", "ORC-2")
def test_a_sub_run_has_no_more_trust_than_the_run_above() -> None:
    below: Agent[object] = Agent("below", model="scripted:x", instructions="x")
    bold: Agent[object] = Agent(
        "bold", model="scripted:x", instructions="x", remit=Remit(mode="bypass")
    )
    agent = make_agent(agents=(below, bold), remit=Remit(mode="auto"))
    state = replace(Bench(agent).first, mode="auto")
    found = {each.name: mode_below(state, each) for each in all_below(Bench(agent).spec)}
    assert found == {"worker": "auto", "below": "auto", "bold": "auto"}
    assert mode_below(replace(state, mode="plan"), bold.spec(str)) == "plan"
