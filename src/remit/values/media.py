"""Images and documents as parts: made from their bytes, which stay outside of the journal."""

import hashlib
import re
import unicodedata
import zlib

from remit.values.clean import Clean
from remit.values.message import DocumentPart, ImagePart, MediaPart, Origin

PDF = "application/pdf"
# Taken where the pages cannot be counted (an encrypted file): the most that providers document
# for windows of 200,000 tokens.
UNKNOWN_PAGES = 100
# What is unpacked of a file to count its pages: page lists are small, pictures are not looked at.
_UNPACK_BYTES = 4 * 1024 * 1024
_STREAMS = 10_000

# First bytes by which files are known: ISO/IEC 15948, ISO/IEC 10918, GIF 89a, RFC 9649, ISO 32000.
_MARKS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"%PDF-"), PDF),
)
TEXT = "text/plain"
# Of a digest as people read it: tells the attachments of a run apart.
_SHOWN_DIGITS = 12

_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_COUNT = re.compile(rb"/Count\s+(\d{1,6})(?!\d)")
# PDF 1.5 and later keep objects in streams, compressed (ISO 32000-1, section 7.5.7).
_OBJECTS = re.compile(rb"/ObjStm\b[^>]{0,400}>>\s{0,4}stream\r?\n")


def digest_of(content: bytes) -> str:
    """The name content is kept under: its SHA-256 in hex, as of every blob."""
    return hashlib.sha256(content).hexdigest()


def media_type_of(content: bytes) -> str | None:
    """What these bytes are, whatever their name says; None for what is not taken.

    Text is what is UTF-8 without a NUL byte; all of it counts as plain text, as it does for models.
    """
    for mark, media_type in _MARKS:
        if mark.match(content):
            return media_type
    if b"\0" in content:
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return TEXT


def described(part: MediaPart) -> str:
    """A part in words: what it is, how large, and the beginning of its digest."""
    named = f" {part.name}" if isinstance(part, DocumentPart) and part.name else ""
    size = f"{part.media_type}, {part.size:,} bytes"
    return f"[{part.kind}{named}: {size}, sha256 {part.digest[:_SHOWN_DIGITS]}]"


def image(content: bytes, media_type: str, origin: Origin) -> ImagePart:
    """An image as a part. Raises `ValidationError` for a type that is not taken."""
    values = {"media_type": media_type, "digest": digest_of(content), "size": len(content)}
    return ImagePart.model_validate({**values, "origin": origin})


def document(
    content: bytes, media_type: str, origin: Origin, name: Clean | None = None
) -> DocumentPart:
    """A PDF or text as a part. Raises `ValidationError` for a type that is not taken."""
    is_pdf = media_type == PDF
    return DocumentPart.model_validate(
        {
            "media_type": media_type,
            "digest": digest_of(content),
            "size": len(content) if is_pdf else _text_size(content),
            "pages": pages_of(content) if is_pdf else 0,
            "name": name or Clean(""),
            "origin": origin,
        }
    )


def _text_size(content: bytes) -> int:
    """Bytes of the text, or of its normalised form where that is longer."""
    if content.isascii():
        return len(content)
    normal = unicodedata.normalize("NFKC", content.decode("utf-8", "replace"))
    return max(len(content), len(normal.encode()))


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF has, counted without reading it as a whole; never fewer than 1.

    The page tree's own count and the page objects are looked for, also in compressed object
    streams; the larger number holds. `UNKNOWN_PAGES` where neither is found.
    """
    found = 0
    for text in (pdf, *_unpacked(pdf)):
        counts = [int(count) for count in _COUNT.findall(text)]
        found = max(found, sum(1 for _ in _PAGE.finditer(text)), *counts, 0)
    return found or UNKNOWN_PAGES


def _unpacked(pdf: bytes) -> list[bytes]:
    texts: list[bytes] = []
    left = _UNPACK_BYTES
    for number, start in enumerate(_OBJECTS.finditer(pdf)):
        if number == _STREAMS or left <= 0:
            break
        try:
            # A view: the rest of the file is not copied for every stream in it.
            text = zlib.decompressobj().decompress(memoryview(pdf)[start.end() :], left)
        except zlib.error:
            continue
        texts.append(text)
        left -= len(text)
    return texts
