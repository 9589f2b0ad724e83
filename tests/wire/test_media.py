"""Images and documents go out as base 64 and come in again, or it is said what is wrong."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.model import ModelRequest
from remit.wire.media import MediaReader, content_of, quoted_base64, quoted_url, text_of
from remit.wire.node import Node
from tests.wire.strategies import USER


def request(media: dict[str, bytes]) -> ModelRequest:
    return ModelRequest(model="m", system="", messages=(), max_output_tokens=1, media=media)


def node(text: str) -> Node:
    return Node(text, "bad_request")


@given(st.binary(max_size=100))
def test_images_come_back(content: bytes) -> None:
    part = image(content, "image/webp", USER)
    given = request({part.digest: content})
    reader = MediaReader()
    media_type, text = reader.split(node(json.loads(quoted_url(given, part))))
    assert text == json.loads(quoted_base64(given, part)) == base64.b64encode(content).decode()
    assert reader.image(node(""), media_type, text, USER) == part
    assert reader.found == given.media


@given(st.binary(max_size=100), st.sampled_from([PDF, "text/plain"]))
def test_documents_come_back(content: bytes, media_type: str) -> None:
    part = document(content, media_type, USER, Clean.vouch("name"))
    given = request({part.digest: content})
    reader = MediaReader()
    text = json.loads(quoted_base64(given, part))
    found = reader.document(node(""), media_type, text, USER, Clean.vouch("name"))
    assert found == part
    assert reader.found == given.media


def test_text_that_is_none_is_mended() -> None:
    part = document(b"a\xff", "text/plain", USER)
    assert text_of(request({part.digest: b"a\xff"}), part) == "a\ufffd"


def test_bytes_that_are_missing() -> None:
    with pytest.raises(ProviderError, match="is not kept any more") as caught:
        content_of(request({}), image(b"", "image/png", USER))
    assert caught.value.kind == "bad_request"


@pytest.mark.parametrize("url", ["https://example.com/a.png", "data:image/png,abc", "data:;base64"])
def test_only_data_urls_are_taken(url: str) -> None:
    with pytest.raises(ProviderError, match="only data URLs"):
        MediaReader().split(node(url))


def test_parameters_of_a_data_url_are_passed_over() -> None:
    assert MediaReader().split(node("data:Text/plain;charset=utf-8;base64,YQ==")) == (
        "text/plain",
        "YQ==",
    )


@pytest.mark.parametrize("text", ["x", "a b=", "ä"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(ProviderError, match="Invalid base64"):
        MediaReader().image(node(""), "image/png", text, USER)


def test_types_that_are_not_taken() -> None:
    with pytest.raises(ProviderError, match="images are png, jpeg, gif or webp"):
        MediaReader().image(node(""), "image/tiff", "", USER)
    with pytest.raises(ProviderError, match="documents are application/pdf or text"):
        MediaReader().document(node(""), "application/zip", "", USER)
