"""Values of arguments with their paths; numbers keep their digits, lists come once more whole."""

import pytest

from remit.policy.leaves import Digits, Words, leaves, number_of, plain


def test_every_value_has_its_path() -> None:
    found = leaves('{"a": "x", "b": {"c": [1.10, {"d": null}]}, "e": ["p", "q"], "f": ["one"]}')
    assert found == [
        ("a", "x"),
        ("b.c", "1.10"),
        ("b.c.d", None),
        ("e", "p"),
        ("e", "q"),
        ("e", ("p", "q")),
        ("f", "one"),
    ]
    assert leaves("true") == [("", True)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (Digits("5e2"), "500"),
        (Digits("1e99"), "1e99"),
        (Digits("1e99999999999999999999"), "1e99999999999999999999"),
        (Digits("NaN"), "NaN"),
        (True, "true"),
        (None, "null"),
        (Words(("a", "b")), "a b"),
    ],
)
def test_values_as_text(value: Digits | str | bool | Words | None, text: str) -> None:
    assert plain(value) == text


def test_what_no_json_has_is_taken_as_a_number_of_unknown_size() -> None:
    (_, value), *_ = leaves('{"a": NaN}')
    found = number_of(value)
    assert found is not None
    assert found.is_nan()
    assert number_of(Words(("1", "2"))) is None
    assert number_of("word") is None
