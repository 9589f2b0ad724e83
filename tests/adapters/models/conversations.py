"""Short requests for tests of clients."""

from remit.values.clean import Clean
from remit.values.message import Message, Origin, TextPart
from remit.values.model import Delta, ModelRequest

USER = Origin(kind="user")


def request(text: str = "hello", *, stream: bool = True) -> ModelRequest:
    """One question."""
    part = TextPart(text=Clean.vouch(text), origin=USER)
    return ModelRequest(
        model="claude-haiku-4-5-20251001",
        system="",
        messages=(Message(role="user", parts=(part,)),),
        max_output_tokens=1000,
        stream=stream,
    )


def ignore(_delta: Delta) -> None:
    """Let a delta pass."""
