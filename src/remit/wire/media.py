"""Images and documents on the wire: base 64 in both directions, data URLs, and what is missing."""

import base64
import binascii
from dataclasses import dataclass, field

from pydantic import ValidationError

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import digest_of, document, image
from remit.values.message import DocumentPart, ImagePart, MediaPart, Origin
from remit.values.model import ModelRequest
from remit.wire.jsontext import mend
from remit.wire.node import Node


def content_of(request: ModelRequest, part: MediaPart) -> bytes:
    """The bytes of a part. Raises `ProviderError` (`bad_request`) if they were not handed over."""
    content = request.media.get(part.digest)
    if content is None:
        raise ProviderError(
            f"the {part.kind} {part.digest[:12]} of type {part.media_type} is not kept any more: "
            "its bytes are missing from the request",
            kind="bad_request",
        )
    return content


def quoted_base64(request: ModelRequest, part: MediaPart) -> str:
    """The bytes of a part as a JSON string in base 64, which has nothing to escape."""
    return f'"{_base64(request, part)}"'


def quoted_url(request: ModelRequest, part: MediaPart) -> str:
    """The part as a JSON string with a `data:` URL (RFC 2397); media types need no escapes."""
    return f'"data:{part.media_type};base64,{_base64(request, part)}"'


def _base64(request: ModelRequest, part: MediaPart) -> str:
    return base64.b64encode(content_of(request, part)).decode()


def text_of(request: ModelRequest, part: DocumentPart) -> str:
    """The text of a document that is text."""
    return mend(content_of(request, part).decode("utf-8", "replace"))


@dataclass(slots=True)
class MediaReader:
    """Takes in the images and documents of one incoming request."""

    found: dict[str, bytes] = field(default_factory=dict)
    """Bytes by digest, for `ModelRequest.media`."""

    def image(self, node: Node, media_type: str, text: str, origin: Origin) -> ImagePart:
        """An image from base 64. Raises `ProviderError` at `node`."""
        content = self._decoded(node, text)
        try:
            return image(self._kept(content), media_type, origin)
        except ValidationError:
            raise node.fail(
                f"media type {media_type!r} is not taken; images are png, jpeg, gif or webp"
            ) from None

    def document(
        self, node: Node, media_type: str, text: str, origin: Origin, name: Clean | None = None
    ) -> DocumentPart:
        """A document from base 64. Raises `ProviderError` at `node`."""
        return self.plain(node, media_type, self._decoded(node, text), origin, name)

    def plain(
        self, node: Node, media_type: str, content: bytes, origin: Origin, name: Clean | None = None
    ) -> DocumentPart:
        """A document from its bytes. Raises `ProviderError` at `node`."""
        try:
            return document(self._kept(content), media_type, origin, name)
        except ValidationError:
            raise node.fail(
                f"media type {media_type!r} is not taken; documents are application/pdf or text"
            ) from None

    def split(self, node: Node) -> tuple[str, str]:
        """Media type and base 64 of the data URL at `node`."""
        url = node.text()
        head, comma, text = url.partition(",")
        if not comma or not head.startswith("data:") or not head.endswith(";base64"):
            raise node.fail("only data URLs with base64 content are taken, nothing is fetched")
        return head.removeprefix("data:").split(";")[0].lower(), text

    def _kept(self, content: bytes) -> bytes:
        self.found[digest_of(content)] = content
        return content

    @staticmethod
    def _decoded(node: Node, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise node.fail("Invalid base64 data") from None
