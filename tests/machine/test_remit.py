"""What a remit declares becomes limits and rules."""

import pytest

from remit.machine.remit import Remit
from remit.policy.permission import Rule
from tests.machine.bench import make_agent
from tests.machine.toolbox import pay_bill, send_mail


@pytest.mark.requirement("BUD-1", "BUD-2", "BUD-5", "BUD-6", "TOOL-16")
def test_the_remit_becomes_limits() -> None:
    remit = Remit(
        cost_usd="2.00",
        tokens=1_000,
        session_cost_usd="10",
        session_tokens=9_000,
        turns=7,
        tool_calls=3,
        timeout="5m",
        approval_timeout="2h",
    )
    limits = make_agent(remit=remit).spec(str).limits
    assert (limits.cost_nano, limits.tokens) == (2 * 10**9, 1_000)
    assert (limits.session_cost_nano, limits.session_tokens) == (10**10, 9_000)
    assert (limits.turns, limits.tool_calls, limits.timeout_ms) == (7, 3, 300_000)
    assert limits.approval_ms == 7_200_000
    assert make_agent().spec(str).limits.session_cost_nano is None


@pytest.mark.requirement("PERM-6")
def test_approvals_become_rules_after_the_declared_ones() -> None:
    own = Rule(id="own", effect="deny", tool="x")
    rules = Remit(rules=[own], approvals={send_mail: 0, pay_bill: 2, "write_*": 1}).all_rules()
    assert [(rule.id, rule.effect, rule.tool, rule.needed) for rule in rules] == [
        ("own", "deny", "x", 1),
        ("remit.approvals.send_mail", "allow", "send_mail", 1),
        ("remit.approvals.pay_bill", "ask", "pay_bill", 2),
        ("remit.approvals.write_*", "ask", "write_*", 1),
    ]
