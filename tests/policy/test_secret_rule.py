"""A rule that will not do is refused with its name; entropy and acquittals judge what is found."""

import dataclasses

import pytest

from remit.errors import ConfigError
from remit.policy.secret_rule import MAX_SECRET, ArmedRule, SecretRule, entropy

RULE = SecretRule(
    "my-key",
    r"k=(?:\"([a-z0-9]+)|([a-f0-9]+))",
    ("k=",),
    entropy=1.5,
    allow=("^abc", "fade$"),
    allow_match=("k=.dead",),
    allow_before=("public_?",),
)


@pytest.mark.parametrize(("text", "bits"), [(b"", 0), (b"aaaa", 0), (b"abab", 1), (b"abcd", 2)])
def test_entropy_is_counted_in_bits_per_byte(text: bytes, bits: float) -> None:
    assert entropy(text) == bits


@pytest.mark.parametrize(("text", "secret"), [(b' k="xyz1', b"xyz1"), (b"k=12ab", b"12ab")])
def test_the_group_that_took_part_is_the_secret(text: bytes, secret: bytes) -> None:
    rule = ArmedRule(RULE)
    hit = rule.find.search(text)
    assert hit is not None
    start, end = rule.span(hit)
    assert text[start:end] == secret
    bare = ArmedRule(dataclasses.replace(RULE, pattern="k=x"))
    whole = bare.find.search(b" k=x")
    assert whole is not None
    assert bare.span(whole) == (1, 4)


@pytest.mark.parametrize(
    ("secret", "before", "guilty"),
    [
        (b"d1e2f3", b"", True),
        (b"ddddde", b"", False),
        (b"abc123", b"", False),
        (b"12fade", b"", False),
        (b"1dead7", b"", False),
        (b"d1e2f3", b"a public_", False),
        (b"d1e2f3", b"public, ", True),
    ],
)
def test_a_value_is_judged(secret: bytes, before: bytes, guilty: bool) -> None:
    assert ArmedRule(RULE).convicts(secret, b"k=" + secret, before) is guilty


def test_without_conditions_all_that_matches_is_a_secret() -> None:
    bare = ArmedRule(SecretRule("a", "abb*", ("ab",)))
    assert bare.convicts(b"abbb", b"abbb", b"")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "My Key"}, "an id looks like"),
        ({"id": "a" * 17}, "an id looks like"),
        ({"pattern": "(a"}, "not closed"),
        ({"pattern": "(?:k=)?a"}, "some match of the pattern holds no keyword"),
        ({"pattern": "k=" + "a{999}" * (MAX_SECRET // 2 // 999 + 1)}, "at most"),
        ({"pattern": "k=a{2,1}"}, "not valid RE2"),
        ({"keywords": ()}, "at least one keyword"),
        ({"keywords": ("ok", "é")}, "keyword"),
        ({"keywords": ('a"b',)}, "keyword"),
        ({"keywords": ("k",)}, "keyword"),
        ({"allow": ("(",)}, "allow: .* not valid RE2"),
        ({"allow_match": ("(",)}, "allow_match: .* not valid RE2"),
        ({"allow_before": ("(",)}, "allow_before: .* not valid RE2"),
        ({"keywords": ("kk",)}, "some match of the pattern holds no keyword"),
        ({"more": "["}, "more: .* not valid RE2"),
    ],
)
def test_a_wrong_rule_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        ArmedRule(dataclasses.replace(RULE, **change))  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.value).startswith("secret rule '")
