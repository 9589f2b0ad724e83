"""Examples are written out in their alphabets, always alike."""

import re

import pytest

from remit.policy.specimen import planted, write_out


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("U", "[A-Z0-9]"),
        ("L", "[a-z0-9]"),
        ("A", "[A-Za-z0-9]"),
        ("W", "[A-Za-z0-9_-]"),
        ("B", "[A-Za-z0-9+/]"),
        ("H", "[0-9a-f]"),
        ("D", "[0-9]"),
        ("T", "[A-Z2-7]"),
        ("X", "x"),
    ],
)
def test_a_field_is_filled_from_its_alphabet(field: str, wanted: str) -> None:
    assert re.fullmatch(f"{wanted}{{500}}", write_out(f"{{{field}500}}"))


def test_examples_are_repeatable_and_differ_by_seed_and_place() -> None:
    assert write_out("{A20}") == write_out("{A20}")
    assert write_out("{A20}") != write_out("{A20}", "other")
    first, second = write_out("{A20} {A20}").split()
    assert first != second
    assert write_out("{{A20}} {D0}.") == "{A20} ."


def test_the_planted_secret_is_told() -> None:
    text, secret = planted("key=«{H8}»;")
    assert text == f"key={secret};"
    assert len(secret) == 8
