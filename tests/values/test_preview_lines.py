"""Previews drawn as lines: true to both sides, bounded, bound, and without anything hidden."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.values import preview_lines
from remit.values.clean import Clean
from remit.values.preview import Change, Preview, signed
from remit.values.preview_lines import MAX_CHARS, MAX_LINE, MAX_LINES, drawn, kept
from remit.values.visible import visible

TEXTS = st.lists(st.sampled_from(["a", "b", "", "+x", "@ y", "--- z"]), max_size=12).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
_FAR = 1_000


def side(lines: list[str], *signs: str) -> str:
    """The text that lines with these signs make."""
    found = [signed(line) for line in lines if not line.startswith("@")]
    return "".join(f"{text}\n" for sign, text in found if sign in signs)


@pytest.mark.requirement("APR-2", "APR-4")
@given(before=TEXTS, after=TEXTS)
def test_the_lines_tell_both_sides_exactly(before: str, after: str) -> None:
    drawing = drawn(Preview(changes=(Change("f", before, after, _FAR),)), Clean.vouch)
    if before == after:
        assert drawing.lines == ["@ f", "@ the content stays"]
        return
    assert side(drawing.lines, "same", "cut") == before
    assert side(drawing.lines, "same", "add") == after


@given(before=TEXTS, after=TEXTS)
def test_too_much_to_compare_is_still_told_exactly(before: str, after: str) -> None:
    drawing = preview_lines.Drawing(Clean.vouch, _compared=0)
    drawing.change(Change("f", before, after, _FAR))
    if before != after:
        assert side(drawing.lines, "same", "cut") == before
        assert side(drawing.lines, "same", "add") == after


@pytest.mark.requirement("PERM-7")
@given(note=st.text(), name=st.text(), before=st.text(), after=st.text() | st.binary())
def test_nothing_drives_or_hides_and_no_line_leaves_its_sign(
    note: str, name: str, before: str, after: str | bytes
) -> None:
    preview, whole = kept(drawn(Preview(note, (Change(name, before, after),)), Clean.vouch))
    for text in (preview.text, whole.decode()):
        assert all(char == "\n" or char.isprintable() or char == "\t" or _plain(char)
                   for char in text)  # fmt: skip
        assert visible(text) == text
        assert all(line[:1] in "+- @" for line in text.split("\n"))


def _plain(char: str) -> bool:
    return unicodedata.category(char) == "Zs"


@pytest.mark.requirement("APR-4")
@given(st.text(), st.text(), st.text(), st.text())
def test_another_content_is_another_binding(one: str, two: str, three: str, four: str) -> None:
    first = drawn(Preview(changes=(Change("f", one, two),)), Clean.vouch)
    other = drawn(Preview(changes=(Change("f", three, four),)), Clean.vouch)
    assert (first.binding == other.binding) == ((one, two) == (three, four))


def test_what_looks_the_same_is_bound_apart() -> None:
    real, written = (drawn(Preview.text(text), Clean.vouch) for text in ("\u202e", "\\u202e"))
    assert real.lines == written.lines
    assert real.binding != written.binding


@pytest.mark.requirement("APR-2")
@pytest.mark.parametrize("lines", [MAX_LINES, MAX_LINES + 1, 50_000])
def test_many_lines_are_cut_and_kept(lines: int) -> None:
    text = "\n".join(["x"] * lines)
    preview, whole = kept(drawn(Preview.text(text), Clean.vouch))
    assert preview.lines == lines
    assert len(preview.shown) == min(lines, MAX_LINES)
    assert bool(whole) == (lines > MAX_LINES) == bool(preview.missing)
    assert not whole or whole.decode().count("\n") == lines - 1


def test_long_lines_are_cut_and_say_so() -> None:
    preview, whole = kept(drawn(Preview.text("x" * 100_000), Clean.vouch))
    assert preview.text == " " + "x" * (MAX_LINE - 2) + "…"
    assert len(whole) == 100_001
    assert "the ends of long lines" in preview.missing


def test_an_event_stays_small() -> None:
    preview, _ = kept(drawn(Preview.text("\n".join(["y" * 300] * MAX_LINES)), Clean.vouch))
    assert MAX_CHARS - 400 < len(preview.text) <= MAX_CHARS
    assert preview.missing


@pytest.mark.requirement("APR-2")
def test_what_is_too_long_is_told_by_digest_and_the_rest_still_shown() -> None:
    long = "x\n" * 200_000
    files = {"long.txt": (long, long + "y\n"), "short.txt": (None, "z\n")}
    drawing = drawn(Preview.files(files), Clean.vouch)
    assert drawing.lines[1].startswith("@ before: too long to be shown, 400,000 bytes, SHA-256 ")
    assert drawing.lines[-3:] == ["@ short.txt (new)", "@@ -0,0 +1 @@", "+z"]
    other = drawn(Preview.files(files | {"long.txt": (long, long + "w\n")}), Clean.vouch)
    assert other.binding != drawing.binding


def test_many_files_together_are_bounded() -> None:
    files = {f"{number}.txt": (None, "line\n" * 40_000) for number in range(20)}
    drawing = drawn(Preview.files(files), Clean.vouch)
    assert sum(map(len, drawing.lines)) < 4 * 1024 * 1024
    assert any("too long to be shown" in line for line in drawing.lines)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a", "a\n", ["@@ -1 +1 @@", "-a", "@ no line end at the end of the file", "+a"]),
        ("a\r\nb\n", "a\nb\n", ["@@ -1,2 +1,2 @@", "-a\\u000d", "+a", " b"]),
        (None, "", []),
        ("", None, []),
        (b"\xff", b"\xff", None),
        (b"a\0", b"a\0", None),
    ],
)
def test_edges(
    before: str | bytes | None, after: str | bytes | None, lines: list[str] | None
) -> None:
    drawing = drawn(Preview.files({"f": (before, after)}), Clean.vouch)
    if lines is not None:
        assert drawing.lines[1:] == lines
        return
    assert drawing.lines[-1] == "@ the content stays"


def test_a_change_in_a_long_file_is_found_without_comparing_all_of_it() -> None:
    old = "".join(f"{number}\n" for number in range(20_000))
    drawing = drawn(Preview.files({"f": (old, old.replace("\n9000\n", "\nx\n"))}), Clean.vouch)
    assert drawing.lines[1:] == [
        "@@ -8998,7 +8998,7 @@",
        " 8997",
        " 8998",
        " 8999",
        "-9000",
        "+x",
        " 9001",
        " 9002",
        " 9003",
    ]
