"""Anthropic Messages requests: encode what we send, decode what we serve."""

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from remit.errors import ProviderError
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    Part,
    ResultPart,
    Role,
    TextPart,
    ThinkingPart,
)
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.codec import Cleaner
from remit.wire.jsontext import array, embed_object, quote, record
from remit.wire.node import Node

PATH = "/v1/messages"
# The newest version. It differs from 2023-06-01 for the Messages API only in what it refuses
# (sampling parameters, documents in assistant turns, citations in user turns): we send none.
VERSION = "2026-10-21"

MIN_THINKING_TOKENS = 1024  # the API's own lower limit of a thinking budget

# Members of a request that this codec understands or that do not change what a script answers.
KNOWN_MEMBERS = frozenset(
    {
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "inference_geo",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user_profile_id",
    }
)

_EPHEMERAL = '{"type":"ephemeral"}'
_VERSIONED = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)", re.ASCII)
_ADAPTIVE_SINCE = (4, 6)  # first models with adaptive thinking; from 4.7 on budgets are refused

Block = dict[str, str]


def headers(key: str, version: str = VERSION) -> dict[str, str]:
    """The headers of a request."""
    return {
        "x-api-key": key,
        "anthropic-version": version,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }


def path(_request: ModelRequest) -> str:
    """The same for every model."""
    return PATH


# ---------------------------------------------------------------- encode


def encode_request(request: ModelRequest) -> bytes:
    """The body of a request.

    Prompt caching is asked for where the prefix is stable: after the tools and instructions, and,
    since a loop with tools sends everything again, in the conversation. Unsigned thinking, blank
    text and messages left empty by that are not sent: the API refuses them.
    Raises `ProviderError` (`bad_request`) for what the API would refuse in any case.
    """
    members = {
        "model": quote(request.model),
        "max_tokens": str(request.max_output_tokens),
        "stream": "true" if request.stream else "false",
    }
    if request.thinking_tokens:
        members["thinking"] = _thinking(request)
    system = request.system if request.system.strip() else ""
    tools = [_tool(tool) for tool in request.tools]
    if system:
        block = {"type": '"text"', "text": quote(system), "cache_control": _EPHEMERAL}
        members["system"] = array([record(block)])
    elif tools:
        tools[-1]["cache_control"] = _EPHEMERAL
    if tools:
        members["tools"] = array(record(tool) for tool in tools)
    turns = list(_turns(request.messages))
    if not turns:
        raise ProviderError("nothing to send: no message has any content", kind="bad_request")
    if tools and turns[-1][0] == "user":
        _mark(turns)
    members["messages"] = array(
        record({"role": quote(role), "content": array(record(block) for block in blocks)})
        for role, blocks in turns
    )
    return record(members).encode()


def _mark(turns: list[tuple[Role, list[Block]]]) -> None:
    """Ask to cache the conversation: at its end, and where the request before this one ended.

    The API looks for older entries only 20 blocks before a breakpoint, and one turn of parallel
    calls has more: the second breakpoint finds the entry wherever it lies.
    """
    for _, blocks in [turn for turn in turns if turn[0] == "user"][-2:]:
        blocks[-1]["cache_control"] = _EPHEMERAL


def takes_budget(model: str) -> bool:
    """True for models that are given a thinking budget, False for those that adapt themselves."""
    found = _VERSIONED.match(model)
    if found is None:
        return not model.startswith("claude-")  # other makers' models behind the same protocol
    return (int(found[1]), int(found[2] or 0)) < _ADAPTIVE_SINCE


def _thinking(request: ModelRequest) -> str:
    if not takes_budget(request.model):
        return '{"type":"adaptive"}'  # its only bound is `max_tokens`
    if not MIN_THINKING_TOKENS <= request.thinking_tokens < request.max_output_tokens:
        raise ProviderError(
            f"thinking_tokens={request.thinking_tokens}: {request.model} takes at least "
            f"{MIN_THINKING_TOKENS} and less than max_output_tokens={request.max_output_tokens}",
            kind="bad_request",
        )
    return record({"type": '"enabled"', "budget_tokens": str(request.thinking_tokens)})


def _tool(tool: ToolSchema) -> Block:
    schema = embed_object(tool.schema_json)
    if schema is None:
        raise ProviderError(
            f"tool {tool.name!r}: its schema is not a JSON object", kind="bad_request"
        )
    block = {"name": quote(tool.name)}
    if tool.description:
        block["description"] = quote(tool.description)
    return block | {"input_schema": schema}


def _turns(messages: Iterable[Message]) -> Iterator[tuple[Role, list[Block]]]:
    """Role and blocks by turn: neighbours of one role are one turn, results stand first in it."""
    role: Role = "user"
    blocks: list[Block] = []
    for message in messages:
        found = [block for part in message.parts if (block := _block(part)) is not None]
        if found and message.role != role:
            if blocks:
                yield role, _results_first(blocks)
            role, blocks = message.role, []
        blocks.extend(found)
    if blocks:
        yield role, _results_first(blocks)


def _results_first(blocks: list[Block]) -> list[Block]:
    # The API takes results only right after the calls, before any text. The sort is stable.
    return sorted(blocks, key=lambda block: block["type"] != '"tool_result"')


def _block(part: Part) -> Block | None:
    match part:
        case TextPart():
            return {"type": '"text"', "text": quote(part.text)} if part.text.strip() else None
        case ThinkingPart():
            return _thinking_block(part)
        case CallPart():
            return {
                "type": '"tool_use"',
                "id": quote(part.provider_id or part.call),
                "name": quote(part.tool),
                "input": embedded(part.arguments),
            }
        case ResultPart():
            return _result_block(part)
        case never:
            assert_never(never)


