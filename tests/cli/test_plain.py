"""Nothing that a model or a tool says can drive the terminal or hide in a line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.cli.plain import one_line, printable

ESC = "\x1b"


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("plain text", "plain text"),
        (f"{ESC}[31mred{ESC}[0m", "red"),
        (f"{ESC}]0;title\x07after", "after"),
        (f"{ESC}]8;;http://x{ESC}\\link{ESC}]8;;{ESC}\\", "link"),
        (f"{ESC}Pq#0{ESC}\\after", "after"),
        (f"{ESC}]52;c;never closed", ""),
        (f"{ESC}(0lines", "lines"),
        (f"{ESC}cclear", "clear"),
        ("\x9b2Jclear", "clear"),
        ("a\rb\x00c\x08d\x7fe", "abcde"),
        ("a\r\nb", "a\nb"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("refund \u202e01\u202c only", "refund 01 only"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("Äpfel 東京 \u0301", "Äpfel 東京 \u0301"),
        ("\ue000private\U000e0041tag", "privatetag"),
        (f"trailing{ESC}", "trailing"),
    ],
    ids=repr,
)
def test_what_is_left(raw: str, plain: str) -> None:
    assert printable(raw) == plain


@given(st.text())
def test_only_visible_characters_are_left(raw: str) -> None:
    for char in printable(raw):
        hidden = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn")
        assert not hidden or char in "\n\t\u200d\u200c"


@given(st.text(max_size=3_000), st.integers(2, 50))
def test_one_line_is_one_line_of_the_width(raw: str, width: int) -> None:
    line = one_line(raw, width)
    assert len(line) <= width
    assert len(line.splitlines()) <= 1


def test_what_is_cut_is_marked() -> None:
    assert one_line("one\n two  three", 20) == "one two three"
    assert one_line("one two three", 8) == "one two…"
    assert one_line(" " * 1_000 + "far away", 20).endswith("…")
