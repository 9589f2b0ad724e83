"""Messages and their parts; every part says where it came from."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from remit.values.clean import Clean
from remit.values.tag import tag

OriginKind = Literal["developer", "user", "model", "tool", "agent", "human", "runtime"]
Role = Literal["user", "assistant"]


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

    `redacted` holds the provider's encrypted form where the text itself is withheld.
    """

    kind: Literal["thinking"] = tag("thinking")
    text: Clean
    signature: str = ""
    redacted: str = ""
    origin: Origin


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


Part = Annotated[
    TextPart | ThinkingPart | CallPart | ResultPart,
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
    def calls(self) -> tuple[CallPart, ...]:
        """The tool calls of the message."""
        return tuple(part for part in self.parts if isinstance(part, CallPart))
