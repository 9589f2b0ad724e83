"""Deny sets are put before tools by name."""

import pytest

from remit.errors import SpecError
from remit.policy.deny_sets import deny_rules
from remit.policy.permission import Question, judge


@pytest.mark.requirement("PERM-1")
def test_a_set_looks_at_every_argument_of_its_tool() -> None:
    rules = deny_rules([("run", "shell"), ("save", ("file", "http"))])
    assert [rule.id for rule in rules] == ["remit.deny-set.run", "remit.deny-set.save"]

    def rule_for(tool: str, arguments: str) -> str:
        question = Question(tool=tool, access="write", risk="low", arguments=arguments)
        return judge(rules, "autonomous", question).rule

    assert rule_for("run", '{"a":{"b":["rm -rf /"]}}') == "remit.deny-set.run"
    assert rule_for("run", '{"a":"ls"}') == "builtin.default-deny"
    assert rule_for("save", '{"to":"/etc/shadow"}') == "remit.deny-set.save"


def test_a_set_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="name one or more of shell, sql"):
        deny_rules([("run", "poetry")])
