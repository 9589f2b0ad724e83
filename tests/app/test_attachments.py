"""Images and documents are told by their content; what is not taken is refused in clear words."""

import os
from pathlib import Path

import pytest

from remit import Document, Image
from remit.app import attachments
from remit.app.attachments import MAX_BYTES, MAX_TEXT_BYTES, read_attachment
from remit.errors import AttachmentRefused, UsageError
from remit.journal.admit import MAX_BLOB_BYTES
from tests.app.pictures import gif, jpeg, pdf, png, webp


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (png(), "image/png"),
        (jpeg(), "image/jpeg"),
        (gif(), "image/gif"),
        (webp(), "image/webp"),
        (pdf(), "application/pdf"),
        ("Größe".encode(), "text/plain"),
    ],
)
def test_the_content_says_what_it_is(content: bytes, media_type: str, tmp_path: Path) -> None:
    path = tmp_path / "misnamed.exe"
    path.write_bytes(content)
    for found in (read_attachment(path), read_attachment(str(path))):
        assert (found.content, found.media_type, found.name) == (content, media_type, str(path))
    kind = Image if media_type.startswith("image/") else Document
    assert isinstance(found, kind)
    assert kind.file(path) == found
    assert kind(content).media_type == media_type
    assert repr(content)[:20] not in repr(found)


def test_a_text_is_a_document_of_its_own() -> None:
    found = Document.text("Größe \ud800", "notes")
    assert (found.content, found.name) == ("Größe ?".encode(), "notes")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x is empty"),
        (pdf(), "x is application/pdf, which is no image: give it as Document"),
        (b"hello", "x is text/plain, which is no image: give it as Document"),
        (b"PK\x03\x04\0", "x is none of PNG, JPEG, GIF and WebP; convert it"),
    ],
)
def test_what_is_no_image(content: bytes, words: str) -> None:
    with pytest.raises(AttachmentRefused, match=words):
        Image(content, "x")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the document is empty"),
        (png(), "the document is image/png, which is no document: give it as Image"),
        (b"PK\x03\x04\0", "the document is neither PDF nor text in UTF-8; export it as PDF"),
        ("Größe".encode("latin-1"), "neither PDF nor text in UTF-8"),
        ("Größe".encode("utf-16"), "neither PDF nor text in UTF-8"),
    ],
)
def test_what_is_no_document(content: bytes, words: str) -> None:
    with pytest.raises(AttachmentRefused, match=words):
        Document(content)


def test_sizes_are_bounded(tmp_path: Path) -> None:
    assert MAX_BYTES < MAX_BLOB_BYTES
    assert Document(b"a" * MAX_TEXT_BYTES).media_type == "text/plain"
    with pytest.raises(AttachmentRefused, match=r"t has 1,048,577 bytes, and 1,048,576 are taken"):
        Document(b"a" * (MAX_TEXT_BYTES + 1), "t")
    big = png() + bytes(MAX_BYTES)
    with pytest.raises(AttachmentRefused, match=r"bytes, and 14,680,064 are taken: give a smaller"):
        Image(big)
    path = tmp_path / "big.png"
    path.write_bytes(big)
    with pytest.raises(AttachmentRefused, match=rf"big\.png has {len(big):,} bytes"):
        Image.file(path)


def test_no_more_of_a_file_is_read_than_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sparse.pdf"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a terabyte, if anybody read it
    with pytest.raises(AttachmentRefused, match=r"1,099,511,627,776 bytes"):
        Document.file(path)
    monkeypatch.setattr(attachments, "MAX_BYTES", 10)
    path.write_bytes(b"%PDF-12345")
    assert Document.file(path).content == b"%PDF-12345"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in {
        "none.png": "No such file or directory",
        "": "is no file",
        "pipe": "is no file",
        "a\0b": "cannot be read: embedded null",
    }.items():
        with pytest.raises(UsageError, match=words):
            read_attachment(f"{tmp_path}/{name}")
