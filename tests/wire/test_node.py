"""Every reading method says where it failed, in the words of the providers' servers."""

from collections.abc import Callable

import pytest

from remit.errors import ProviderError
from remit.wire.node import Node

DOCUMENT = """{"text":"x\\ud83d","yes":true,"n":12,"neg":-1,"big":1234567890123456,"exp":1e3,
"list":[{"a":1}],"null":null,"deep":{"in":{}},"float":1.0}"""


def root() -> Node:
    return Node.of(DOCUMENT, kind="malformed", about="it is bad: ")


def test_what_is_there_is_read() -> None:
    node = root()
    assert node.get("text").text() == "x�"
    assert node.get("text").raw_text() == "x\ud83d"
    assert node.get("yes").boolean() is True
    assert node.get("n").integer() == 12
    assert node.get("neg").integer(-1) == -1
    assert node.count("n") == 12
    assert node.count("missing") == 0
    assert node.count("null") == 0
    assert [item.get("a").integer() for item in node.get("list").items()] == [1]
    assert node.find("null") is None
    assert node.find("nothing") is None
    assert node.get("list").json() == '[{"a":1}]'
    assert node.get("deep").only(["in"]).get("in").members() == {}


FAILURES: dict[str, Callable[[Node], object]] = {
    "it is bad: missing: Field required": lambda node: node.get("missing"),
    "it is bad: deep.in.x: Field required": lambda node: node.get("deep").get("in").get("x"),
    "it is bad: deep.in: Extra inputs are not permitted": lambda node: node.get("deep").only([]),
    "it is bad: n: Input should be an object": lambda node: node.get("n").members(),
    "it is bad: n: Input should be a valid list": lambda node: node.get("n").items(),
    "it is bad: n: Input should be a valid string": lambda node: node.get("n").text(),
    "it is bad: n: Input should be a valid boolean": lambda node: node.get("n").boolean(),
    "it is bad: yes: Input should be a valid integer": lambda node: node.get("yes").integer(),
    "it is bad: big: Input should be a valid integer": lambda node: node.get("big").integer(),
    "it is bad: exp: Input should be a valid integer": lambda node: node.get("exp").integer(),
    "it is bad: float: Input should be a valid integer": lambda node: node.get("float").integer(),
    "it is bad: neg: Input should be greater than or equal to 0": (
        lambda node: node.get("neg").integer()
    ),
    "it is bad: list.0.a: Input should be a valid string": (
        lambda node: next(iter(node.get("list").items())).get("a").text()
    ),
}


@pytest.mark.parametrize("words", FAILURES)
def test_what_is_wrong_is_named(words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        FAILURES[words](root())
    assert str(caught.value) == words
    assert caught.value.kind == "malformed"


def test_a_document_that_is_no_json_is_named() -> None:
    with pytest.raises(ProviderError, match=r"^it is bad: not JSON"):
        Node.of("{", kind="bad_request", about="it is bad: ")


def test_nesting_beyond_the_limit_has_a_place() -> None:
    node = Node.of('{"a":' + "[" * 200 + "]" * 200 + "}", kind="bad_request")
    with pytest.raises(ProviderError, match=r"^a: JSON nested deeper") as caught:
        node.get("a").json()
    assert caught.value.kind == "bad_request"
