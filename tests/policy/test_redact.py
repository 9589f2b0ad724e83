"""No secret leaves the redactor: plain text, JSON and streams; and nothing else is changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError, UsageError
from remit.policy.redact import Redactor
from remit.policy.secret_contexts import BUILTIN
from remit.policy.secret_rule import SecretRule
from remit.policy.specimen import planted, write_out
from remit.values.clean import Clean
from tests.policy.redaction import cut, placeholder, streamed

REDACTOR = Redactor(placeholder)
HITS = [(rule.id, hit) for rule in BUILTIN for hit in rule.hits]
MISSES = [(rule, miss) for rule in BUILTIN for miss in rule.misses]


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found(kind: str, example: str) -> None:
    for seed in "abcdefgh":
        text, secret = planted(example, seed)
        cleaned = REDACTOR.clean(text)
        assert (kind, secret) in [(found.kind, found.secret) for found in cleaned.found]
        assert secret not in cleaned.text
        for found in cleaned.found:
            assert found.placeholder == placeholder(found.kind, found.secret)
            assert found.placeholder in cleaned.text
        assert REDACTOR.clean(cleaned.text).text == cleaned.text
        assert isinstance(cleaned.text, Clean)


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize(("rule", "example"), MISSES, ids=lambda value: getattr(value, "id", value))
def test_what_only_looks_alike_is_left_alone(rule: SecretRule, example: str) -> None:
    alone = Redactor(placeholder, rules=[rule])
    for seed in "abcdefgh":
        text = write_out(example, seed)
        assert alone.clean(text) == alone.clean_json(text)
        assert alone.clean(text).found == ()
        assert alone.clean(text).text == text


@pytest.mark.requirement("SEC-4")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_cut_by_chunks_is_found(kind: str, example: str) -> None:
    text = f"before {planted(example)[0]} after"
    want = REDACTOR.clean(text).text
    for size in (1, 2, 3, 7, 40):
        assert streamed(REDACTOR, cut(text, size)) == want


@pytest.mark.requirement("SEC-1")
def test_json_escapes_hide_nothing() -> None:
    key = "AKIA" + "Q3" * 8
    text = '{"n": 1.10, "b": "x \\u0041' + key[1:] + ' \\u00e9\\n", "e": 1E400}'
    cleaned = REDACTOR.clean_json(text)
    stand_in = placeholder("aws-access-key", key)
    assert cleaned.text == '{"n": 1.10, "b": "x ' + stand_in + ' \\u00e9\\n", "e": 1E400}'
    assert [found.secret for found in cleaned.found] == [key]


def test_a_finished_stream_takes_nothing() -> None:
    stream = REDACTOR.stream()
    assert stream.feed("a") + stream.finish() == "a"
    with pytest.raises(UsageError, match="finished"):
        stream.feed("b")


def test_a_placeholder_of_another_shape_is_refused() -> None:
    bad = Redactor(lambda kind, secret: f"[{kind}]")
    with pytest.raises(ConfigError, match="16 to 64"):
        bad.clean("AKIA" + "Q3" * 8)


@given(st.text(max_size=200), st.integers(1, 9))
def test_text_without_secrets_is_unchanged(text: str, size: int) -> None:
    assert REDACTOR.clean(text).text == text
    assert streamed(REDACTOR, cut(text, size)) == text
    document = json.dumps({"a": [text, 1.5]})
    assert REDACTOR.clean_json(document).text == document
