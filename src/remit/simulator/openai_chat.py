"""The simulated Chat Completions service: refuses what the real one refuses, in its words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from remit.errors import ProviderError
from remit.simulator.cache import Segment
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
from remit.values.message import CallPart, Message, ResultPart
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawPart, RawThinking
from remit.wire import sse
from remit.wire.jsontext import Json
from remit.wire.openai.asking import reasons
from remit.wire.openai.errors import error_body
from remit.wire.openai_chat.codec import OPENAI_CHAT
from remit.wire.openai_chat.stream import encode_stream

SCRIPTED_CALL, SCRIPTED_ANSWER = "toolu_01", "msg_01"
"""How the ids begin that scripts give where they name none."""


class OpenAIChatEndpoint:
    """`remit.simulator.endpoint.Endpoint` for Chat Completions."""

    codec = OPENAI_CHAT
    # OpenAI's own place, Azure's new one, and Azure's older ones with a deployment.
    route = "/{place:(?:openai/)?v1|openai/deployments/[^/]+}/chat/completions"
    count_route = ""
    models_route = "/v1/models"
    id_header = "x-request-id"
    wrong_key = "Incorrect API key provided."

    def speaks(self, _headers: Mapping[str, str], path: str) -> bool:
        """Below its path; elsewhere Responses answers for both."""
        return "/chat/" in path

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The key, in either header."""
        return key_of(headers)

    def check(
        self, _headers: Mapping[str, str], root: Mapping[str, Json], request: ModelRequest
    ) -> None:
        """The rules of Chat Completions that go beyond the form of a request."""
        check_common(root, request, "reasoning_effort")
        if root.get("max_tokens") is not None and reasons(request.model):
            raise bad(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead."
            )
        if root.get("stream_options") is not None and not request.stream:
            raise bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
        form = root.get("response_format")
        check_format(form, form.get("json_schema") if isinstance(form, dict) else None)
        tools = root.get("tools")
        for index, tool in enumerate(tools if isinstance(tools, list) else []):
            function = tool.get("function") if isinstance(tool, dict) else None
            check_function(f"tools[{index}].function", function, strict_by_default=False)
        _check_messages(request.messages)

    def unknown_model(self, name: str) -> ProviderError:
        """What it says of a model that does not exist."""
        return unknown_model(name)

    def too_long(self, found: int, limit: int) -> ProviderError:
        """An error of its own kind."""
        return ProviderError(
            f"This model's maximum context length is {limit} tokens. However, your messages "
            f"resulted in {found} tokens. Please reduce the length of the messages.",
            kind="too_large",
        )

    def dress(self, answer: ModelAnswer, request: ModelRequest) -> ModelAnswer:
        """OpenAI's models keep their reasoning to themselves; compatible servers show it."""
        hides = is_own(request.model)
        kept = (part for part in answer.parts if not (hides and isinstance(part, RawThinking)))
        return replace(
            answer,
            parts=tuple(named(part) for part in kept),
            provider_id=answer.provider_id.replace(SCRIPTED_ANSWER, "chatcmpl-", 1),
            service_tier=answer.service_tier or "default",
        )

    def counted_root(self, root: Mapping[str, Json]) -> Mapping[str, Json]:
        """Nothing is counted here."""
        return root

    def segments(self, root: Mapping[str, Json]) -> Sequence[Segment]:
        """Tools and the schema of the answer, messages."""
        return segments_of(
            ("tools", root.get("tools")),
            ("format", root.get("response_format")),
            ("messages", root.get("messages")),
        )

    def events(self, answer: ModelAnswer, request: ModelRequest) -> Iterator[bytes]:
        """The chunks of a stream; counts only for those who ask."""
        return encode_stream(answer, usage=request.stream_usage)

    def stream_error(self, text: str) -> bytes:
        """An error object in the place of a chunk."""
        return sse.encode(error_body("server_error", "", text).decode())

    def limit_headers(self, used: int, now_ms: int, *, window_left_ms: int) -> dict[str, str]:
        """The headers about limits."""
        return limit_headers(used, now_ms, window_left_ms=window_left_ms)

    def model_list(self, models: Sequence[str]) -> bytes:
        """All models."""
        return model_list(models)


def named(part: RawPart) -> RawPart:
    """The part with an id as this service gives it."""
    if not isinstance(part, RawCall):
        return part
    call = part.provider_id.replace(SCRIPTED_CALL, "call_", 1)
    return RawCall(call, part.tool, part.arguments)


# ---------------------------------------------------------------- checks


def _check_messages(messages: Sequence[Message]) -> None:
    open_calls: tuple[str, ...] = ()
    for index, message in enumerate(messages):
        results = [part.call for part in message.parts if isinstance(part, ResultPart)]
        stray = next((call for call in results if call not in open_calls), None)
        if stray is not None:
            raise bad(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                f"message with 'tool_calls' (messages turn {index}, tool_call_id {stray})."
            )
        _check_answered(open_calls, results)
        open_calls = tuple(part.call for part in message.parts if isinstance(part, CallPart))
    _check_answered(open_calls, [])


def _check_answered(open_calls: Sequence[str], results: Sequence[str]) -> None:
    missing = [call for call in open_calls if call not in results]
    if missing:
        raise bad(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(missing)}"
        )
