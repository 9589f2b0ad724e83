"""A file of secret rules is read strictly: each error names file, rule, key, value and remedy."""

import pytest

from remit.errors import ConfigError
from remit.policy.rule_book import MAX_BOOK, MAX_RULES, RuleBook, check_examples, read_rules
from remit.policy.secret_rule import SecretRule

BASE = read_rules(
    "format = 1\n[parts]\nsign = '[:=]'\n[lists]\nsamples = ['^x{4}', '^your']\n", "base.toml"
)
TEXT = """format = 1
[parts]
both = 'k{sign}'
[lists]
all = ['{samples}', 'no{sign}']
[[rule]]
id = "own-key"
pattern = ['{both}', '([a-z]{3,})']
keywords = ["k"]
entropy = 1
more = '[a-z{sign}]'
sensitivity = "high"
allow = ["{all}"]
allow_match = ['m']
allow_before = ['b']
hits = ["k=«abc»"]
misses = ["k=xxxx"]
"""


def test_a_rule_is_read_with_its_parts_and_lists() -> None:
    book = read_rules(TEXT, "own.toml", BASE)
    assert book.rules == (
        SecretRule(
            "own-key",
            "k[:=]([a-z]{3,})",
            ("k",),
            entropy=1.0,
            allow=("^x{4}", "^your", "no[:=]"),
            allow_match=("m",),
            allow_before=("b",),
            more="[a-z[:=]]",
            sensitivity="high",
            source="own.toml",
            hits=("k=«abc»",),
            misses=("k=xxxx",),
        ),
    )
    assert book.parts == {"sign": "[:=]", "both": "k[:=]"}
    assert read_rules("format = 1", "empty.toml", book) == book
    assert read_rules("format = 1", "empty.toml") == RuleBook()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("format = 1", "format =", "own.toml: not valid TOML"),
        ("format = 1", "format = 2", "format = 2: write format = 1"),
        ("format = 1", "format = 1\nx = 1", "x = 1: unknown key; known are format"),
        ("[parts]\nboth =", "parts =", r"parts = .*: write a table \[parts\]"),
        ("both =", "Both =", "parts = 'Both': a name looks like"),
        ("both = 'k{sign}'", "both = 7", "parts.both = 7: write a string"),
        ("'k{sign}'", "'k{mark}'", "parts.both = '{mark}': there is no such part; known are sign"),
        ("['{samples}', 'no{sign}']", "'x'", "lists.all = 'x': write a list of patterns"),
        ("[[rule]]", "[rule]", r"rule = .*: write each of at most 1000 rules as \[\[rule\]\]"),
        ("[[rule]]", "rule = [1]\n[x]", "rule|unknown key"),
        ('id = "own-key"', "", "rule 'number 1': id is missing"),
        ('id = "own-key"', "id = 5", "rule 1: id = 5: write a string"),
        ("keywords =", "words =", r"rule 'own-key': words = \['k'\]: unknown key; known are allow"),
        ("pattern =", "# pattern =", "rule 'own-key': pattern is missing"),
        ('["k"]', '"k"', "rule 'own-key': keywords = 'k': write a list of strings"),
        ("entropy = 1", "entropy = true", "entropy = True: write bits per byte"),
        ("entropy = 1", "entropy = 9", "entropy = 9: write bits per byte"),
        ("entropy = 1", "entropy = 'x'", "entropy = 'x': write bits per byte"),
        ('"high"', '"huge"', "sensitivity = 'huge': write one of issued, low, normal, high, max"),
        ('hits = ["k=«abc»"]', "hits = [1]", r"hits = \[1\]: write a list of strings"),
        ("'([a-z]{3,})'", "'" + "{both}" * 5000 + "'", "more than 16000 letters"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=says) as caught:
        read_rules(TEXT.replace(old, new), "own.toml", BASE)
    assert str(caught.value).startswith("own.toml: ")


def test_bounds_hold() -> None:
    with pytest.raises(ConfigError, match="more than"):
        read_rules("#" * (MAX_BOOK + 1), "own.toml")
    with pytest.raises(ConfigError, match="at most"):
        read_rules("format = 1\n" + "[[rule]]\n" * (MAX_RULES + 1), "own.toml")
    with pytest.raises(ConfigError, match="write each rule as a table"):
        read_rules("format = 1\nrule = [1]", "own.toml")


def test_two_rules_with_one_id_are_refused() -> None:
    rule = TEXT[TEXT.index("[[rule]]") :]
    with pytest.raises(ConfigError, match=r"id = 'own-key': a rule of own.toml has this id"):
        read_rules(TEXT + rule, "own.toml", BASE)


def test_examples_are_tried() -> None:
    rule = SecretRule("a", "abb+", ("ab",), hits=("«abb»",), misses=("aa",))
    check_examples([rule])
    with pytest.raises(ConfigError, match="secret rule 'b': give at least one example"):
        check_examples([SecretRule("b", "abb+", ("ab",), hits=("«abb»",))])


@pytest.mark.parametrize(
    ("hits", "misses", "says"),
    [
        (("«abb»",), ("xabb",), r"own.toml: misses: 'xabb' is found but must not be"),
        (("«abx»",), ("aa",), r"hits: in '«abx»' the rule finds nothing instead"),
        (("a«bb»",), ("aa",), r"hits: in 'a«bb»' the rule finds another part of it"),
        (("abb",), ("aa",), "must hold one secret between « and »"),
        (("«abb» «abb»",), ("aa",), "must hold one secret between « and »"),
    ],
)
def test_an_example_that_does_not_hold_is_told(
    hits: tuple[str, ...], misses: tuple[str, ...], says: str
) -> None:
    rule = SecretRule("a", "abb+", ("ab",), hits=hits, misses=misses, source="own.toml")
    with pytest.raises(ConfigError, match=says):
        check_examples([rule])
