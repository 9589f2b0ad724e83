"""The app's own secrets are found by exact value and in the encodings that carry them."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ConfigError
from remit.policy.known_values import LEAST_BYTES, MOST_BYTES, KnownValues, forms, kind_of

VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=LEAST_BYTES, max_size=40)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("OPENAI_API_KEY", "known-openai-api-key"),
        ("a b-c.d/e f", "known-a-b-c-d"),
        ("x" * 40, "known-" + "-".join(["x" * 16, "x" * 16, "x" * 8])),
        ("Ä", "known"),
    ],
)
def test_the_kind_comes_from_the_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@given(VALUES, st.binary(max_size=5), st.binary(max_size=5))
def test_a_value_is_found_in_all_its_forms(value: str, before: bytes, after: bytes) -> None:
    known = KnownValues({"n": value})
    raw = value.encode()
    texts = [
        raw,
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        base64.b64encode(before + raw + after),
        base64.urlsafe_b64encode(before + raw + after).rstrip(b"="),
        quote(value, safe="").encode(),
        quote_plus(value).encode(),
        quote(value, safe="").lower().encode() if value.islower() else raw,
        json.dumps(value).encode(),
        json.dumps(value, ensure_ascii=False).encode(),
    ]
    for text in texts:
        data = b'{"' + text + b'"}'
        found = known.find(data, 0, len(data))
        assert found is not None
        assert found[2] == "known-n"


def test_the_whole_encoding_is_found_with_its_padding() -> None:
    value = "s3cret!?"
    coded = base64.b64encode(value.encode())
    known = KnownValues({"n": value})
    assert known.find(b"x " + coded + b" y", 0, 20) == (2, 2 + len(coded), "known-n")
    assert known.find(b"x " + coded, 0, 5) is None
    assert known.find(value.encode() + b" " + coded, 1, 50) == (9, 9 + len(coded), "known-n")


@given(VALUES, VALUES)
def test_every_beginning_of_a_form_is_held(first: str, second: str) -> None:
    known = KnownValues({"a": first, "b": second})
    for form in forms(first):
        for end in range(1, len(form)):
            data = b"  " + form[:end]
            assert known.begun(data, 0) <= 2
            assert known.begun(data, len(data)) == len(data)
    assert known.begun(b"", 0) == 0


def test_the_leftmost_beginning_counts() -> None:
    known = KnownValues({"long": "abcdefgh-xyz123-rest of it", "short": "xyz123-"})
    assert known.begun(b"abcdefgh-xyz123", 0) == 0
    assert known.begun(b"bcdefgh-xyz123", 0) == 8
    assert known.begun(b"abcdefgh-xyz123-no", 0) == 18
    assert known.begun(b"abcdefgh-xyz12-abcdefgh-xyz123-rest", 0) == 15
    twin = KnownValues({"long": "abcdef-qrs", "short": "f-qrst"})
    assert twin.begun(b"abcdef-qr", 0) == 0


@pytest.mark.parametrize("value", ["", "pA55!", "x" * (MOST_BYTES + 1)])
def test_a_value_of_the_wrong_size_is_refused_unseen(value: str) -> None:
    with pytest.raises(ConfigError, match="known secret 'DB'") as caught:
        KnownValues({"DB": value})
    assert not value or value not in str(caught.value)


def test_a_value_that_is_no_text_is_refused_unseen() -> None:
    with pytest.raises(ConfigError, match="base64") as caught:
        KnownValues({"RAW": "abcdef\udcff"})
    assert caught.value.__cause__ is None
    assert "abcdef" not in str(caught.value)


def test_the_longest_value_may_have_forms_too_long_to_look_for() -> None:
    assert KnownValues({"K": "\x01" * MOST_BYTES}).begun(b"", 0) == 0