def embedded(arguments: str) -> str:
    """Arguments as the JSON object the API wants; what is none is wrapped as its docs advise."""
    if not arguments.strip():
        return "{}"
    return embed_object(arguments) or record({"INVALID_JSON": quote(arguments)})


def _thinking_block(part: ThinkingPart) -> Block | None:
    if part.redacted:
        return {"type": '"redacted_thinking"', "data": quote(part.redacted)}
    if part.signature:
        return {
            "type": '"thinking"',
            "thinking": quote(part.text),
            "signature": quote(part.signature),
        }
    return None


def _result_block(part: ResultPart) -> Block:
    block = {"type": '"tool_result"', "tool_use_id": quote(part.provider_id or part.call)}
    if part.text:
        block["content"] = quote(part.text)
    if part.is_error:
        block["is_error"] = "true"
    return block


# ---------------------------------------------------------------- decode


def decode_request(body: bytes, clean: Cleaner) -> ModelRequest:
    """A request as it came in; `clean` makes its text fit for messages.

    Own call ids and origins do not travel: a call is known by the id on the wire, and origins
    follow from roles. Adaptive thinking reads as a budget of the whole output limit.
    """
    root = Node.of(body, kind="bad_request").only(KNOWN_MEMBERS)
    model = root.get("model").text()
    limit = root.get("max_tokens").integer(1)
    tools = root.find("tools")
    stream = root.find("stream")
    names: dict[str, str] = {}
    return ModelRequest(
        model=model,
        system=_system(root.find("system")),
        messages=tuple(_message(node, clean, names) for node in root.get("messages").items()),
        tools=() if tools is None else tuple(_schema(node) for node in tools.items()),
        max_output_tokens=limit,
        thinking_tokens=_budget(root.find("thinking"), limit),
        stream=stream is not None and stream.boolean(),
    )


def _system(node: Node | None) -> str:
    if node is None:
        return ""
    if isinstance(node.value, str):
        return node.text()
    return "\n".join(_text_block(block) for block in node.items())


def _text_block(node: Node) -> str:
    if node.get("type").text() != "text":
        raise node.get("type").fail("Input should be 'text'")
    return node.get("text").text()


def _schema(node: Node) -> ToolSchema:
    kind = node.find("type")
    if kind is not None and kind.text() != "custom":
        raise kind.fail(f"server tool '{kind.text()}' is not supported here")
    description = node.find("description")
    schema = node.get("input_schema")
    schema.members()
    return ToolSchema(
        name=node.get("name").text(),
        description="" if description is None else description.text(),
        schema_json=schema.json(),
    )


def _budget(node: Node | None, limit: int) -> int:
    if node is None:
        return 0
    kind = node.get("type").text()
    if kind == "enabled":
        return node.get("budget_tokens").integer(MIN_THINKING_TOKENS)
    if kind in {"adaptive", "between_tools"}:
        return limit
    if kind == "disabled":
        return 0
    raise node.fail(
        f"Input tag '{kind}' found using 'type' does not match any of the expected tags: "
        "'enabled', 'disabled', 'adaptive', 'between_tools'"
    )


def _message(node: Node, clean: Cleaner, names: dict[str, str]) -> Message:
    role = node.get("role")
    content = node.get("content")
    match role.text():
        case "user":
            read, origin = _user_part, Origin(kind="user")
        case "assistant":
            read, origin = _assistant_part, Origin(kind="model")
        case _:
            raise role.fail("Input should be 'user' or 'assistant'")
    name: Role = "user" if origin.kind == "user" else "assistant"
    if isinstance(content.value, str):
        return Message(role=name, parts=(TextPart(text=clean(content.text()), origin=origin),))
    return Message(
        role=name, parts=tuple(read(block, origin, clean, names) for block in content.items())
    )


def _tag_error(node: Node, kind: str, expected: str) -> ProviderError:
    return node.fail(
        f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
    )


def _user_part(node: Node, origin: Origin, clean: Cleaner, names: dict[str, str]) -> Part:
    kind = node.get("type").text()
    if kind == "text":
        return TextPart(text=clean(node.get("text").text()), origin=origin)
    if kind != "tool_result":
        raise _tag_error(node, kind, "'text', 'tool_result'")
    call = node.get("tool_use_id").text()
    tool = names.get(call, "")
    is_error = node.find("is_error")
    return ResultPart(
        call=call,
        provider_id=call,
        tool=tool,
        text=clean(_system(node.find("content"))),
        is_error=is_error is not None and is_error.boolean(),
        origin=Origin(kind="tool", name=tool),
    )


def _assistant_part(node: Node, origin: Origin, clean: Cleaner, names: dict[str, str]) -> Part:
    kind = node.get("type").text()
    match kind:
        case "text":
            return TextPart(text=clean(node.get("text").text()), origin=origin)
        case "thinking":
            return ThinkingPart(
                text=clean(node.get("thinking").text()),
                signature=node.get("signature").text(),
                origin=origin,
            )
        case "redacted_thinking":
            return ThinkingPart(text=clean(""), redacted=node.get("data").text(), origin=origin)
        case "tool_use":
            call = node.get("id").text()
            names[call] = node.get("name").text()
            arguments = node.get("input")
            arguments.members()
            return CallPart(
                call=call,
                provider_id=call,
                tool=names[call],
                arguments=clean(arguments.json()),
                origin=origin,
            )
        case _:
            raise _tag_error(node, kind, "'text', 'thinking', 'redacted_thinking', 'tool_use'")
