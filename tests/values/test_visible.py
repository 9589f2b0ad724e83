"""What a person reads must look like what it is."""

import pytest

from remit.values.visible import visible


@pytest.mark.requirement("APR-2")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("é 漢 🙂\n\t", "é 漢 🙂\n\t"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb\x00\x1b[31m", "a\\u200bb\\u0000\\u001b[31m"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_nothing_hides_in_a_text(text: str, shown: str) -> None:
    assert visible(text) == shown
