"""What of a conversation goes along to the next model, and what has to stay behind."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from remit.values.message import Message, ThinkingPart
from remit.values.model import ModelRequest

# Two names of one provider in names of models.
_SAME = {"gemini": "google"}


def carried(
    request: ModelRequest, provider: str, takes: Callable[[ThinkingPart], bool]
) -> tuple[ModelRequest, tuple[str, ...]]:
    """The request without what this provider cannot be told, and that by name.

    Signed or encrypted reasoning is readable only for the provider it came from; of the rest each
    protocol has a place for some (`takes`). All else of a conversation has a place in every
    protocol; images or documents of a type that a provider does not take are an error of its
    codec, since an answer without them would be one to another question.
    """
    left: Counter[str] = Counter()
    messages: list[Message] = []
    for message in request.messages:
        kept = tuple(
            part
            for part in message.parts
            if not isinstance(part, ThinkingPart) or _goes(part, provider, takes, left)
        )
        whole = len(kept) == len(message.parts)
        messages.append(message if whole else message.model_copy(update={"parts": kept}))
    if not left:
        return request, ()
    named = (f"{what} ({count})" for what, count in left.items())
    return replace(request, messages=tuple(messages)), tuple(named)


def _goes(
    part: ThinkingPart, provider: str, takes: Callable[[ThinkingPart], bool], left: Counter[str]
) -> bool:
    maker = part.origin.name.partition(":")[0]
    # Without a name it is the provider's own, as in a request that came in.
    is_foreign = _SAME.get(maker, maker) not in {"", provider}
    is_opaque = bool(part.signature or part.redacted or part.item)
    if is_opaque and is_foreign:
        left[f"signed reasoning of {part.origin.name}"] += 1
        return False
    if not takes(part):
        left[f"reasoning of {part.origin.name or 'the model'}"] += 1
        return False
    return True
