"""Patterns are compiled once, searched in linear time, and refused when they are not RE2."""

from unittest.mock import patch

import pytest

from remit.errors import SpecError
from remit.policy.linear import PatternSet, compiled, pattern_set, searching


def test_a_pattern_is_searched_anywhere_in_the_text() -> None:
    assert compiled("b+").search("abbc") is not None
    assert compiled("^b").search("abbc") is None


def test_the_same_pattern_is_compiled_once() -> None:
    assert compiled("once") is compiled("once")


@pytest.mark.parametrize("pattern", ["(", "[", "a{2", "(?=ahead)", r"(a)\1", "*"])
def test_what_is_not_re2_is_refused_with_the_pattern_named(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if pattern == "a{2":
        assert compiled(pattern).search("a{2") is not None
        return
    with pytest.raises(SpecError) as refused:
        compiled(pattern)
    assert repr(pattern) in str(refused.value)
    assert capfd.readouterr().err == ""


def test_a_pattern_that_explodes_elsewhere_answers() -> None:
    # Backtracking engines need 2^5000 steps for this; a hang would end in the suite's timeout.
    assert compiled("^(a+)+$").search("a" * 5000 + "b") is None


def test_many_patterns_are_searched_at_once() -> None:
    made = pattern_set(("x$", "^y", "(?i)Z"))
    assert sorted(made.search("yx") or []) == [0, 1]
    assert made.search("az") == [2]
    assert made.search("a") == []
    assert made.search("\ud800") is None
    assert pattern_set(("x$", "^y", "(?i)Z")) is made


def test_a_set_that_cannot_say_says_so() -> None:
    """RE2 answers that nothing fits when its memory is used up."""
    made = PatternSet(["x"])
    with patch.object(made, "_set") as starved:
        starved.Match.return_value = []
        assert made.search("x") is None


def test_half_a_surrogate_pair_is_a_character() -> None:
    occurs = searching("^.x$")
    assert occurs("\ud800x")
    assert not occurs("\ud800y")
