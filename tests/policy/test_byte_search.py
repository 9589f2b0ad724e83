"""RE2 over bytes: edges look back, wrong patterns name their place, one pass for many patterns."""

import pytest

from remit.errors import ConfigError
from remit.policy.byte_search import compiled, sieve


def test_edges_see_what_stands_around_the_searched_part() -> None:
    finder = compiled(r"\bab\b", "test")
    assert finder.search(b"xab ab") is not None
    assert finder.search(b"xab", 1) is None
    assert finder.search(b"abx", 0, 2) is None
    assert finder.match(b"ab ab", 3) is not None
    assert finder.fullmatch(b"ab ") is None


def test_a_pattern_of_bytes_reads_any_bytes() -> None:
    hit = compiled(b"\xff\x00", "test").search(b"a\xff\x00")
    assert hit is not None
    assert hit.span() == (1, 3)


@pytest.mark.parametrize("pattern", ["(", rb"[", "a{2,1}", r"\1"])
def test_a_wrong_pattern_is_named(pattern: str | bytes) -> None:
    with pytest.raises(ConfigError, match=r"^my rule: .* is not valid RE2"):
        compiled(pattern, "my rule")


def test_a_sieve_tells_which_patterns_occur_in_any_case() -> None:
    made = sieve(["key", "tok(?:en)?", "é"])
    assert sorted(made.Match(b"KEY and TOK") or []) == [0, 1]
    assert made.Match("É".encode()) == [2]
    assert not made.Match(b"nothing")
