"""Anthropic Messages requests as we send them."""

import re
from collections.abc import Iterator
from typing import assert_never

from remit.errors import ProviderError
from remit.values.media import PDF
from remit.values.message import (
    CallPart,
    DocumentPart,
    ImagePart,
    Part,
    ResultPart,
    Role,
    TextPart,
    ThinkingPart,
)
from remit.values.model import Effort, ModelRequest, ToolSchema
from remit.wire.jsontext import array, embed_object, quote, record
from remit.wire.media import quoted_base64, text_of

PATH = "/v1/messages"
# The newest version. It differs from 2023-06-01 for the Messages API only in what it refuses
# (sampling parameters, documents in assistant turns, citations in user turns): we send none.
VERSION = "2026-10-21"

MIN_THINKING_TOKENS = 1024  # the API's own lower limit of a thinking budget

_EPHEMERAL = '{"type":"ephemeral"}'
_VERSIONED = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)", re.ASCII)
_ADAPTIVE_SINCE = (4, 6)  # first models with adaptive thinking; from 4.7 on budgets are refused

# The protocol begins at `low`.
EFFORTS: dict[Effort, str] = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}

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


def encode_request(request: ModelRequest) -> bytes:
    """The body of a request.

    Prompt caching is asked for where the prefix is stable: after the tools and instructions, and in
    the conversation, where a loop with tools or a second turn sends everything again. Unsigned
    thinking, blank text and messages left empty by that are not sent: the API refuses them.
    Raises `ProviderError` (`bad_request`) for what the API would refuse in any case.
    """
    members = {
        "model": quote(request.model),
        "max_tokens": str(request.max_output_tokens),
        "stream": "true" if request.stream else "false",
    }
    if request.thinking_tokens:
        members["thinking"] = _thinking(request)
    output = _output(request)
    if output:
        members["output_config"] = record(output)
    system = request.system if request.system.strip() else ""
    tools = [_tool(tool) for tool in request.tools]
    if system:
        block = {"type": '"text"', "text": quote(system), "cache_control": _EPHEMERAL}
        members["system"] = array([record(block)])
    elif tools:
        tools[-1]["cache_control"] = _EPHEMERAL
    if tools:
        members["tools"] = array(record(tool) for tool in tools)
    turns = list(_turns(request))
    if not turns:
        raise ProviderError("nothing to send: no message has any content", kind="bad_request")
    # What was said before will be read again: by the loop of tools, by the next turn of a session.
    if (tools or len(turns) > 1) and turns[-1][0] == "user":
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


def _output(request: ModelRequest) -> Block:
    """How the answer is to be: effort and, for structured output, its schema."""
    members: Block = {}
    if request.effort is not None:
        members["effort"] = quote(EFFORTS[request.effort])
    if request.output_schema:
        schema = embed_object(request.output_schema)
        if schema is None:
            raise ProviderError("output_schema is not a JSON object", kind="bad_request")
        members["format"] = record({"type": '"json_schema"', "schema": schema})
    return members


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


def _turns(request: ModelRequest) -> Iterator[tuple[Role, list[Block]]]:
    """Role and blocks by turn: neighbours of one role are one turn, results stand first in it."""
    role: Role = "user"
    blocks: list[Block] = []
    for message in request.messages:
        made = (_block(request, part) for part in message.parts)
        found = [block for block in made if block is not None]
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


def _block(request: ModelRequest, part: Part) -> Block | None:
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
        case ImagePart():
            source = {
                "type": '"base64"',
                "media_type": quote(part.media_type),
                "data": quoted_base64(request, part),
            }
            return {"type": '"image"', "source": record(source)}
        case DocumentPart():
            return _document_block(request, part)
        case never:
            assert_never(never)


def embedded(arguments: str) -> str:
    """Arguments as the JSON object the API wants; what is none is wrapped as its docs advise."""
    if not arguments.strip():
        return "{}"
    return embed_object(arguments) or record({"INVALID_JSON": quote(arguments)})


def takes(part: ThinkingPart) -> bool:
    """Only signed and redacted blocks go back; what has an id of its own is another protocol's."""
    return bool(part.signature or part.redacted) and not part.item


def _thinking_block(part: ThinkingPart) -> Block | None:
    if not takes(part):
        return None
    if part.redacted:
        return {"type": '"redacted_thinking"', "data": quote(part.redacted)}
    return {
        "type": '"thinking"',
        "thinking": quote(part.text),
        "signature": quote(part.signature),
    }


def _result_block(part: ResultPart) -> Block:
    block = {"type": '"tool_result"', "tool_use_id": quote(part.provider_id or part.call)}
    if part.text:
        block["content"] = quote(part.text)
    if part.is_error:
        block["is_error"] = "true"
    return block


def _document_block(request: ModelRequest, part: DocumentPart) -> Block:
    # Every text is plain text to the API.
    source = (
        {
            "type": '"base64"',
            "media_type": quote(PDF),
            "data": quoted_base64(request, part),
        }
        if part.media_type == PDF
        else {
            "type": '"text"',
            "media_type": '"text/plain"',
            "data": quote(text_of(request, part)),
        }
    )
    block = {"type": '"document"', "source": record(source)}
    return block | {"title": quote(part.name)} if part.name else block
