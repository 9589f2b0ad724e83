"""Asks a provider whether a model is there, and says in words that help when it is not."""

import difflib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import Message, Origin, TextPart
from remit.values.model import ModelCard, ModelRequest
from remit.wire.codec import Looking

_NEAR = 3  # near names in an error: enough for a slip of the finger
_SHORT = 16  # the least that every protocol takes
# What a server says that tells of no model alone, or of its models at all.
_UNTOLD = frozenset({"not_found", "malformed", "bad_request"})

Fetch = Callable[[str], Awaitable[tuple[bytes, int | None]]]
"""A path to its body, and to the server's clock in Unix milliseconds."""


def question(model: str) -> ModelRequest:
    """A request to be counted, never answered, where nothing else is told of a model."""
    part = TextPart(text=Clean.vouch("ok"), origin=Origin(kind="user"))
    return ModelRequest(
        model=model,
        system="",
        messages=(Message(role="user", parts=(part,)),),
        max_output_tokens=_SHORT,
        stream=False,
    )


async def look(looking: Looking, model: str, fetch: Fetch, where: str) -> ModelCard | None:
    """What is told of a model; None where the server tells of none, but takes the key.

    Raises `ProviderError`: `not_found` for a model that is not there (any more).
    """
    if not looking.knows:
        await fetch(looking.list_path)
        return None
    try:
        body, told_ms = await fetch(looking.path(model))
        card = looking.decode_card(body)
    except ProviderError as exc:
        if exc.kind not in _UNTOLD:
            raise
    else:
        return _living(replace(card, told_ms=told_ms), model, where)
    return await _listed(looking, model, fetch, where)


async def _listed(looking: Looking, model: str, fetch: Fetch, where: str) -> ModelCard | None:
    """Some servers tell of all models only; for others the list has the near names."""
    try:
        body, told_ms = await fetch(looking.list_path)
        cards = looking.decode_list(body)
    except ProviderError as exc:
        if exc.kind not in _UNTOLD:
            raise
        return None
    found = next((card for card in cards if card.name == model), None)
    if found is None:
        raise _gone(model, where, (card.name for card in cards))
    return _living(replace(found, told_ms=told_ms), model, where)


def _living(card: ModelCard, model: str, where: str) -> ModelCard:
    if card.stage != "retired":
        return card
    since = f" since {card.ends}" if card.ends else ""
    raise ProviderError(
        f"{where}: the model {model!r} is retired{since}; name another one", kind="not_found"
    )


def _gone(model: str, where: str, known: Iterable[str]) -> ProviderError:
    near = difflib.get_close_matches(model, list(known), _NEAR)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return ProviderError(
        f"{where} has no model {model!r}: it is misspelled, retired, or not for this key{hint}",
        kind="not_found",
    )
