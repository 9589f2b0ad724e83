"""Requests to a Gemini model for tests."""

import base64
import json
from dataclasses import replace

from hypothesis import strategies as st

from remit.values.message import Message, Part, ThinkingPart
from remit.values.model import ModelRequest
from remit.wire.gemini.request import encode_request
from tests.wire.anthropic import turns
from tests.wire.gemini.kept import kept_requests

MODEL_NAME = "gemini-2.5-flash"


def request(*messages: Message, model: str = MODEL_NAME, **more: object) -> ModelRequest:
    values: dict[str, object] = {"model": model, **more}
    return replace(turns.request(*messages), **values)  # type: ignore[arg-type]  # names are fields


def sent(given: ModelRequest) -> dict[str, object]:
    body: dict[str, object] = json.loads(encode_request(given), parse_int=str, parse_float=str)
    return body


def contents(given: ModelRequest) -> list[dict[str, list[dict[str, object]]]]:
    found = sent(given)["contents"]
    assert isinstance(found, list)
    return found


def proof(text: str) -> str:
    """A signature of the form the API takes: it is bytes there."""
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _proven(part: Part) -> Part:
    if not isinstance(part, ThinkingPart):
        return part
    return part.model_copy(
        update={"signature": proof(part.signature), "redacted": proof(part.redacted)}
    )


def _signed(given: ModelRequest) -> ModelRequest:
    messages = tuple(
        Message(role=message.role, parts=tuple(map(_proven, message.parts)))
        for message in given.messages
    )
    return replace(given, messages=messages)


signed_requests: st.SearchStrategy[ModelRequest] = kept_requests.map(_signed)
"""Requests with signatures that are base 64, as the official types want them."""
