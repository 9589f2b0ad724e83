"""Messages and their parts; every part says where it came from."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from remit.values.clean import Clean
from remit.values.tag import tag

OriginKind = Literal["developer", "user", "model", "tool", "agent", "human", "runtime"]
Role = Literal["user", "assistant"]
ImageType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of a blob in hex."""


def _empty(value: str) -> bool:
    # Left out of digests too, so that those of older journals stay what they were.
    return not value


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Origin(_Value):
    """Where a part came from.

    developer: instructions; user: the principal of the run; model: generated; tool: a tool's
    result (`name` is the tool); agent: a sub-run's answer; human: an approver or answerer;
    runtime: Remit itself. `labels` are carried for flow control.
    """

    kind: OriginKind
    name: str = ""
    labels: tuple[str, ...] = ()


class TextPart(_Value):
    """Plain text."""

    kind: Literal["text"] = tag("text")
    text: Clean
    origin: Origin


class ThinkingPart(_Value):
    """Reasoning of the model; with a signature it goes back byte for byte or not at all.

    `redacted` holds the provider's encrypted form where the text itself is withheld. The name of
    the origin says whose it is: no other provider can read a signature.
    """

    kind: Literal["thinking"] = tag("thinking")
    text: Clean
    signature: str = ""
    redacted: str = ""
    item: str = Field(default="", exclude_if=_empty)
    """The provider's id of the reasoning, where it has one; neighbours with one id are one."""
    origin: Origin


class ImagePart(_Value):
    """An image. Its bytes are the blob `digest`; `remit.values.media.image` makes the part."""

    kind: Literal["image"] = tag("image")
    media_type: ImageType
    digest: Digest
    size: int = Field(ge=0)
    """Bytes of the image."""
    origin: Origin


class DocumentPart(_Value):
    """A PDF or a text, kept like an image; `remit.values.media.document` makes the part.

    Other formats are not taken: nothing bounds how many tokens a packed file becomes.
    """

    kind: Literal["document"] = tag("document")
    media_type: str = Field(pattern=r"^(application/pdf|text/[a-z0-9.+-]{1,60})$")
    digest: Digest
    size: int = Field(ge=0)
    """Bytes of the document; of a text that is longer once normalised, of that form."""
    pages: int = Field(default=0, ge=0)
    """Pages of a PDF; 0 for text."""
    name: Clean = Clean("")
    """What the document is called, where it has a name."""
    origin: Origin

    @model_validator(mode="after")
    def _has_pages(self) -> Self:
        if self.media_type == "application/pdf" and not self.pages:
            raise ValueError("a PDF without pages: its tokens have no bound")
        return self


class CallPart(_Value):
    """The model asks for a tool. `arguments` is the JSON text as the model wrote it (cleaned)."""

    kind: Literal["call"] = tag("call")
    call: str
    """Our own id of the call, unique in its run."""
    provider_id: str = ""
    """The provider's id of the same call, needed to answer it."""
    tool: str
    arguments: Clean
    origin: Origin


class ResultPart(_Value):
    """The answer to a call."""

    kind: Literal["result"] = tag("result")
    call: str
    provider_id: str = ""
    tool: str
    text: Clean
    is_error: bool = False
    origin: Origin


MediaPart = ImagePart | DocumentPart
InputPart = Annotated[TextPart | ImagePart | DocumentPart, Field(discriminator="kind")]
"""What people put into a conversation."""
Part = Annotated[
    TextPart | ThinkingPart | CallPart | ResultPart | ImagePart | DocumentPart,
    Field(discriminator="kind"),
]


class Message(_Value):
    """One turn of a conversation. Instructions and tools are not messages."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All plain text of the message."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def media(self) -> tuple[MediaPart, ...]:
        """The images and documents of the message."""
        return tuple(part for part in self.parts if isinstance(part, ImagePart | DocumentPart))

    @property
    def calls(self) -> tuple[CallPart, ...]:
        """The tool calls of the message."""
        return tuple(part for part in self.parts if isinstance(part, CallPart))
