"""`remit policy` explains verdicts, tries the examples of rules, and lists what would change."""

from pathlib import Path
from typing import cast

import pytest

from tests.cli.terminal import Remit
from tests.cli.test_show import run_of

RULES = """
[[rules]]
id = "no-refund-of-17"
effect = "deny"
tool = "refund_order"
reason = "order 17 is a test"
where = [{ name = "order", equals = "17" }]
must_match = [{ arguments = { order = "17" } }]
must_not_match = [{ arguments = { order = "18" } }]
"""


def refunds(remit: Remit) -> list[tuple[str, str]]:
    """(run, call) of judged refunds."""
    wholes = [remit.rows("replay", row["run"]) for row in remit.rows("runs")]
    return [
        (str(run["run"]), str(event["call"]))
        for whole in wholes
        for run in whole
        for step in cast("list[dict[str, object]]", run["steps"])
        for event in cast("list[dict[str, object]]", step["events"])
        if event["type"] == "CallJudged" and event["tool"] == "refund_order"
    ]


@pytest.mark.requirement("PERM-1")
def test_rules_are_tried_against_their_examples(remit: Remit, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(RULES)
    bad.write_text(RULES.replace('order = "18"', 'order = "17"'))
    assert "1 rules, 2 examples: all good" in remit.good("policy", "test", good)
    assert remit.tree("policy", "test", good) == {"rules": 1, "examples": 2, "problems": []}
    failed = remit("policy", "test", good, bad)
    assert failed.exit_code == 1
    assert "no-refund-of-17" in failed.stdout
    assert "must_not_match[0]" in failed.stdout
    assert remit("policy", "test", bad, "--json").exit_code == 1


@pytest.mark.requirement("PERM-1")
def test_a_file_that_is_none_is_told(remit: Remit, tmp_path: Path) -> None:
    missing = remit("policy", "test", tmp_path / "none.toml")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
    broken = tmp_path / "broken.toml"
    broken.write_text(RULES.replace('"deny"', '"never"'))
    wrong = remit("policy", "test", broken)
    assert wrong.exit_code == 2
    assert "rule 'no-refund-of-17': effect = 'never'" in wrong.stderr


@pytest.mark.requirement("PERM-3")
def test_a_call_of_the_past_is_explained(remit: Remit) -> None:
    run, call = refunds(remit)[0]
    tree = remit.tree("policy", "explain", f"{run}:{call}")
    assert tree["tool"] == "refund_order"
    assert cast("dict[str, object]", tree["verdict"])["effect"] == "ask"
    rules = {str(each["id"]): each for each in cast("list[dict[str, object]]", tree["rules"])}
    assert rules["remit.approvals.refund_order"]["matched"]
    assert rules["remit.approvals.add_note"]["failed"] == "tool add_note"
    assert tree["journalled"] == {"effect": "ask", "rule": "remit.approvals.refund_order"}
    text = remit.good("policy", "explain", f"{run}:{call}")
    assert "[x] ask   remit.approvals.refund_order" in text
    assert "ask 1 by remit.approvals.refund_order" in text


def test_a_call_that_is_none_is_told(remit: Remit) -> None:
    run = run_of(remit, "help me")
    assert remit("policy", "explain", f"{run}:c99-1").exit_code == 1
    assert remit("policy", "explain", "nothing").exit_code == 2
    assert "add --agent" in remit("policy", "explain", "tool", "{}").stderr


@pytest.mark.requirement("PERM-5")
def test_a_call_that_might_be_made_is_explained(remit: Remit) -> None:
    Path("remit.toml").write_text(f'{RULES}\n[modes.users]\n"acme/ann" = "plan"\n')
    note, refund = '{"text":"x"}', '{"order":"17"}'
    shop = ("--agent", "tests.cli.shop:clerk")
    allowed = remit("policy", "explain", "add_note", note, *shop, "--tenant", "acme")
    assert allowed.exit_code == 0, allowed.stderr
    assert "allow by remit.approvals.add_note" in allowed.stdout
    planned = remit(
        "policy", "explain", "add_note", note, *shop, "--tenant", "acme", "--user", "ann"
    )
    assert (planned.exit_code, "deny by mode.plan" in planned.stdout) == (1, True)
    denied = remit("policy", "explain", "refund_order", refund, *shop)
    assert "[x] deny  no-refund-of-17" in denied.stdout
    assert "order 17 is a test" in denied.stdout
    assert "no: tool refund_order" in allowed.stdout
    assert remit("policy", "explain", "unheard", "{}", *shop).exit_code == 2
    assert remit("policy", "explain", "add_note", "{", *shop).exit_code == 2


@pytest.mark.requirement("AUD-6")
def test_past_calls_whose_verdict_would_change_are_listed(remit: Remit, tmp_path: Path) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text("")
    new.write_text(RULES.replace('equals = "17"', 'not = true, equals = "none"'))
    new.write_text(
        new.read_text().replace(
            'must_not_match = [{ arguments = { order = "18" } }]',
            'must_not_match = [{ arguments = { order = "none" } }]',
        )
    )
    same = remit.tree("policy", "diff", old, old)
    assert (same["changed"], same["changes"]) == (0, [])
    assert cast("int", same["calls"]) > len(refunds(remit))
    late = remit.tree("policy", "diff", old, new, "--since", "0s")
    assert (late["calls"], late["changed"]) == (0, 0)
    changed = remit("policy", "diff", old, new, "--json")
    assert changed.exit_code == 1
    shown = remit("policy", "diff", "-", new)
    assert shown.exit_code == 1
    for run, call in refunds(remit):
        assert f'"call": "{call}"' in changed.stdout
        assert run in changed.stdout
    assert "+ deny by no-refund-of-17: order 17 is a test" in shown.stdout
    assert "- ask 1 by remit.approvals.refund_order" in shown.stdout
    few = remit("policy", "diff", "-", new, "--limit", "0")
    assert "more; --limit shows them" in few.stdout
    assert remit("policy", "diff", old, new, "--since", "nonsense").exit_code == 2
