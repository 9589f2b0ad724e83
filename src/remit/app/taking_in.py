"""Takes in what people give a run: texts cleaned, images and documents as parts and blobs."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from remit.app.attachments import Attachment, Document, Image
from remit.errors import AttachmentRefused, NotAllowed
from remit.journal.rows import Blob
from remit.runtime.cleaning import Cleaner
from remit.runtime.services import Attachments
from remit.values.clean import Clean
from remit.values.media import TEXT, document, image
from remit.values.message import InputPart, MediaPart, Message, Origin, TextPart

Given = str | Sequence[str | Attachment]
"""What a run is given: a text, or texts, images and documents in their order."""

MAX_INPUT_BYTES = 1024 * 1024  # a longer input belongs into a file that a tool reads
# As many as providers take without scaling the images of a request down further (Anthropic).
MAX_ATTACHMENTS = 20
# Of a conversation: each of its requests holds them all, so the bounds are those of a request.
MAX_HELD = 100  # images, or pages, in one request of Anthropic's API
MAX_HELD_BYTES = 14 * 1024 * 1024  # in base 64 it fits into 20 MB, the smallest limit documented
_NAME_CHARS = 200  # a file's name; systems end at 255 bytes


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An input as it is journalled, and what becomes durable beside it."""

    parts: tuple[InputPart, ...]
    blobs: tuple[Blob, ...]


def items_of(given: Given) -> tuple[str | Attachment, ...]:
    """The items of an input. Raises `NotAllowed` for what is none."""
    items = (given,) if isinstance(given, str) else tuple(given)
    for item in items:
        if not isinstance(item, str | Image | Document):
            raise NotAllowed(
                f"the input holds a {type(item).__name__}: give texts, Image and Document; "
                "a file is given as Image.file(path) or Document.file(path)"
            )
    if not items:
        raise NotAllowed("the input is an empty list: give a text, an image or a document")
    texts = (item for item in items if isinstance(item, str))
    if sum(len(text.encode(errors="replace")) for text in texts) > MAX_INPUT_BYTES:
        raise NotAllowed(f"the input has more than {MAX_INPUT_BYTES} bytes; give it as a file")
    return items


def check_taken(items: Iterable[str | Attachment], takes: Attachments) -> None:
    """Raise `AttachmentRefused` for what the settings do not let in, and for too many."""
    attached = [item for item in items if not isinstance(item, str)]
    if len(attached) > MAX_ATTACHMENTS:
        raise AttachmentRefused(
            f"{len(attached)} images and documents, and a run takes {MAX_ATTACHMENTS}: give the "
            "rest in the next run of the session"
        )
    for item in attached:
        if takes == "none" or (takes == "text" and item.media_type != TEXT):
            what = "nothing but text" if takes == "none" else "no images and PDFs"
            raise AttachmentRefused(
                f"{item.name or 'the attachment'} is {item.media_type}, and the settings take "
                f"{what} (attachments = {takes!r}), since nobody can search it for secrets: give "
                "its text"
            )


def check_room(history: Iterable[Message], parts: Iterable[InputPart]) -> None:
    """Raise `AttachmentRefused` where a conversation would hold more than a request can."""
    new = [part for part in parts if not isinstance(part, TextPart)]
    if not new:
        return
    held: list[MediaPart] = [part for message in history for part in message.media]
    size = sum(part.size for part in (*held, *new))
    if len(held) + len(new) > MAX_HELD or size > MAX_HELD_BYTES:
        raise AttachmentRefused(
            f"the conversation would hold {len(held) + len(new)} images and documents of together "
            f"{size:,} bytes, and {MAX_HELD} of {MAX_HELD_BYTES:,} bytes go into one request: "
            "give fewer or smaller ones, or begin a new session"
        )


async def take_in(items: Iterable[str | Attachment], origin: Origin, cleaner: Cleaner) -> TakenIn:
    """The parts and blobs of an input. Texts, documents too, are cleaned before they are kept."""
    parts: list[InputPart] = []
    blobs: dict[str, Blob] = {}
    for item in items:
        if isinstance(item, str):
            parts.append(TextPart(text=cleaner.text(item), origin=origin))
            continue
        content = item.content
        if item.media_type == TEXT:
            content = cleaner.text(content.decode()).encode()
        part = await _part(item, content, origin, cleaner)
        parts.append(part)
        blobs[part.digest] = Blob(part.digest, content)
    return TakenIn(tuple(parts), tuple(blobs.values()))


async def _part(item: Attachment, content: bytes, origin: Origin, cleaner: Cleaner) -> MediaPart:
    # In a thread: digests and the pages of a long PDF take tens of milliseconds.
    if isinstance(item, Image):
        return await asyncio.to_thread(image, content, item.media_type, origin)
    name = "".join(char if char.isprintable() else "_" for char in PurePath(item.name).name)
    clean = Clean.vouch(cleaner.text(name)[:_NAME_CHARS])
    return await asyncio.to_thread(document, content, item.media_type, origin, clean)
