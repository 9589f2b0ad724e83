"""What a tool fills in for arguments that are not given counts against a call, never for it."""

import pytest

from remit.machine.declaring import tool
from remit.machine.left_out import left_out
from remit.policy.permission import Question, Rule, Rules
from remit.policy.where import Where

NESTED = """{"properties":{"deep":{"$ref":"#/$defs/Deep"},"many":{"items":{"$ref":"#/$defs/Deep"}},
"none":{"default":null},"maybe":{"anyOf":[{"$ref":"#/$defs/Deep"},{"type":"null"}]}},
"$defs":{"Deep":{"properties":{"kind":{"default":"live"},"deep":{"$ref":"#/$defs/Deep"}}}}}"""


@tool(access="write")
def pay(amount: str, currency: str = "EUR", dry_run: bool = False) -> str:
    """Pay."""
    return f"{amount} {currency} {dry_run}"


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("{}", ""),
        ('{"deep":{}}', '{"deep": {"kind": "live"}}'),
        ('{"deep":{"kind":"x","deep":{}}}', '{"deep": {"deep": {"kind": "live"}}}'),
        ('{"many":[{},{"kind":"x"}]}', '{"many": [{"kind": "live"}]}'),
        ('{"maybe":{}}', '{"maybe": {"kind": "live"}}'),
        ('{"maybe":null,"deep":5}', ""),
        ("[1]", ""),
    ],
)
def test_what_is_left_out_is_found_at_any_depth(arguments: str, found: str) -> None:
    assert left_out(NESTED, arguments) == found


def test_a_schema_may_refer_to_itself_and_say_odd_things() -> None:
    twice = '[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/A"}]'
    loop = f'{{"$ref":"#/$defs/A","default":1,"$defs":{{"A":{{"anyOf":{twice},"oneOf":{twice}}}}}}}'
    assert left_out(loop, "{}") == ""
    assert left_out('{"properties":5,"anyOf":5,"default":1}', "{}") == ""
    for depth, seen in ((40, 40), (300, 63)):
        deep = '{"deep":' * depth + "{}" + "}" * depth
        assert left_out(NESTED, deep).count("live") == seen


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("arguments", "verdicts"),
    [
        ('{"amount":"5"}', ("deny", "deny", "deny")),
        ('{"amount":"5","currency":"USD"}', ("deny", "deny", "deny")),
        ('{"amount":"5","currency":"EUR","dry_run":true}', ("deny", "allow", "deny")),
        ('{"amount":"5","currency":"USD","dry_run":true}', ("deny", "deny", "allow")),
    ],
)
def test_a_rule_that_denies_sees_it_and_one_that_allows_does_not(
    arguments: str, verdicts: tuple[str, str, str]
) -> None:
    real = Rule(id="no", effect="deny", tool="pay", where=(Where(name="dry_run", equals=False),))
    euros, dollars = (
        Rule(id="yes", effect="allow", tool="pay", where=(Where(name="currency", equals=name),))
        for name in ("EUR", "USD")
    )
    nothing = Rule(id="not", effect="deny", tool="pay", where=(Where(name="*", glob=("[EU]*",)),))
    asked = Question(
        tool="pay",
        access="write",
        risk="low",
        arguments=arguments,
        left_out=left_out(pay.spec.parameters, arguments),
    )
    told = (
        Rules([nothing, euros]).judge("autonomous", asked).effect,
        Rules([real, euros]).judge("autonomous", asked).effect,
        Rules([real, dollars]).judge("autonomous", asked).effect,
    )
    assert told == verdicts
    alone = Rules([euros]).judge("autonomous", asked)
    assert (alone.effect == "allow") == ('"EUR"' in arguments)
