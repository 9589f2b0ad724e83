"""Images and documents become parts; pages of a PDF are counted, packed or not."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from remit.values.clean import Clean
from remit.values.media import (
    PDF,
    TEXT,
    UNKNOWN_PAGES,
    described,
    digest_of,
    document,
    image,
    media_type_of,
    pages_of,
)
from remit.values.message import Origin

USER = Origin(kind="user")


def packed(text: bytes, name: bytes = b"/ObjStm") -> bytes:
    content = zlib.compress(text)
    return b"1 0 obj << /Type %s /N 3 >>\nstream\r\n%s\nendstream\n" % (name, content)


@given(st.binary(max_size=50))
def test_a_part_names_its_bytes(content: bytes) -> None:
    part = image(content, "image/png", USER)
    assert (part.digest, part.size) == (digest_of(content), len(content))


def test_types_that_are_not_taken() -> None:
    with pytest.raises(ValidationError, match="image/png"):
        image(b"", "image/tiff", USER)
    with pytest.raises(ValidationError, match="media_type"):
        document(b"", "application/zip", USER)


def test_text_counts_as_long_as_its_normal_form() -> None:
    assert document(b"abc", "text/plain", USER).size == 3
    assert document("\ufdfa".encode(), "text/csv", USER).size == 33
    assert document(b"\xff", "text/plain", USER).size == 3


@pytest.mark.parametrize(
    ("pdf", "pages"),
    [
        (b"%PDF-1.4 << /Type /Page >> << /Type/Page\n>> << /Type /Pages /Count 2 >>", 2),
        (b"%PDF-1.4 << /Type /Pages /Count 17 >>", 17),
        (b"%PDF-1.5 " + packed(b"<< /Type /Pages /Count 5 >>"), 5),
        (b"%PDF-1.5 " + packed(b"/Type /Page ") + packed(b"/Type /Page /Type /Page "), 2),
        (b"%PDF-1.5 " + packed(b"/Type /Pages /Count 5", b"/XObject"), UNKNOWN_PAGES),
        (b"%PDF-1.5 << /Type /ObjStm >>\nstream\nnot packed", UNKNOWN_PAGES),
        (b"%PDF-1.5 /Count 0", UNKNOWN_PAGES),
        (b"", UNKNOWN_PAGES),
    ],
)
def test_pages_are_counted(pdf: bytes, pages: int) -> None:
    assert pages_of(pdf) == pages
    assert document(pdf, PDF, USER).pages == pages


def test_unpacking_ends() -> None:
    bomb = packed(b"\0" * 5_000_000)
    assert pages_of(bomb + packed(b"/Type /Pages /Count 5")) == UNKNOWN_PAGES


@given(st.binary(max_size=200))
def test_no_file_breaks_the_counting(pdf: bytes) -> None:
    assert pages_of(pdf) >= 1


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n\0", "image/png"),
        (b"\x89PNG\r\n", None),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"GIF88a", TEXT),
        (b"RIFF\n\n\n\nWEBP", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"%PDF-1.7", PDF),
        (b" %PDF-1.7", TEXT),
        ("größer".encode(), TEXT),
        ("größer".encode("latin-1"), None),
        (b"a\0b", None),
        (b"<svg/>", TEXT),
    ],
)
def test_bytes_say_what_they_are(content: bytes, media_type: str | None) -> None:
    assert media_type_of(content) == media_type


def test_a_part_in_words() -> None:
    content = b"%PDF-" + bytes(1000)
    digest = digest_of(content)[:12]
    tail = f"1,005 bytes, sha256 {digest}]"
    assert described(image(content, "image/png", USER)) == f"[image: image/png, {tail}"
    assert described(document(content, PDF, USER)) == f"[document: application/pdf, {tail}"
    named = document(content, PDF, USER, Clean("may.pdf"))
    assert described(named) == f"[document may.pdf: application/pdf, {tail}"
