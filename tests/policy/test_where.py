"""Predicates over arguments: exact numbers, hosts, paths; what is unknown counts against a call."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from remit.policy.permission import Effect, Question, Rule, matches
from remit.policy.where import Number, Where


def asked(arguments: str | object) -> Question:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Question(tool="pay", access="write", risk="low", arguments=text)


def fits(where: Where, arguments: str | object, effect: Effect = "deny") -> bool:
    return matches(Rule(id="r", effect=effect, tool="*", where=(where,)), asked(arguments))


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("given_as", "amount", "hit"),
    [
        ({"above": 500}, "500.000000000000000000001", True),
        ({"above": 500}, "500", False),
        ({"above": "0.1"}, "0.10000000000000000001", True),
        ({"above": 500}, "5e2", False),
        ({"above": 500}, "5.01E+2", True),
        ({"above": 500}, '"501"', True),
        ({"above": 500}, '" 5_01 "', True),
        ({"above": 500}, '"many"', False),
        ({"above": 500}, '"NaN"', True),
        ({"above": 500}, '"Infinity"', True),
        ({"above": 500}, "1e99999999999999999999", True),
        ({"above": 500}, "null", False),
        ({"above": 0}, "true", True),
        ({"at_least": 500}, "500.0", True),
        ({"at_least": 500}, "499.99", False),
        ({"below": -1}, "-1.5", True),
        ({"below": -1}, "-1", False),
        ({"at_most": 3, "at_least": 2}, "2.5", True),
        ({"at_most": 3, "at_least": 2}, "3.1", False),
        ({"equals": 500}, "5.00e2", True),
        ({"equals": 500}, '"500.0"', True),
        ({"equals": 500}, "501", False),
        ({"equals": 500}, '"x"', False),
        ({"equals": 500}, '"NaN"', True),
        ({"equals": True}, "true", True),
        ({"equals": True}, '"Yes"', True),
        ({"equals": True}, "1", True),
        ({"equals": True}, "false", False),
        ({"equals": False}, '"off"', True),
        ({"equals": "x"}, '"x"', True),
        ({"equals": "500"}, "5e2", True),
        ({"in": [1, "b", False]}, "1.0", True),
        ({"in": [1, "b", False]}, '"b"', True),
        ({"in": [1, "b", False]}, '"no"', True),
        ({"in": [1, "b", False]}, '"c"', False),
        ({"in": [1]}, '"nan"', True),
        ({"glob": ["*.exe", "a?"]}, '"setup.exe"', True),
        ({"glob": "*.exe"}, '"setup.sh"', False),
        ({"pattern": "^a+$"}, '"aa"', True),
        ({"not": True, "pattern": "^a+$"}, '"b"', True),
        ({"not": True, "above": 5}, '"NaN"', True),
        ({"beneath": "/etc"}, '"/etc/../etc/x"', True),
        ({"beneath": ["/etc", "/usr"]}, '"../x"', True),
        ({"beneath": "/etc"}, '"src/a"', False),
        ({"host_in": ["evil.example", "*.bad.example"]}, '"https://EVIL.example./x"', True),
        ({"host_in": ["*.bad.example"]}, '"https://a.b.bad.example"', True),
        ({"host_in": ["*.bad.example"]}, '"https://bad.example"', False),
        ({"host_in": ["127.0.0.1"]}, '"http://0x7f.1/"', True),
        ({"host_in": ["127.0.0.1"]}, '"http://8.8.8.8/"', False),
        ({"host_in": ["evil.example"]}, '"https://a@b"', True),
        ({"private_host": True}, '"http://2130706433/"', True),
        ({"private_host": True}, '"https://good.example"', False),
        ({"private_host": True}, '"a b"', True),
        ({"danger": "shell"}, '["rm", "-rf", "/"]', True),
        ({"danger": "shell"}, '["it\'s", "fine"]', False),
        ({"danger": ["file", "http"]}, '["/etc/shadow", "x"]', True),
        ({"danger": "sql"}, "5", False),
        ({"danger": "sql"}, "true", False),
    ],
)
def test_a_predicate_of_a_rule_that_denies(
    given_as: dict[str, object], amount: str, hit: bool
) -> None:
    where = Where.model_validate({"name": "amount", **given_as})
    assert fits(where, f'{{"amount":{amount}}}') is hit
    assert Where.model_validate_json(where.model_dump_json()) == where
    assert where.told().startswith("amount")


@pytest.mark.parametrize(
    ("given_as", "amount", "hit"),
    [
        ({"at_most": 500}, "500", True),
        ({"at_most": 500}, '"NaN"', False),
        ({"at_most": 500}, "[1, 501]", False),
        ({"at_most": 500}, "[1, 2]", True),
        ({"at_most": 500}, "[]", False),
        ({"glob": "a*"}, '["a", "ab"]', True),
        ({"beneath": "/srv"}, '"/srv/../etc"', False),
        ({"beneath": "/srv"}, '"/srv/$X"', False),
        ({"beneath": "/srv"}, '"/srv/a"', True),
        ({"host_in": ["good.example"]}, '"https://good.example/a"', True),
        ({"host_in": ["good.example"]}, '"https://good.example@evil"', False),
        ({"not": True, "danger": "shell"}, '["ls", "-la"]', True),
        ({"not": True, "danger": "shell"}, '["rm", "-rf", "/"]', False),
    ],
)
def test_a_predicate_of_a_rule_that_allows_must_fit_every_value_for_certain(
    given_as: dict[str, object], amount: str, hit: bool
) -> None:
    where = Where.model_validate({"name": "amount", **given_as})
    assert fits(where, f'{{"amount":{amount}}}', "allow") is hit


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("a.b.c", True),
        ("a.*.c", True),
        ("*.b.c", True),
        ("*.c", False),
        ("*", True),
        ("a.b", False),
    ],
)
def test_a_dotted_path_with_stars_for_any_key(name: str, hit: bool) -> None:
    assert fits(Where(name=name, equals="x"), {"a": {"b": [{"c": "x"}]}}) is hit


def test_the_argument_itself_may_be_no_object() -> None:
    assert fits(Where(name="*", equals=Number(number="3")), "3")
    assert fits(Where(name="*", equals="x"), '["x"]')


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"equals": 1, "glob": "a"},
        {"above": "many"},
        {"above": True},
        {"above": "NaN"},
        {"above": [1]},
        {"danger": "poetry"},
        {"unknown": 1},
        {"equals": [1]},
    ],
)
def test_a_predicate_says_exactly_one_thing(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Where.model_validate({"name": "a", **wrong})


def test_numbers_keep_their_digits() -> None:
    assert Where(name="a", equals=Number(number="1.10")).told() == "a equals 1.10"
    assert Where.model_validate({"name": "a", "in": [1, "b"]}).told() == "a in 1, 'b'"
    assert Where.model_validate({"name": "a", "in": [True]}).told() == "a in True"
    assert Where(name="a", private_host=True, negate=True).told() == "a not leads inside"
    assert Where(name="a", above="1", below="2").told() == "a > 1 and < 2"


@given(number=st.decimals(allow_nan=False, allow_infinity=False))
def test_a_bound_holds_for_every_way_to_write_a_number(number: object) -> None:
    where = Where(name="a", at_least=str(number), at_most=str(number))
    assert fits(where, f'{{"a":"{number}"}}')
