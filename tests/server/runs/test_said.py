"""Messages on a page: texts, thoughts, calls and results exactly as they are, files by name."""

from remit.server.runs.said import plain, said_of
from remit.values.clean import Clean
from remit.values.media import image
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    ResultPart,
    TextPart,
    ThinkingPart,
)

ANN = Origin(kind="user", name="ann")
MODEL = Origin(kind="model", name="sim:m")
SHOP = Origin(kind="tool", name="find", labels=("server:shop",))


def test_every_part_is_told_with_where_it_came_from() -> None:
    picture = image(b"one point", "image/png", ANN)
    messages = (
        Message(role="user", parts=(TextPart(text=Clean.vouch("Hi"), origin=ANN), picture)),
        Message(
            role="assistant",
            parts=(
                ThinkingPart(text=Clean.vouch(""), redacted="x", origin=MODEL),
                CallPart(
                    call="c1", tool="find", arguments=Clean.vouch('{"a": 1.50}'), origin=MODEL
                ),
            ),
        ),
        Message(
            role="user",
            parts=(
                ResultPart(
                    call="c1", tool="find", text=Clean.vouch('"none"'), is_error=True, origin=SHOP
                ),
            ),
        ),
    )
    found = said_of(messages)
    assert [(it.role, it.kind, it.who, it.failed) for it in found] == [
        ("user", "text", "ann", False),
        ("user", "file", "ann", False),
        ("assistant", "thinking", "sim:m", False),
        ("assistant", "call", "find", False),
        ("user", "result", "find", True),
    ]
    assert found[1].text.startswith("[image: image/png")
    assert found[2].text == "(withheld by the provider)"
    assert found[3].text == '{"a": 1.50}', "numbers as they were written"
    assert (found[4].text, found[4].origin) == ("none", "tool find server:shop")


def test_a_json_string_is_read_as_its_text_and_all_else_left_alone() -> None:
    assert plain('"a\\nb"') == "a\nb"
    assert plain('"a') == '"a'
    assert plain("{}") == "{}"
