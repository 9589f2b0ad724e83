"""The simulated Responses service: refuses what the real one refuses, in its words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from remit.errors import ProviderError
from remit.simulator.cache import Segment
from remit.simulator.compose import identifier, redacted, redacted_is_genuine, signature
from remit.simulator.openai import (
    bad,
    check_common,
    check_format,
    check_function,
    is_own,
    key_of,
    limit_headers,
    model_list,
    segments_of,
    unknown_model,
)
from remit.simulator.openai_chat import SCRIPTED_ANSWER, named
from remit.values.message import CallPart, Part, ResultPart, ThinkingPart
from remit.values.model import ModelAnswer, ModelRequest, RawPart, RawThinking
from remit.wire import sse
from remit.wire.jsontext import Json, quote, record
from remit.wire.openai.asking import reasons
from remit.wire.openai_responses.codec import OPENAI_RESPONSES
from remit.wire.openai_responses.count import COUNT_PATH
from remit.wire.openai_responses.request import ENCRYPTED


class OpenAIResponsesEndpoint:
    """`remit.simulator.endpoint.Endpoint` for Responses."""

    codec = OPENAI_RESPONSES
    route = "/{place:(?:openai/)?v1}/responses"  # OpenAI's own place, and Azure's
    count_route = COUNT_PATH
    models_route = "/v1/models"
    id_header = "x-request-id"
    wrong_key = "Incorrect API key provided."

    def speaks(self, headers: Mapping[str, str], path: str) -> bool:
        """Its clients send a bearer key, Azure's an `api-key`."""
        return "/responses" in path or "authorization" in headers or "api-key" in headers

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The key, in either header."""
        return key_of(headers)

    def check(
        self, _headers: Mapping[str, str], root: Mapping[str, Json], request: ModelRequest
    ) -> None:
        """The rules of Responses that go beyond the form of a request."""
        check_common(root, request, "reasoning.effort")
        include = root.get("include")
        asks = isinstance(include, list) and ENCRYPTED in include
        if asks and is_own(request.model) and not reasons(request.model):
            raise bad("Encrypted content is not supported with this model.")
        text = root.get("text")
        form = text.get("format") if isinstance(text, dict) else None
        check_format(form, form)
        tools = root.get("tools")
        for index, tool in enumerate(tools if isinstance(tools, list) else []):
            check_function(f"tools[{index}]", tool, strict_by_default=True)
        parts = [part for message in request.messages for part in message.parts]
        _check_calls(parts)
        _check_reasoning(parts)

    def unknown_model(self, name: str) -> ProviderError:
        """What it says of a model that does not exist."""
        return unknown_model(name)

    def too_long(self, found: int, limit: int) -> ProviderError:
        """An error of its own kind."""
        return ProviderError(
            "Your input exceeds the context window of this model. Please adjust your input and "
            f"try again. ({found} tokens of {limit})",
            kind="too_large",
        )

    def dress(self, answer: ModelAnswer, _request: ModelRequest) -> ModelAnswer:
        """Reasoning is encrypted and has an id, which is never the same again."""
        return replace(
            answer,
            parts=tuple(
                _dressed(part, answer.provider_id, index) for index, part in enumerate(answer.parts)
            ),
            provider_id=answer.provider_id.replace(SCRIPTED_ANSWER, "resp_", 1),
            service_tier=answer.service_tier or "default",
        )

    def counted_root(self, root: Mapping[str, Json]) -> Mapping[str, Json]:
        """The same members as in a request for an answer."""
        return root

    def segments(self, root: Mapping[str, Json]) -> Sequence[Segment]:
        """Instructions, tools and the schema of the answer, items."""
        return segments_of(
            ("instructions", root.get("instructions")),
            ("tools", root.get("tools")),
            ("text", root.get("text")),
            ("input", root.get("input")),
        )

    def events(self, answer: ModelAnswer, _request: ModelRequest) -> Iterator[bytes]:
        """The events of a stream."""
        return self.codec.encode_stream(answer)

    def stream_error(self, text: str) -> bytes:
        """An `error` event."""
        members = {
            "type": '"error"',
            "code": '"server_error"',
            "message": quote(text),
            "param": "null",
            "sequence_number": "0",
        }
        return sse.encode(record(members), "error")

    def limit_headers(self, used: int, now_ms: int, *, window_left_ms: int) -> dict[str, str]:
        """The headers about limits."""
        return limit_headers(used, now_ms, window_left_ms=window_left_ms)

    def model_list(self, models: Sequence[str]) -> bytes:
        """All models."""
        return model_list(models)


def _dressed(part: RawPart, answer: str, index: int) -> RawPart:
    if not isinstance(part, RawThinking):
        return named(part)
    hidden = part.redacted or part.signature or redacted(part.text)
    item = part.item or identifier("rs_", answer, str(index))
    return RawThinking(part.text, redacted=hidden, item=item)


# ---------------------------------------------------------------- checks


def _check_calls(parts: Sequence[Part]) -> None:
    """Every call has its result and every result its call, in this order."""
    calls: list[str] = []
    results: set[str] = set()
    for part in parts:
        if isinstance(part, CallPart):
            calls.append(part.call)
        elif isinstance(part, ResultPart):
            if part.call not in calls:
                raise bad(f"No tool call found for function call output with call_id {part.call}.")
            results.add(part.call)
    missing = next((call for call in calls if call not in results), None)
    if missing is not None:
        raise bad(f"No tool output found for function call {missing}.")


def _check_reasoning(parts: Sequence[Part]) -> None:
    """What is encrypted is unchanged; without it an item would have to be stored."""
    items: dict[str, list[ThinkingPart]] = {}
    for part in parts:
        if isinstance(part, ThinkingPart):
            items.setdefault(part.item, []).append(part)
    for item, thoughts in items.items():
        hidden = "".join(part.redacted for part in thoughts)
        text = "".join(part.text for part in thoughts)
        if not hidden:
            raise bad(
                f"Item with id '{item}' not found. Items are not persisted when `store` is set to "
                "false. Try again with `store` set to true, or remove this item from your input."
            )
        if not redacted_is_genuine(hidden) and hidden != signature(text):
            raise bad(
                f"The encrypted content for item {item} could not be verified. Reason: Encrypted "
                "content could not be decrypted or parsed."
            )
