"""The beginning of a match is recognised for every pattern; what the language lacks is refused."""

import random
import re
from functools import lru_cache

import pytest

from remit.errors import ConfigError
from remit.policy import secret_pattern
from remit.policy.byte_search import compiled
from remit.policy.secret_pattern import MAX_GROUPS, MAX_PATTERN, Node, parse
from tests.policy.redaction import BUILTIN

PATTERNS = [
    ("ab", ["ab"]),
    ("xa|bc|d-", ["a", "c", "d-"]),
    ("a?b{0,50}c{1,3}d{2}ee{1,}f{0,30}", ["dd", "e"]),
    ("(?:ab|ac){2,3}(d)(?:(?:e f)?)*", ["ab", "d"]),
    (r"(?i:Key)[\s:=]{1,4}(\"[^\"\]]+|'x')?", ["key"]),
    ("k[a-z]{0,9}?-(?:ab){1,3}?c??d", ["k"]),
    (r"\bx\B[]a]\.\n[^a-z]-\d.", ["x", "-"]),
    ("(?:(?:a{1,2}b){1,30}c)?dd", ["dd"]),
    ("-(?i:xa|bcx)-", ["x"]),
    ("(?i:(?:a-){0,2}bb)c", ["bb"]),
    ("(?:key){1,2}[a-z](?:key)", ["key"]),
    *[(rule.pattern, [word.lower() for word in rule.keywords]) for rule in BUILTIN],
]
CHARACTERS = [chr(code) for code in range(32, 127)] + ["\n", "\r", "\t"]


@lru_cache
def members(atom: str) -> list[str]:
    """The characters that an atom stands for."""
    return [each for each in CHARACTERS if re.fullmatch(atom, each)]


def sample(node: Node, dice: random.Random) -> str:
    """Some text that a pattern matches, but for its edges."""
    match node:
        case secret_pattern.Atom():
            return dice.choice(members(node.source))
        case secret_pattern.Edge():
            return ""
        case secret_pattern.Chain():
            return "".join(sample(each, dice) for each in node.nodes)
        case secret_pattern.Choice():
            return sample(dice.choice(node.options), dice)
        case secret_pattern.AnyCase():
            text = sample(node.node, dice)
            return dice.choice([text, text.upper(), text.title()])
        case secret_pattern.Repeat():
            extra = 3 if node.most is None else node.most - node.least
            times = node.least + dice.choice([0, min(extra, 2), extra])
            return "".join(sample(node.node, dice) for _ in range(times))


@pytest.mark.requirement("SEC-4")
@pytest.mark.parametrize(("source", "keywords"), PATTERNS)
def test_every_beginning_of_a_match_is_a_beginning(source: str, keywords: list[str]) -> None:
    pattern = parse(source, "test", keywords)
    assert pattern.groups == re.compile(source).groups
    begins = compiled(pattern.begun, "test")
    opens = compiled(pattern.opening, "test")
    finder = compiled(source, "test")
    node = secret_pattern._Parser(source, "test").choice(0)
    whole = compiled(secret_pattern.full(node), "test")
    seen = 0
    for seed in range(60):
        data = sample(node, random.Random(seed)).encode()
        hit = finder.match(data)
        if hit is None:  # the edges do not fit
            continue
        seen += 1
        end = hit.span()[1]
        assert end >= pattern.least
        again = whole.match(data)
        assert again is not None
        assert again.span() == hit.span()
        assert any(word.encode() in data[:end].lower() for word in keywords)
        for size in {*range(min(60, end)), end, *range(0, end, 97)}:
            assert begins.fullmatch(data[:size]) is not None
            if not any(word.encode() in data[:size].lower() for word in keywords):
                assert opens.fullmatch(data[:size]) is not None
    assert seen >= 4


@pytest.mark.parametrize(
    ("source", "least", "most"),
    [
        ("ab?", 1, 2),
        ("(?:a{2,3}|b){2}", 2, 6),
        ("x{3,}", 3, 3),
        (r"c{2}(?i:\bab)*", 2, 2),
        ("", 0, 0),
    ],
)
def test_the_width_is_known(source: str, least: int, most: int) -> None:
    pattern = parse(f"kk{source}", "test", ["kk"])
    assert (pattern.least, pattern.most) == (least + 2, most + 2)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a" * (MAX_PATTERN + 1), "too long"),
        ("é", "strange character"),
        ("a\nb", "strange character"),
        ("a)", r"'\)' without '\('"),
        ("(a", r"position 0: this '\(' is not closed"),
        ("[a", "class is not closed"),
        (r"[\x41]", "class is not closed"),
        ("[[:alpha:]]", "class is not closed"),
        ("^a", "may not stand here"),
        ("a$", "may not stand here"),
        ("*a", "may not stand here"),
        ("a{,3}", "a repetition looks like"),
        ("a{x}", "a repetition looks like"),
        ("a+?", "lazy"),
        ("a{2}{3}", "repetition of a repetition"),
        (r"\b+", "edge cannot be repeated"),
        (r"\pL", "escape"),
        (r"\x41", "escape"),
        ("a\\", "escape"),
        ("(?P<n>a)", "are supported"),
        ("(" * (MAX_GROUPS + 2) + ")" * (MAX_GROUPS + 2), "nested deeper"),
        ("a+b", "only optional parts may follow"),
        (r"a+\b", "only optional parts may follow"),
        ("(?:a+|b)(?:c)", "only optional parts may follow"),
        ("(?:a+){2}", "only optional parts may follow"),
        ("(?:x*(?:y|z))?w", "only optional parts may follow"),
        ("(?i:a*b)", "only optional parts may follow"),
        ("a+(?:b?|c)(?:d|e)", "only optional parts may follow"),
    ],
)
def test_what_a_stream_could_not_bound_or_read_is_refused(source: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        parse(source, "secret rule 'x'", ["a"])
    assert str(caught.value).startswith("secret rule 'x'")


@pytest.mark.parametrize(
    ("source", "keyword"),
    [
        ("a|b", "a"),
        ("[a]b", "ab"),
        ("a(?:b|c)", "ab"),
        ("(?:ab)?c", "ab"),
        ("(?i:a|b)", "b"),
        (r"a\bb", "ab"),
        ("a", "aa"),
        ("", "a"),
        ("a", ""),
    ],
)
def test_a_pattern_that_may_match_without_a_keyword_is_refused(source: str, keyword: str) -> None:
    with pytest.raises(ConfigError, match="holds no keyword"):
        parse(source, "test", [keyword])


@pytest.mark.parametrize("source", ["a+b?", "a+(?:b|c?)(?i:d?e*)", "(?:a+){1}", "a{2}(?:b{3,})+"])
def test_optional_parts_may_follow_an_endless_one(source: str) -> None:
    assert parse(f"kk{source}", "test", ["kk"]).least > 2
