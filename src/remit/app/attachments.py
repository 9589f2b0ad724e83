"""`Image` and `Document`: what people show a model besides words, from files or bytes."""

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from remit.errors import AttachmentRefused
from remit.values.media import TEXT, media_type_of

# In base 64 this fits into the smallest request that a provider documents, Gemini's 20 MB, and it
# is less than any store keeps in one piece (`journal.admit.MAX_BLOB_BYTES`).
MAX_BYTES = 14 * 1024 * 1024
# The same as of an input: what is longer fits no model's window and belongs to a tool.
MAX_TEXT_BYTES = 1024 * 1024

_REMEDIES = {
    "image": "none of PNG, JPEG, GIF and WebP; convert it to one of them",
    "document": "neither PDF nor text in UTF-8; export it as PDF, or save it as UTF-8",
}


@dataclass(frozen=True, slots=True)
class Image:
    """An image: PNG, JPEG, GIF or WebP, told by its content and never by its name.

    Raises `AttachmentRefused` for anything else and for more than 14 MiB.
    """

    content: bytes = field(repr=False)
    name: str = ""
    """For errors; models are not told."""
    media_type: str = field(init=False)

    def __post_init__(self) -> None:
        """Find out what it is."""
        object.__setattr__(self, "media_type", _checked("image", self.content, self.name))

    @classmethod
    def file(cls, path: str | Path) -> Self:
        """The image in a file, as it is now. Raises `AttachmentRefused`."""
        return cls(_read(path), str(path))


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF of up to 14 MiB, or text in UTF-8 of up to 1 MiB, told by its content.

    Raises `AttachmentRefused` for anything else.
    """

    content: bytes = field(repr=False)
    name: str = ""
    """Models are told its last part: of `reports/may.pdf` that is `may.pdf`."""
    media_type: str = field(init=False)

    def __post_init__(self) -> None:
        """Find out what it is."""
        object.__setattr__(self, "media_type", _checked("document", self.content, self.name))

    @classmethod
    def file(cls, path: str | Path) -> Self:
        """The document in a file, as it is now. Raises `AttachmentRefused`."""
        return cls(_read(path), str(path))

    @classmethod
    def text(cls, text: str, name: str = "") -> Self:
        """A text as a document of its own. Raises `AttachmentRefused`."""
        return cls(text.encode(errors="replace"), name)


Attachment = Image | Document


def read_attachment(path: str | Path) -> Attachment:
    """The image or document in a file, whichever it is. Raises `AttachmentRefused`."""
    content = _read(path)
    is_image = (media_type_of(content) or "").startswith("image/")
    return Image(content, str(path)) if is_image else Document(content, str(path))


def _read(path: str | Path) -> bytes:
    """The content of a file, read no further than it may be long."""
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be read for ever
            raise AttachmentRefused(f"{path} is no file: give the path of an image or document")
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        why = (exc.strerror if isinstance(exc, OSError) else None) or exc
        raise AttachmentRefused(f"{path} cannot be read: {why}") from exc
    if len(content) > MAX_BYTES:
        raise _too_large(str(path), max(found.st_size, len(content)), MAX_BYTES)
    return content


def _checked(what: Literal["image", "document"], content: bytes, name: str) -> str:
    """The media type of an attachment. Raises `AttachmentRefused` for one that is not taken."""
    where = name or f"the {what}"
    if not content:
        raise AttachmentRefused(f"{where} is empty: give a file with content")
    if len(content) > MAX_BYTES:
        raise _too_large(where, len(content), MAX_BYTES)
    found = media_type_of(content)
    if found is None:
        raise AttachmentRefused(f"{where} is {_REMEDIES[what]}")
    is_image = found.startswith("image/")
    if is_image != (what == "image"):
        other = "Image" if is_image else "Document"
        raise AttachmentRefused(f"{where} is {found}, which is no {what}: give it as {other}")
    if found == TEXT and len(content) > MAX_TEXT_BYTES:
        raise _too_large(where, len(content), MAX_TEXT_BYTES)
    return found


def _too_large(where: str, size: int, limit: int) -> AttachmentRefused:
    return AttachmentRefused(
        f"{where} has {size:,} bytes, and {limit:,} are taken: give a smaller version or a part "
        "of it, or let a tool read it"
    )
