"""OpenAI Responses requests as we send them."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from remit.errors import ProviderError
from remit.values.message import (
    CallPart,
    DocumentPart,
    ImagePart,
    Message,
    Part,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.jsontext import array, quote, record
from remit.wire.media import quoted_url
from remit.wire.openai.address import OPENAI, Address
from remit.wire.openai.asking import (
    SCHEMA_NAME,
    check_document,
    conversation_key,
    effort_of,
    file_name,
    image_detail,
    output_schema,
    reasons,
    result_text,
    schema_of,
)

MIN_OUTPUT_TOKENS = 16  # the API's own lower limit
ENCRYPTED = "reasoning.encrypted_content"

Item = dict[str, str]


def encode_request(request: ModelRequest, address: Address = OPENAI) -> bytes:
    """The body of a request.

    Nothing is stored at the provider: the whole conversation is sent, and reasoning comes back
    encrypted and goes along unchanged. Prompts are cached by the service itself. Blank text is not
    sent. Raises `ProviderError` (`bad_request`) for what the API would refuse in any case.
    """
    if request.max_output_tokens < MIN_OUTPUT_TOKENS:
        raise ProviderError(
            f"max_output_tokens={request.max_output_tokens}: the API takes at least "
            f"{MIN_OUTPUT_TOKENS}",
            kind="bad_request",
        )
    members = {
        "model": quote(request.model),
        "max_output_tokens": str(request.max_output_tokens),
        "stream": "true" if request.stream else "false",
        "store": "false",
    }
    if address.caches_by_key:
        members["prompt_cache_key"] = quote(conversation_key(request))
    members |= _reasoning(request)
    if request.output_schema:
        members["text"] = _format(request)
    if request.system.strip():
        members["instructions"] = quote(request.system)
    if request.tools:
        members["tools"] = array(_tool(tool) for tool in request.tools)
    items = [item for message in request.messages for item in _items(request, message)]
    if not items:
        raise ProviderError("nothing to send: no message has any content", kind="bad_request")
    members["input"] = array(record(item) for item in items)
    return record(members).encode()


def _reasoning(request: ModelRequest) -> Item:
    """How much to reason, and that the reasoning is to come back."""
    members: Item = {}
    settings: Item = {}
    effort = effort_of(request)
    if effort is not None:
        settings["effort"] = quote(effort)
    if reasons(request.model):
        # Other models refuse to be asked for it.
        members["include"] = array([quote(ENCRYPTED)])
        if request.thinking_tokens:
            settings["summary"] = '"auto"'
    return members | {"reasoning": record(settings)} if settings else members


def _format(request: ModelRequest) -> str:
    schema, strict = output_schema(request)
    form = {
        "type": '"json_schema"',
        "name": quote(SCHEMA_NAME),
        "schema": schema,
        "strict": "true" if strict else "false",
    }
    return record({"format": record(form)})


def _tool(tool: ToolSchema) -> str:
    members = {"type": '"function"', "name": quote(tool.name)}
    if tool.description:
        members["description"] = quote(tool.description)
    # Without a word the API takes schemas for strict, and refuses those that are not.
    return record(members | {"parameters": schema_of(tool), "strict": "false"})


def _items(request: ModelRequest, message: Message) -> Iterator[Item]:
    if message.role == "user":
        yield from _user_items(request, message.parts)
        return
    for item, neighbours in groupby(message.parts, _item_of):
        parts = list(neighbours)
        if item:
            thoughts = [part for part in parts if isinstance(part, ThinkingPart)]
            yield from _reasoning_item(item, thoughts)
        else:
            yield from (made for part in parts if (made := _answer_item(part)) is not None)


def takes(part: ThinkingPart) -> bool:
    """Reasoning goes back as the item it came as."""
    return bool(part.item)


def _item_of(part: Part) -> str:
    return part.item if isinstance(part, ThinkingPart) else ""


def _reasoning_item(item: str, parts: list[ThinkingPart]) -> Iterator[Item]:
    encrypted = "".join(part.redacted for part in parts)
    made = {"type": '"reasoning"', "id": quote(item)}
    if encrypted:
        texts = [part.text for part in parts if part.text]
        summary = (record({"type": '"summary_text"', "text": quote(text)}) for text in texts)
        yield made | {"summary": array(summary), "encrypted_content": quote(encrypted)}
        return
    content = (record({"type": '"reasoning_text"', "text": quote(part.text)}) for part in parts)
    yield made | {"summary": "[]", "content": array(content)}


def _answer_item(part: Part) -> Item | None:
    match part:
        case TextPart() if part.text.strip():
            return {"role": '"assistant"', "content": quote(part.text)}
        case CallPart():
            return {
                "type": '"function_call"',
                "call_id": quote(part.provider_id or part.call),
                "name": quote(part.tool),
                "arguments": quote(part.arguments or "{}"),
            }
        case _:
            return None  # blank text, and reasoning that the provider gave no id


def _user_items(request: ModelRequest, parts: Iterable[Part]) -> Iterator[Item]:
    """Results, each an item of its own, and after them what else is said and shown."""
    content: list[str] = []
    for part in parts:
        match part:
            case ResultPart():
                yield {
                    "type": '"function_call_output"',
                    "call_id": quote(part.provider_id or part.call),
                    "output": quote(result_text(part)),
                }
            case TextPart() if part.text.strip():
                content.append(record({"type": '"input_text"', "text": quote(part.text)}))
            case ImagePart():
                content.append(_image(request, part))
            case DocumentPart():
                content.append(_file(request, part))
            case _:
                pass  # blank text
    if content:
        yield {"role": '"user"', "content": array(content)}


def _image(request: ModelRequest, part: ImagePart) -> str:
    return record(
        {
            "type": '"input_image"',
            "image_url": quoted_url(request, part),
            "detail": quote(image_detail(request.model)),
        }
    )


def _file(request: ModelRequest, part: DocumentPart) -> str:
    check_document(request.model)
    return record(
        {
            "type": '"input_file"',
            "filename": quote(file_name(part)),
            "file_data": quoted_url(request, part),
        }
    )
