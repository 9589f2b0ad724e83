"""No secret leaves the redactor: plain text, JSON and streams; and nothing else is changed."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.errors import ConfigError, UsageError
from remit.policy.redact import Found, Redactor
from remit.policy.secret_rule import SecretRule
from remit.policy.secret_scan import SecretRules
from remit.policy.specimen import planted, write_out
from remit.values.clean import Clean
from tests.policy.redaction import BUILTIN, RULES, cut, placeholder, streamed

REDACTOR = Redactor(placeholder, RULES)
KEY = planted("«AKIA{T16}»")[1]
STAND_IN = placeholder("aws-access-key", KEY)
KNOWN = {"BILLING_DB": 'pâss "7/+', "hook": "https://example.org/h?x=1"}
APP = Redactor(placeholder, RULES.with_known(KNOWN))

# What may stand around a secret. The mark ends every word, so that nothing grows onto the secret.
AROUND = st.text(st.characters(), max_size=60).map(lambda text: f" {text} § ")
EXAMPLES = st.sampled_from([hit for rule in BUILTIN for hit in rule.hits])
SEEDS = st.sampled_from("abcdefgh")  # with each of them every example is one


@pytest.mark.requirement("SEC-1", "SEC-4")
@settings(max_examples=200, deadline=None)
@given(EXAMPLES, SEEDS, AROUND, AROUND, st.integers(1, 90))
def test_a_planted_secret_survives_nowhere(
    example: str, seed: str, before: str, after: str, size: int
) -> None:
    part, secret = planted(example, seed)
    text = f"{before}{part}{after}"
    cleaned = REDACTOR.clean(text)
    assert secret not in cleaned.text
    assert type(cleaned.text) is Clean
    assert REDACTOR.clean(cleaned.text).text == cleaned.text
    assert streamed(REDACTOR, cut(text, size)) == cleaned.text


@pytest.mark.requirement("SEC-1", "SEC-3")
@settings(max_examples=200, deadline=None)
@given(EXAMPLES, SEEDS, AROUND, AROUND, st.booleans(), st.booleans())
def test_a_planted_secret_survives_in_no_json(
    example: str, seed: str, before: str, after: str, ascii_only: bool, as_key: bool
) -> None:
    part, secret = planted(example, seed)
    text = f"{before}{part}{after}"
    value = {text: [1.5, None]} if as_key else {"a": [text, 1.5]}
    document = json.dumps(value, ensure_ascii=ascii_only)
    cleaned = REDACTOR.clean_json(document)
    strings = json.loads(cleaned.text)
    assert secret not in (next(iter(strings)) if as_key else strings["a"][0])
    assert REDACTOR.clean_json(cleaned.text).text == cleaned.text
    hidden = '["' + "".join(f"\\u{unit:04X}" for unit in utf16(text)) + '"]'
    assert secret not in json.loads(REDACTOR.clean_json(hidden).text)[0]


def utf16(text: str) -> list[int]:
    """The UTF-16 units of a text, as JSON escapes name them."""
    data = text.encode("utf-16-be", "surrogatepass")
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]


@pytest.mark.requirement("SEC-2")
@given(st.text(max_size=200), st.integers(1, 9))
def test_text_without_secrets_is_unchanged(text: str, size: int) -> None:
    assert REDACTOR.clean(text).text == text
    assert streamed(REDACTOR, cut(text, size)) == text
    document = json.dumps({"a": [text, 1.5]})
    assert REDACTOR.clean_json(document).text == document


@pytest.mark.requirement("SEC-1")
@pytest.mark.parametrize(
    "text",
    ["{}", "é{}é", "\U0001f600{}\n{}", "key:{},", "\n{}\r\n", "{} {} {}", "(\ud800{}\udfff)"],
)
def test_only_the_secret_is_replaced(text: str) -> None:
    cleaned = REDACTOR.clean(text.replace("{}", KEY))
    assert cleaned.text == text.replace("{}", STAND_IN)
    assert cleaned.found == (Found("aws-access-key", KEY, STAND_IN),)


def test_different_secrets_are_told_in_order_and_once() -> None:
    other = planted("«ghp_{A36}»")[1]
    cleaned = REDACTOR.clean(f"{other} {KEY} {other} {KEY}")
    assert [found.secret for found in cleaned.found] == [other, KEY]


@pytest.mark.requirement("SEC-1")
def test_json_keeps_every_byte_that_is_no_secret() -> None:
    text = '{"n": 1.10,\t"b": "x \\u0041' + KEY[1:] + ' \\u00e9\\n", "b":"\\/","e": 1E400 }'
    cleaned = REDACTOR.clean_json(text)
    assert cleaned.text == text.replace("\\u0041" + KEY[1:], STAND_IN)
    assert cleaned.found == (Found("aws-access-key", KEY, STAND_IN),)


def test_numbers_stay_where_a_password_would_stand() -> None:
    text = '{"password": 9182736455, "token": null}'
    assert REDACTOR.clean_json(text) == REDACTOR.clean(text)
    assert REDACTOR.clean_json(text).text == text


def test_a_secret_that_reaches_over_strings_is_taken_from_each() -> None:
    wide = Redactor(placeholder, SecretRules([SecretRule("wide", 'aa", "bb', ("aa",))]))
    cleaned = wide.clean_json('["xaa", "bbx", 1]')
    assert [found.secret for found in cleaned.found] == ["aa", "bb"]
    first, second, _ = json.loads(cleaned.text)
    assert (first, second) == ("x" + placeholder("wide", "aa"), placeholder("wide", "bb") + "x")


@pytest.mark.parametrize("text", ["{" + KEY, "\\u0041 " + KEY, '{"a": "' + KEY])
def test_what_is_not_json_is_cleaned_as_plain_text(text: str) -> None:
    assert REDACTOR.clean_json(text) == REDACTOR.clean(text)
    assert KEY not in REDACTOR.clean_json(text).text


@pytest.mark.requirement("SEC-1")
@pytest.mark.parametrize("size", [1, 3, 200])
def test_known_values_are_found_in_every_sink(size: int) -> None:
    for name, value in KNOWN.items():
        stand_in = placeholder("known-" + name.lower().replace("_", "-"), value)
        text = f"é{value}é {value}"
        assert APP.clean(text).text == f"é{stand_in}é {stand_in}"
        assert streamed(APP, cut(text, size)) == APP.clean(text).text
        document = json.dumps({value: [value]})
        assert json.loads(APP.clean_json(document).text) == {stand_in: [stand_in]}
        in_json = json.dumps({"a": json.dumps({"b": f"line\n{value}"})})
        assert value not in json.loads(json.loads(APP.clean_json(in_json).text)["a"])["b"]


def test_a_known_value_is_found_even_within_what_looks_like_a_placeholder() -> None:
    value = "0123456789abcdef"
    app = Redactor(placeholder, RULES.with_known({"A": value}))
    text = f"token=[secret:jwt:{value}]"
    assert value not in app.clean(text).text
    assert value not in streamed(app, cut(text, 2))


def test_the_same_rules_serve_other_tenants() -> None:
    other = Redactor(lambda kind, secret: f"[secret:{kind}:{len(secret):032x}]", APP.rules)
    assert other.clean(KEY).text == f"[secret:aws-access-key:{len(KEY):032x}]"
    assert other.stream().feed(KNOWN["hook"] + ". ").startswith("[secret:known-hook:")
    assert APP.clean(KEY).text == STAND_IN


def test_a_finished_stream_takes_nothing() -> None:
    stream = REDACTOR.stream()
    assert stream.feed("a") + stream.finish() == "a"
    with pytest.raises(UsageError, match="finished"):
        stream.feed("b")


def test_a_stream_tells_what_it_found_when_it_is_sure() -> None:
    stream = REDACTOR.stream()
    assert stream.feed("a " + KEY) == "a "
    assert stream.found == []
    assert stream.feed(". b") == f"{STAND_IN}. "
    assert stream.found == [Found("aws-access-key", KEY, STAND_IN)]
    assert stream.feed("e") + stream.finish() == "be"


@pytest.mark.parametrize(
    "answer", ["", "x", "[secret:aws-access-key]", "[secret:aws-access-key:0123]", "a" * 30]
)
def test_a_placeholder_of_another_shape_is_refused(answer: str) -> None:
    bad = Redactor(lambda kind, secret: answer, RULES)
    with pytest.raises(ConfigError, match="16 to 64") as caught:
        bad.clean(KEY)
    assert KEY not in str(caught.value)


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("the quick brown fox jumps ", 5 * MEGABYTE),
        ("password=", 5 * MEGABYTE),
        ('secret="!a1', 5 * MEGABYTE),
        ("[secret:", 5 * MEGABYTE),
        ("-----BEGIN PRIVATE " + "KEY-----", 5 * MEGABYTE),
        ("https://a:b", 5 * MEGABYTE),
        ("eyJhbGciOi", 5 * MEGABYTE),
        ("sk-" + "ant-" + "aB3dE", 5 * MEGABYTE),
        ('{"token": "', 5 * MEGABYTE),
        (KEY + " ", MEGABYTE // 2),
        ("secret=" + KEY.lower() + " ", MEGABYTE // 2),
    ],
    ids=lambda value: str(value)[:12],
)
def test_large_odd_texts_are_read_in_linear_time(unit: str, size: int) -> None:
    text = unit * (size // len(unit)) + f" {KEY} "
    cleaned = REDACTOR.clean(text)
    assert KEY not in cleaned.text
    assert streamed(REDACTOR, cut(text, 100_000)) == cleaned.text


@pytest.mark.requirement("SEC-1")
def test_what_is_sure_is_known_or_marked_by_its_issuer() -> None:
    looks = write_out('password = "{A6}7{A8}", api_key: {H32}')
    assert len(APP.clean(looks).found) == 2
    assert APP.clean(looks, sure=True).found == ()
    text = f"{looks} {KEY} {KNOWN['hook']}"
    kinds = [found.kind for found in APP.clean(text, sure=True).found]
    assert kinds == ["aws-access-key", "known-hook"]
    assert APP.knows(f"x{KNOWN['hook']}")
    assert not APP.knows(KEY)
    assert not APP.knows(None)
    assert not REDACTOR.knows(KNOWN["hook"])


def test_a_stream_tells_how_much_it_holds_back() -> None:
    stream = REDACTOR.stream()
    assert stream.feed("a clean line\n") == "a clean line\n"
    assert stream.held == 0
    stream.feed(f"and {KEY}")
    assert stream.held == len(KEY)
    stream.finish()
    assert stream.held == 0


@pytest.mark.requirement("SEC-4")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_however_a_text_is_cut_no_secret_is_streamed(data: st.DataObject) -> None:
    parts = st.tuples(EXAMPLES, SEEDS).map(lambda each: planted(*each))
    known = st.sampled_from(sorted(KNOWN.values())).map(lambda value: (f"see {value} there", value))
    drawn = data.draw(st.lists(st.one_of(parts, known), min_size=1, max_size=5))
    text = " § ".join(part for part, _ in drawn)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=40)))
    pieces = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    given_back = streamed(APP, pieces)
    assert given_back == APP.clean(text).text
    assert [secret for _, secret in drawn if secret in given_back] == []


@pytest.mark.requirement("SEC-3")
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_however_a_value_is_escaped_it_is_found_in_json(data: st.DataObject) -> None:
    value = 'p"\\ss/"\\\\ü😀"'
    app = Redactor(placeholder, RULES.with_known({"A": value}))
    told = "".join(data.draw(st.sampled_from(_spellings(letter))) for letter in value)
    cleaned = app.clean_json(f'{{"{told}": ["x{told}\\u005c", 1.10]}}')
    stand_in = placeholder("known-a", value)
    assert json.loads(cleaned.text, parse_float=str) == {stand_in: [f"x{stand_in}\\", "1.10"]}


def _spellings(letter: str) -> list[str]:
    """The ways a letter may be written in a JSON string."""
    wide = letter.encode("utf-16-be").hex()
    ways = ["".join(f"\\u{wide[at : at + 4]}" for at in range(0, len(wide), 4))]
    if letter in '"\\/':
        ways.append(f"\\{letter}")
    if letter not in '"\\':
        ways.append(letter)
    return ways
