"""A sieve keeps no rule back whose predicate fits a value, and most of the others it does."""

import pytest
from hypothesis import given, settings

from remit.policy import sieve
from remit.policy.leaves import Value, Words, leaves
from remit.policy.predicate import Asked
from remit.policy.sieve import fixed_ends, kind_of, sieve_of
from remit.policy.where import Where
from tests.policy.calls import VALUES, alike, json_of


def a(**said: object) -> Where:
    """A predicate over the argument `a`."""
    return Where.model_validate({"name": "a", **said})


def read(value: object) -> list[Value]:
    """The values as rules see them."""
    return [each for _, each in leaves(json_of({"a": value})) if not isinstance(each, Words)]


@pytest.mark.requirement("PERM-2")
@settings(max_examples=400)
@given(wheres=alike(), value=VALUES)
def test_no_rule_is_kept_back_that_may_fit(wheres: list[Where], value: object) -> None:
    asked = [Asked.of(each) for each in wheres]
    made = sieve_of(kind_of(asked[0]), [(1 << at, each) for at, each in enumerate(asked)])
    for each in read(value):
        bits = made.bits(each)
        kept_back = [
            wheres[at] for at, one in enumerate(asked) if one.test(each) and not bits & 1 << at
        ]
        unsaid = [
            wheres[at]
            for at, one in enumerate(asked)
            if one.test(each) is None and not bits & 1 << at
        ]
        assert (kept_back, unsaid) == ([], [])


@pytest.mark.parametrize(
    ("wheres", "value", "bits"),
    [
        ([a(equals="x"), a(one_of=("y", 5))], "x", 0b01),
        ([a(equals=5), a(one_of=("y", 6))], "6.0", 0b10),
        ([a(equals=5), a(equals="y")], float("nan"), 0b01),
        ([a(equals=True), a(equals=False)], "off", 0b10),
        ([a(equals=True), a(equals=False)], " Yes ", 0b01),
        ([a(above=5), a(at_most=4)], 6, 0b01),
        ([a(above=5), a(at_least=2, below=5)], 3, 0b10),
        ([a(above=5), a(below=5)], "x", 0),
        ([a(above=5), a(below=5)], "NaN", 0b11),
        ([a(glob="*@x"), a(glob=("ann*", "y"))], "b@x", 0b01),
        ([a(glob="*@x"), a(glob=("ann*", "y"))], "y", 0b10),
        ([a(pattern="x$"), a(pattern="^y")], "yx", 0b11),
        ([a(pattern="x$"), a(pattern="^y")], "xy", 0),
        ([a(pattern="x$"), a(pattern="^y")], "z" * 300, 0b11),
        ([a(pattern="x$"), a(pattern="^y")], "\ud800", 0b11),
        ([a(beneath="/a"), a(beneath="/b")], "/a/c", 0b01),
        ([a(beneath="/"), a(beneath="c")], "/a/b", 0b11),
        ([a(beneath="/a"), a(beneath="/b")], "$X/c", 0b11),
        ([a(host_in="a.b"), a(host_in="*.c.d")], "https://x.c.d", 0b10),
        ([a(host_in="127.0.0.1"), a(host_in="c.d")], "0x7f.1", 0b01),
        ([a(host_in="a.b"), a(host_in="c.d")], "http://u@c.d", 0b11),
    ],
)
def test_what_is_let_through(wheres: list[Where], value: object, bits: int) -> None:
    asked = [Asked.of(each) for each in wheres]
    made = sieve_of(kind_of(asked[0]), [(1 << at, each) for at, each in enumerate(asked)])
    (read_value,) = read(value)
    assert made.bits(read_value) == bits


def test_bounds_of_very_many_rules_share_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "_STEPS", 4)
    monkeypatch.setattr(sieve, "_LENGTHS", 2)
    above = [Asked.of(a(above=at)) for at in range(50)]
    made = sieve_of("range", [(1 << at, each) for at, each in enumerate(above)])
    for number in range(52):
        bits = made.bits(read(number)[0])
        fitting = sum(1 << at for at in range(50) if number > at)
        assert fitting & ~bits == 0
        assert bits.bit_count() - fitting.bit_count() <= 50 // 4 + 1
    ends = [Asked.of(a(glob="*" + "x" * at)) for at in range(9)]
    made = sieve_of("glob", [(1 << at, each) for at, each in enumerate(ends)])
    assert made.bits("y") == 1
    assert made.bits("x") == 0b111111  # those of up to five are looked up by their first letter
    assert made.bits("x" * 20) == (1 << 9) - 1


def test_what_no_sieve_is_for_is_asked_itself() -> None:
    assert kind_of(Asked.of(a(equals="x", negate=True))) == ""
    assert kind_of(Asked.of(a(danger="shell"))) == ""
    assert kind_of(Asked.of(a(private_host=True))) == ""


@pytest.mark.parametrize(
    ("glob", "ends"),
    [
        ("abc", ("abc", "abc")),
        ("a*c", ("a", "c")),
        ("*", ("", "")),
        ("a?b*cd", ("a", "cd")),
        ("a[b]c", ("a", "c")),
        ("a[b", ("a", "")),
        ("a]b*c", ("a]b", "c")),
        ("[!]]x", ("", "x")),
    ],
)
def test_the_fixed_ends_of_a_glob(glob: str, ends: tuple[str, str]) -> None:
    assert fixed_ends(glob) == ends
