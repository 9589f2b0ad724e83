"""Secrets are found from left to right, alike in one piece and in many, within bounds."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.policy import secret_scan
from remit.policy.redact import Redactor
from remit.policy.secret_rule import LOOKBACK, MAX_SECRET, SecretRule
from remit.policy.secret_scan import (
    MAX_PLACEHOLDER,
    Region,
    Scan,
    SecretRules,
    blank,
    first_byte,
    is_placeholder,
    whole_until,
)
from remit.policy.specimen import planted
from tests.policy.redaction import BUILTIN, RULES, cut, placeholder, streamed

# Small rules that overlap in every way: endless, of fixed width, with context, across spaces.
SMALL = [
    SecretRule("run-a", r"\bab[a-d]{3,}", ("ab",), more="[a-d]"),
    SecretRule("fix-b", r"(?:cd|da|db)[ab]{4}", ("cd", "da", "db"), allow=("aaa$",)),
    SecretRule("context-c", r"k=\s{0,3}([a-f]{2,})(?: z)?", ("k=",), allow=("^bad",), more="[a-f]"),
    SecretRule("any-d", r"(?i:qz)[^\s]{2,5}!(?:[^!]{1,9}!)*", ("qz",), more=r"[^\s]"),
]
KNOWN = {"first": "abc-kkk", "second": "kkkdéd!"}
TEXTS = st.text(st.sampled_from("abcdk= qz!é"), max_size=120)
REAL = Redactor(placeholder, RULES)


@pytest.fixture(scope="module", params=[(12, 0), (15, 4), (40, 1), (16_384, 256)])
def bounds(request: pytest.FixtureRequest) -> Iterator[int]:
    """Small bounds, so that short texts reach them."""
    limit, slack = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret_scan, "MAX_SECRET", limit)
        patch.setattr(secret_scan, "SLACK", slack)
        patch.setattr(secret_scan, "WINDOW", 2 * limit)
        yield limit


@pytest.mark.requirement("SEC-4")
@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, st.integers(0, 30), st.integers(1, 20), st.booleans())
def test_chunks_do_not_change_what_is_found(
    bounds: int, left: str, right: str, run: int, size: int, known: bool
) -> None:
    redactor = Redactor(placeholder, SecretRules(SMALL, KNOWN if known else {}))
    text = f"{left}ab{'abcd' * run}{right}"
    cleaned = redactor.clean(text)
    stream = redactor.stream()
    pieces = [stream.feed(piece) for piece in cut(text, size)]
    assert "".join([*pieces, stream.finish()]) == cleaned.text
    assert tuple(stream.found) == cleaned.found


@pytest.mark.requirement("SEC-4")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_chunks_of_secrets_run_into_each_other_do_not_change_what_is_found(
    data: st.DataObject,
) -> None:
    hits = [planted(hit)[0] for rule in BUILTIN for hit in rule.hits]
    part = st.sampled_from([*hits, placeholder("jwt", "x"), "é", " ", '"', "=", "key", "://"])
    parts = data.draw(st.lists(st.tuples(part, st.integers(0, 60), st.booleans()), max_size=8))
    text = "".join(part[at:] if tail else part[:at] for part, at, tail in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert streamed(REAL, pieces) == REAL.clean(text).text


def test_a_secret_that_is_too_long_is_dropped_to_its_end() -> None:
    body = "aB3dE" * 10_000
    text = f"x sk-ant-{body} y"
    cleaned = REAL.clean(text)
    (found,) = cleaned.found
    assert cleaned.text == f"x {found.placeholder} y"
    assert len(found.secret) == MAX_SECRET
    assert streamed(REAL, cut(text, 1000)) == cleaned.text
    rules = RULES
    assert rules.regions(text.encode()) == [
        Region(2, 2 + MAX_SECRET, len(text) - 2, "anthropic-key")
    ]


def test_what_is_held_back_is_bounded_and_mostly_nothing() -> None:
    stream = REAL.stream()
    fed = given_back = most = 0
    for piece in cut("-----BEGIN PRIVATE KEY-----" + ("\n" + "abcd" * 16) * 2000, 500):
        fed += len(piece)
        given_back += len(stream.feed(piece))
        most = max(most, len(stream._scan.raw))
    assert most <= MAX_SECRET + 500 + MAX_PLACEHOLDER + LOOKBACK
    assert given_back + len(stream.finish()) < 100
    prose = "The quick brown fox jumps over the lazy dog; nobody minds at all."
    plain = REAL.stream()
    given = plain.feed(prose)
    assert prose.startswith(given)
    assert len(prose) - len(given) <= 3  # an Azure secret begins with any three characters


def test_an_innocent_value_is_searched_for_another_key_within() -> None:
    secret = planted("«{A6}7{A8}»")[1]
    cleaned = REAL.clean(f"password=api.{'token'}={secret}")
    assert secret not in cleaned.text


def test_of_overlapping_secrets_nothing_stays() -> None:
    rules = [
        SecretRule("left", "abcd", ("ab",)),
        SecretRule("right", "cdef", ("cd",)),
        SecretRule("long", "abcde", ("ab",)),
        SecretRule("inner", "bc", ("bc",)),
    ]
    found = SecretRules(rules, {}).regions(b"-abcdef-")
    assert found == [Region(1, 6, 6, "left"), Region(6, 7, 7, "right")]


def test_placeholders_are_seen_as_blanks() -> None:
    made = placeholder("aws-access-key", "x").encode()
    assert is_placeholder(made)
    assert not is_placeholder(made + b" ")
    assert blank(b"a" + made + b"b[secret:]") == b"a" + b" " * (len(made) - 1) + b"_b[secret:]"
    assert blank(b"none") == b"none"
    assert len(placeholder("-".join(["a" * 16] * 6), "x")) + 40 <= MAX_PLACEHOLDER


@pytest.mark.parametrize(
    ("text", "until"),
    [
        (b"", 0),
        (b"plain", 5),
        (b"a [", 2),
        (b"a [secret:jwt:0a", 2),
        (b"a [secret:jwt:0a]", 17),
        (b"a [other", 8),
        (b"[secret:" + b"a" * MAX_PLACEHOLDER, 8 + MAX_PLACEHOLDER),
    ],
)
def test_half_a_placeholder_is_kept_out_of_view(text: bytes, until: int) -> None:
    assert whole_until(text) == until


def test_half_a_placeholder_at_the_end_is_plain_text() -> None:
    text = "token=[secret:jwt:0a"
    assert streamed(REAL, cut(text, 1)) == text


def test_a_cut_falls_on_the_beginning_of_a_character() -> None:
    data = "aé😀".encode()
    assert [first_byte(data, at) for at in range(-3, len(data))] == [0, 0, 0, 0, 1, 1, 3, 3, 3, 3]


def test_nothing_nominated_means_nothing_to_do() -> None:
    rules = RULES
    assert rules.innocent(b"plain prose")
    assert not rules.innocent(b"a token")
    assert not RULES.with_known({"a": "secret-1"}).innocent(b"plain prose")
    assert rules.regions(b"plain prose") == []
    scan = Scan(rules)
    scan.add(b"plain prose; ")
    assert rules.undecided(scan, []) == len(b"plain prose; ")
    scan.add(b"A (to")
    assert rules.undecided(scan, []) == len(b"plain prose; A (")
