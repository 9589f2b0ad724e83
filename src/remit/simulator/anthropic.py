"""The simulated Anthropic service: refuses what the real one refuses, in its words."""

import re
from collections.abc import Iterator, Mapping, Sequence

from remit.errors import ProviderError
from remit.simulator.cache import Segment
from remit.simulator.compose import redacted_is_genuine, signature
from remit.values.message import CallPart, Message, ResultPart, TextPart, ThinkingPart
from remit.values.model import ModelAnswer, ModelRequest, RateLimits
from remit.wire import sse
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.anthropic.count import COUNT_PATH
from remit.wire.anthropic.errors import error_body
from remit.wire.anthropic.request import PATH, VERSION, takes_budget
from remit.wire.jsontext import Json, array, quote, record, write

VERSIONS = frozenset({"2023-06-01", VERSION})
SAMPLING = ("temperature", "top_k", "top_p")  # gone since version 2026-10-21
MAX_BREAKPOINTS = 4
REQUESTS_PER_MINUTE = 4000  # limits of the highest public tier
TOKENS_PER_MINUTE = 2_000_000
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_ID = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII)


def _bad(message: str) -> ProviderError:
    return ProviderError(message, kind="bad_request")


class AnthropicEndpoint:
    """`remit.simulator.endpoint.Endpoint` for the Messages API."""

    codec = ANTHROPIC
    route = PATH
    count_route = COUNT_PATH
    models_route = "/v1/models"
    id_header = "request-id"
    wrong_key = "invalid x-api-key"

    def speaks(self, headers: Mapping[str, str], _path: str) -> bool:
        """Its clients say which version they speak."""
        return "anthropic-version" in headers or "x-api-key" in headers

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The key from `x-api-key`, or from `authorization` as newer SDKs send it."""
        key = headers.get("x-api-key", "").strip()
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not key and scheme.lower() == "bearer":
            key = token.strip()
        if not key:
            raise ProviderError("x-api-key header is required", kind="auth")
        return key

    def check(
        self, headers: Mapping[str, str], root: Mapping[str, Json], request: ModelRequest
    ) -> None:
        """The rules of the Messages API that go beyond the form of a request."""
        version = headers.get("anthropic-version", "")
        if not version:
            raise _bad("anthropic-version: header is required")
        if version not in VERSIONS:
            raise _bad(f'anthropic-version: "{version}" is not a valid version')
        if version == VERSION:
            for name in SAMPLING:
                if name in root:
                    raise _bad(f"{name}: Extra inputs are not permitted")
        _check_thinking(root, request)
        _check_tools(request)
        _check_messages(request)
        marks = sum(segment.is_breakpoint for segment in self.segments(root))
        if marks > MAX_BREAKPOINTS:
            raise _bad(
                f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. "
                f"Found {marks}."
            )

    def unknown_model(self, name: str) -> ProviderError:
        """The name is all it says."""
        return ProviderError(f"model: {name}", kind="not_found")

    def too_long(self, found: int, limit: int) -> ProviderError:
        """The service has no kind of its own for this."""
        return _bad(f"prompt is too long: {found} tokens > {limit} maximum")

    def dress(self, answer: ModelAnswer, _request: ModelRequest) -> ModelAnswer:
        """Scripts make answers as this service gives them."""
        return answer

    def counted_root(self, root: Mapping[str, Json]) -> Mapping[str, Json]:
        """The same members as in a request for an answer."""
        return root

    def segments(self, root: Mapping[str, Json]) -> Sequence[Segment]:
        """Tools, instructions, messages."""
        found = [_segment("tool", block) for block in _list(root.get("tools"))]
        found.extend(_segment("system", block) for block in _blocks(root.get("system")))
        for message in _list(root.get("messages")):
            if isinstance(message, dict):
                role = f"message:{message.get('role')}"
                found.extend(_segment(role, block) for block in _blocks(message.get("content")))
        if isinstance(root.get("cache_control"), dict) and found:
            found[-1] = Segment(found[-1].content, is_breakpoint=True)  # automatic caching
        return found

    def events(self, answer: ModelAnswer, _request: ModelRequest) -> Iterator[bytes]:
        """The events of a stream."""
        return self.codec.encode_stream(answer)

    def stream_error(self, text: str) -> bytes:
        """An `error` event."""
        return sse.encode(error_body("overloaded_error", text, "").decode(), "error")

    def limit_headers(self, used: int, now_ms: int, *, window_left_ms: int) -> dict[str, str]:
        """Remaining and reset as the codec knows them, and the limits beside them."""
        limits = RateLimits(
            requests_remaining=max(0, REQUESTS_PER_MINUTE - used),
            tokens_remaining=TOKENS_PER_MINUTE,
            reset_after_ms=window_left_ms,
        )
        return self.codec.encode_limits(limits, now_ms) | {
            "anthropic-ratelimit-requests-limit": str(REQUESTS_PER_MINUTE),
            "anthropic-ratelimit-tokens-limit": str(TOKENS_PER_MINUTE),
        }

    def model_list(self, models: Sequence[str]) -> bytes:
        """One page with all models."""
        rows = [
            record(
                {
                    "type": '"model"',
                    "id": quote(name),
                    "display_name": quote(name),
                    "created_at": '"2026-01-01T00:00:00Z"',
                }
            )
            for name in models
        ]
        ends = {
            "first_id": quote(models[0]) if models else "null",
            "last_id": quote(models[-1]) if models else "null",
        }
        return record({"data": array(rows), "has_more": "false"} | ends).encode()


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _blocks(value: Json) -> list[Json]:
    return [{"type": "text", "text": value}] if isinstance(value, str) else _list(value)


def _segment(place: str, block: Json) -> Segment:
    if not isinstance(block, dict):
        return Segment(write(block).encode())
    bare: dict[str, Json] = {key: value for key, value in block.items() if key != "cache_control"}
    content = f"{place}\n{write(bare)}".encode()
    return Segment(content, is_breakpoint=block.get("cache_control") is not None)


# ---------------------------------------------------------------- checks


def _check_thinking(root: Mapping[str, Json], request: ModelRequest) -> None:
    thinking = root.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "enabled":
        # 4.6 takes both forms; the newer families refuse budgets.
        if not takes_budget(request.model) and not re.search("4[-.]6", request.model):
            raise _bad(
                '"thinking.type.enabled" is not supported for this model. Use '
                '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
            )
        if request.thinking_tokens >= request.max_output_tokens:
            raise _bad("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if kind == "adaptive" and takes_budget(request.model):
        raise _bad("adaptive thinking is not supported on this model")


def _check_tools(request: ModelRequest) -> None:
    names: set[str] = set()
    for index, tool in enumerate(request.tools):
        if not _TOOL_NAME.fullmatch(tool.name):
            raise _bad(
                f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
        if tool.name in names:
            raise _bad("tools: Tool names must be unique.")
        names.add(tool.name)


def _check_messages(request: ModelRequest) -> None:
    messages = _merged(request.messages)
    if not messages:
        raise _bad("messages: at least one message is required")
    if messages[0].role != "user":
        raise _bad('messages: first message must use the "user" role')
    last = len(messages) - 1
    if messages[last].role == "assistant" and not takes_budget(request.model):
        raise _bad(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
    open_calls: tuple[str, ...] = ()
    for index, message in enumerate(messages):
        if not message.parts and (index < last or message.role == "user"):
            raise _bad(
                f"messages.{index}: all messages must have non-empty content except for the "
                "optional final assistant message"
            )
        _check_blocks(index, message)
        _check_results(index, message, open_calls)
        open_calls = _calls(index, message)
    if open_calls:
        raise _unanswered(last, open_calls)


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role are one turn, as the API joins them."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            parts = merged[-1].parts + message.parts
            merged[-1] = Message(role=message.role, parts=parts)
        else:
            merged.append(message)
    return merged


def _check_blocks(index: int, message: Message) -> None:
    for place, part in enumerate(message.parts):
        where = f"messages.{index}.content.{place}"
        match part:
            case TextPart(text=text) if not text:
                raise _bad("messages: text content blocks must be non-empty")
            case TextPart(text=text) if not text.strip():
                raise _bad("messages: text content blocks must contain non-whitespace text")
            case ThinkingPart(redacted=data) if data:
                if not redacted_is_genuine(data):
                    raise _bad(f"{where}: Invalid `data` in `redacted_thinking` block")
            case ThinkingPart():
                if part.signature != signature(part.text):
                    raise _bad(f"{where}: Invalid `signature` in `thinking` block")
            case _:
                pass


def _calls(index: int, message: Message) -> tuple[str, ...]:
    ids = tuple(part.call for part in message.parts if isinstance(part, CallPart))
    for one in ids:
        if not _ID.fullmatch(one):
            raise _bad(
                f"messages.{index}.content.tool_use.id: String should match pattern "
                "'^[a-zA-Z0-9_-]+$'"
            )
    if len(set(ids)) < len(ids):
        raise _bad(f"messages.{index}: `tool_use` ids must be unique")
    return ids


def _check_results(index: int, message: Message, open_calls: tuple[str, ...]) -> None:
    """Every call is answered by exactly one result at the start of the next message."""
    answered: list[str] = []
    leading = True
    for place, part in enumerate(message.parts):
        if not isinstance(part, ResultPart):
            leading = False
            continue
        if part.call not in open_calls:
            raise _bad(
                f"messages.{index}.content.{place}: unexpected `tool_use_id` found in "
                f"`tool_result` blocks: {part.call}. Each `tool_result` block must have a "
                "corresponding `tool_use` block in the previous message."
            )
        if part.call in answered:
            raise _bad(
                f"messages.{index}.content.{place}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {part.call}"
            )
        if leading:
            answered.append(part.call)
    missing = tuple(call for call in open_calls if call not in answered)
    if missing:
        raise _unanswered(index - 1, missing)


def _unanswered(index: int, calls: tuple[str, ...]) -> ProviderError:
    return _bad(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(calls)}. Each `tool_use` block must have a corresponding "
        "`tool_result` block in the next message."
    )
