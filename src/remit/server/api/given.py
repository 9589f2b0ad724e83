"""What a run is given over the API: texts, and images and documents in base 64."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field

from remit.app.attachments import Document, Image
from remit.app.taking_in import MAX_ATTACHMENTS, Given
from remit.errors import AttachmentRefused
from remit.server.api.shapes import Shape, Text, Words

_MAX_CONTENT = 20 * 1024 * 1024  # 14 MiB in base 64, and some


class TextItem(Shape):
    """Words."""

    kind: Literal["text"]
    text: Text


class FileItem(Shape):
    """An image (PNG, JPEG, GIF, WebP) or a document (PDF, text), by its content."""

    kind: Literal["image", "document"]
    content: Annotated[str, Field(max_length=_MAX_CONTENT, description="In base 64.")]
    name: Words = ""


InputItem = Annotated[TextItem | FileItem, Field(discriminator="kind")]


def given_of(given: str | tuple[TextItem | FileItem, ...]) -> Given:
    """The input as an App takes it. Raises `AttachmentRefused`."""
    if isinstance(given, str):
        return given
    if len(given) > 2 * MAX_ATTACHMENTS:
        raise AttachmentRefused(f"{len(given)} items, and an input has {2 * MAX_ATTACHMENTS}")
    return [each.text if isinstance(each, TextItem) else _file(each) for each in given]


def _file(item: FileItem) -> Image | Document:
    try:
        content = base64.b64decode(item.content, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise AttachmentRefused(f"{item.name or item.kind}: its content is no base 64") from exc
    return Image(content, item.name) if item.kind == "image" else Document(content, item.name)
