"""The remit of the helpdesk as those who answer for it read it: every rule, every example."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rehearsal.world import HERE, World
from remit.app.config import read_settings
from remit.cli.main import remit
from remit.errors import ConfigError
from remit.journal.events import CallJudged
from remit.policy.permission import Question, Rules
from remit.policy.rule import Rule
from remit.policy.rules_text import read_rules_text
from tests.examples.helpdesk.desk import begin, events, opened, script

RULES = read_rules_text((HERE / "remit.toml").read_text(encoding="utf-8"), "remit.toml")
REPLY = "Dear customer, your order A10001 of 2026-10-28 is on its way."


def verdict(tool: str, server: str = "", **arguments: object) -> tuple[str, str, int]:
    asked = Question(
        tool=tool,
        server=server,
        access="read" if tool.startswith(("read", "find", "list", "search")) else "write",
        risk="high" if tool == "refund" else "low",
        personal_data=tool in ("read_ticket", "search_tickets", "find_order", "list_orders"),
        arguments=json.dumps(arguments),
        agent="support",
    )
    found = Rules(RULES).judge("autonomous", asked)
    return found.effect, found.rule, found.needed


@pytest.mark.requirement("PERM-2")
def test_remit_policy_test_runs_on_it() -> None:
    done = CliRunner().invoke(remit, ["policy", "test", str(HERE / "remit.toml"), "--json"])
    assert done.exit_code == 0
    tree = json.loads(done.stdout)
    assert tree["problems"] == []
    assert (tree["rules"], tree["examples"]) == (len(RULES), 18)


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_rules_about_arguments_have_examples_of_both_kinds(rule: Rule) -> None:
    assert rule.reason
    if rule.looks_at_arguments:
        assert rule.must_match
        assert rule.must_not_match


@pytest.mark.requirement("PERM-1", "PERM-6", "TOOL-13")
@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0.01", ("ask", "refunds-small", 1)),
        ("50", ("ask", "refunds-small", 1)),
        ("50.00", ("ask", "refunds-small", 1)),
        ("50.01", ("ask", "refunds-two", 2)),
        ("5E+1", ("ask", "refunds-small", 1)),
        ("500", ("ask", "refunds-two", 2)),
        ("500.01", ("deny", "refunds-large", 0)),
        ("5000", ("deny", "refunds-large", 0)),
    ],
)
def test_money(amount: str, expected: tuple[str, str, int]) -> None:
    assert verdict("refund", order="A10001", amount=amount, reason="damaged") == expected


def test_an_amount_that_nobody_can_read_is_never_let_through() -> None:
    effect, _, _ = verdict("refund", order="A10001", amount="a lot", reason="damaged")
    assert effect == "deny"
    assert verdict("refund", order="A10001", reason="damaged")[0] != "allow"


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (REPLY, "replies"),
        ("Der Preis beträgt 1.299,00 Euro, z. B. für Artikel 4711.", "replies"),
        ("Your orders are at https://aurora.example/orders, thank you.", "replies"),
        ("Please log in at HTTPS://aurora.example@EVIL.example to go on.", "mail-links"),
        ("Please log in at http://203.0.113.7/verify to go on.", "mail-links"),
        ("Please log in at https://xn--aurra-jua.example/ to go on.", "mail-links"),
        ("Please log in at hxxp://evil.example/ to go on.", "mail-links"),
        ("Your card 4111-1111-1111-1111 was charged, thank you.", "mail-secrets"),
        (f"Your card {'41' + '1' * 14} was charged, thank you.", "mail-secrets"),
        ("We pay to DE02120300000000202051, thank you for waiting.", "mail-secrets"),
        ("Your key [secret:aws-access-key:00ff] is known to us.", "mail-secrets"),
    ],
)
def test_mails(text: str, rule: str) -> None:
    assert verdict("reply", language="en", text=text)[1] == rule


def test_what_no_rule_names_is_refused() -> None:
    assert verdict("delete_order", order="A10001")[:2] == ("deny", "builtin.default-deny")
    assert verdict("escalate", server="evil")[0] == "deny", "a tool of another server"
    assert verdict("escalate", server="zendesk")[:2] == ("allow", "escalations")


@pytest.mark.parametrize("tool", ["read_ticket", "search_tickets", "find_order", "list_orders"])
def test_reads_of_personal_data_have_authority_for_this_agent_alone(tool: str) -> None:
    assert verdict(tool)[0] == "allow"
    asked = Question(
        tool=tool, access="read", risk="low", personal_data=True, arguments="{}", agent="other"
    )
    assert Rules(RULES).judge("autonomous", asked).effect == "deny"


def test_people_budgets_and_credentials_stand_in_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_settings(variables={}, folder=HERE)
    finance = {name for name, each in found.people.items() if "finance" in each.roles}
    assert len(finance) >= 2, "two must be able to agree"
    assert {each.of for each in found.budgets} == {"tenant", "user", "agent", "global"}
    assert found.credentials["zendesk"].tools == ("escalate",)
    text = (HERE / "remit.toml").read_text().replace("above = 500 }", "above = 5000 }")
    (tmp_path / "remit.toml").write_text(text)
    with pytest.raises(ConfigError, match="must_match"):
        read_settings(variables={}, folder=tmp_path)


@pytest.mark.requirement("TOOL-13", "PERM-2")
async def test_a_mail_that_a_rule_refuses_does_not_leave(place: World) -> None:
    bad = {
        "reply": {"language": "en", "text": "The key [secret:password:0ff1] is right, we think."}
    }
    good = {"reply": {"language": "en", "text": REPLY}}
    async with opened(place, script(bad, good)) as desk:
        run = await begin(desk, "A-001")
        told = await events(desk, run)
    judged = [each.rule for each in told if isinstance(each, CallJudged) and each.tool == "reply"]
    assert judged == ["mail-secrets", "replies"]
    (mail,) = place.office.mails("anna.keller@mail.example")
    assert str(mail.get_content()).strip() == REPLY
