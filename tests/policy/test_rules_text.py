"""Rules in a file: what is wrong is told with file, rule, key, value and remedy."""

import pytest

from remit.errors import ConfigError
from remit.policy import rules_text
from remit.policy.rules_text import MAX_FILE, lines_of, read_rules_text

GOOD = """
url = "sqlite:///x.db"

[[rules]]
id = "no-big"
effect = "deny"
tool = "refund"
reason = "large refunds are for people"
where = [{ name = "amount", above = 500.10 }]
must_match = [{ arguments = { amount = 500.11 } }]
must_not_match = [{ arguments = { amount = 500.10 } }]
"""


@pytest.mark.requirement("PERM-1", "PERM-2")
def test_rules_are_read_with_exact_numbers_and_their_source() -> None:
    (rule,) = read_rules_text(GOOD, "remit.toml")
    assert rule.where[0].above == "500.10"
    assert rule.source == "remit.toml"
    assert read_rules_text("", "x") == ()


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"deny"', '"forbid"', "rule 'no-big': effect = 'forbid': Input should be"),
        ("above = 500.10", 'above = "many"', "rule 'no-big': where.0.above = 'many'"),
        ("above = 500.10", 'pattern = "("', "rule 'no-big': the pattern '(' is not valid RE2"),
        ("where =", "were =", "were = "),
        ("where =", "were =", ": unknown key; known keys: id, effect"),
        ("above = 500.10", 'in = "x"', "where.0.in = 'x': write a list, such as ['x']"),
        ("above = 500.10", 'pattern = "("', "is not valid RE2: missing ): ("),
        ('id = "no-big"', "", "rule number 1: id: Field required"),
        ('id = "no-big"', 'id = ""', "id is empty"),
        ('reason = "large refunds are for people"', "", "reason is empty"),
        ("must_match = [{ arguments = { amount = 500.11 } }]", "", "must_match = []"),
        ("500.11", "1", 'must_match[0] = {"amount":1} is not matched'),
        ('tool = "refund"', 'tool = "refund"\nsource = "x"', "source: unknown key"),
        ("[[rules]]", "[[rules]", "not valid TOML"),
        ("[[rules]]", "[rules]", "write each of at most"),
    ],
)
def test_what_is_wrong_is_told(old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rules_text(GOOD.replace(old, new), "remit.toml")
    assert str(caught.value).startswith(("remit.toml:4: ", "remit.toml: "))
    assert told in str(caught.value)


@pytest.mark.requirement("PERM-1")
def test_the_line_is_told_where_it_is_certain() -> None:
    assert lines_of(GOOD) == (4,)
    other = GOOD.partition('db"\n')[2].replace("no-big", "other").replace("500.11", "1")
    two = GOOD + other
    with pytest.raises(ConfigError, match=rf"^x:{lines_of(two)[1]}: rule 'other': must_match"):
        read_rules_text(two, "x")
    quoting = f'note = """\n[[rules]]\n"""\n{GOOD.replace("500.11", "1")}'
    with pytest.raises(ConfigError, match=r"^x: rule 'no-big': must_match"):
        read_rules_text(quoting, "x")


def test_bounds_and_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="more than"):
        read_rules_text(" " * (MAX_FILE + 1), "x")
    with pytest.raises(ConfigError, match="entry 1 is no table"):
        read_rules_text("rules = [5]", "x")
    with pytest.raises(ConfigError, match="two rules have this id"):
        read_rules_text(GOOD + GOOD.partition('db"\n')[2], "x")
    monkeypatch.setattr(rules_text, "MAX_RULES", 0)
    with pytest.raises(ConfigError, match="at most 0"):
        read_rules_text(GOOD, "x")


def test_examples_may_be_left_to_be_tried_later() -> None:
    assert len(read_rules_text(GOOD.replace("500.11", "1"), "x", tried=False)) == 1
