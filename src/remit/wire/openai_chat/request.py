"""OpenAI Chat Completions requests as we send them."""

from collections.abc import Iterator

from remit.errors import ProviderError
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
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.jsontext import array, quote, record
from remit.wire.media import quoted_url
from remit.wire.openai.asking import (
    SCHEMA_NAME,
    check_document,
    conversation_key,
    effort_of,
    file_name,
    image_detail,
    output_schema,
    result_text,
    schema_of,
)
from remit.wire.openai_chat.dialect import OPENAI, Dialect

Block = dict[str, str]


def encode_request(request: ModelRequest, dialect: Dialect = OPENAI) -> bytes:
    """The body of a request.

    Prompts are cached by the service itself. Blank text is not sent, nor are signatures of
    reasoning; its text is, where the dialect has a place for it.
    Raises `ProviderError` (`bad_request`) for what the API would refuse in any case.
    """
    members = {
        "model": quote(request.model),
        dialect.limit_of(request.model): str(request.max_output_tokens),
        "stream": "true" if request.stream else "false",
    }
    if request.stream and request.stream_usage:
        members["stream_options"] = '{"include_usage":true}'
    if dialect.caches_by_key:
        members["prompt_cache_key"] = quote(conversation_key(request))
    effort = effort_of(request)
    if effort is not None:
        members["reasoning_effort"] = quote(effort)
    if request.output_schema:
        members["response_format"] = _format(request)
    if request.tools:
        members["tools"] = array(_tool(tool) for tool in request.tools)
    messages = [
        message
        for role, parts in _turns(request)
        for message in _messages(request, dialect, role, parts)
    ]
    if not messages:
        raise ProviderError("nothing to send: no message has any content", kind="bad_request")
    if request.system.strip():
        # OpenAI reads `system` as `developer`; compatible servers know only the older name.
        messages.insert(0, {"role": '"system"', "content": quote(request.system)})
    members["messages"] = array(record(message) for message in messages)
    return record(members).encode()


def _format(request: ModelRequest) -> str:
    schema, strict = output_schema(request)
    form = {"name": quote(SCHEMA_NAME), "schema": schema, "strict": "true" if strict else "false"}
    return record({"type": '"json_schema"', "json_schema": record(form)})


def _tool(tool: ToolSchema) -> str:
    function = {"name": quote(tool.name)}
    if tool.description:
        function["description"] = quote(tool.description)
    function["parameters"] = schema_of(tool)
    return record({"type": '"function"', "function": record(function)})


def _turns(request: ModelRequest) -> Iterator[tuple[Role, list[Part]]]:
    """Role and parts by turn: neighbours of one role are one turn."""
    role: Role = "user"
    parts: list[Part] = []
    for message in request.messages:
        if message.role != role:
            yield role, parts
            role, parts = message.role, []
        parts.extend(message.parts)
    yield role, parts


def _messages(
    request: ModelRequest, dialect: Dialect, role: Role, parts: list[Part]
) -> Iterator[Block]:
    """The messages of a turn: each result is one of its own, before what else is said."""
    if role == "assistant":
        message = _answer(dialect, parts)
        if message is not None:
            yield message
        return
    for part in parts:
        if isinstance(part, ResultPart):
            yield {
                "role": '"tool"',
                "tool_call_id": quote(part.provider_id or part.call),
                "content": quote(result_text(part)),
            }
    content = [block for part in parts if (block := _shown(request, part)) is not None]
    if content:
        yield {"role": '"user"', "content": array(content)}


def _answer(dialect: Dialect, parts: list[Part]) -> Block | None:
    """The message of an assistant's turn, None if nothing of it can be sent."""
    message = {"role": '"assistant"'}
    thought = "".join(part.text for part in parts if isinstance(part, ThinkingPart))
    if thought and dialect.reasoning:
        message[dialect.reasoning] = quote(thought)
    texts = [part for part in parts if isinstance(part, TextPart) and part.text.strip()]
    if texts:
        # One text as such: not every compatible server takes a list from the model.
        several = array(_text(part) for part in texts)
        message["content"] = quote(texts[0].text) if len(texts) == 1 else several
    calls = [_call(part) for part in parts if isinstance(part, CallPart)]
    if calls:
        message.setdefault("content", "null")
        message["tool_calls"] = array(calls)
    return message if "content" in message else None


def _shown(request: ModelRequest, part: Part) -> str | None:
    """A block of what a user says or shows, None for parts that stand elsewhere."""
    match part:
        case TextPart():
            return _text(part) if part.text.strip() else None
        case ImagePart():
            return _image(request, part)
        case DocumentPart():
            return _file(request, part)
        case _:
            return None


def _text(part: TextPart) -> str:
    return record({"type": '"text"', "text": quote(part.text)})


def _call(part: CallPart) -> str:
    function = {"name": quote(part.tool), "arguments": quote(part.arguments or "{}")}
    return record(
        {
            "id": quote(part.provider_id or part.call),
            "type": '"function"',
            "function": record(function),
        }
    )


def _image(request: ModelRequest, part: ImagePart) -> str:
    image = {"url": quoted_url(request, part)}
    detail = image_detail(request.model)
    if detail != "auto":
        image["detail"] = quote(detail)
    return record({"type": '"image_url"', "image_url": record(image)})


def _file(request: ModelRequest, part: DocumentPart) -> str:
    check_document(request.model)
    file = {"filename": quote(file_name(part)), "file_data": quoted_url(request, part)}
    return record({"type": '"file"', "file": record(file)})
