"""What the Gemini API tells of its models, both directions; it announces no ends."""

from urllib.parse import quote as quote_path

from remit.values.model import ModelCard
from remit.wire.gemini.answer import ABOUT
from remit.wire.gemini.request import VERSION, WHOLE
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node

_COLLECTION = "models"
LIST_PATH = f"/{VERSION}/{_COLLECTION}?pageSize=1000"  # the most of one page; there are about 50


def card_path(model: str) -> str:
    """Where one model is told of; tuned ones have a collection of their own."""
    collection, slash, name = model.rpartition("/")
    where = quote_path(collection if slash else _COLLECTION)
    return f"/{VERSION}/{where}/{quote_path(name, safe='')}"


def encode_card(card: ModelCard) -> bytes:
    """The resource of a model; stage and end have no place in it."""
    members = {
        "name": quote(f"{_COLLECTION}/{card.name}"),
        "displayName": quote(card.name),
        "supportedGenerationMethods": array([quote(WHOLE)]),
    }
    return record(members).encode()


def decode_card(body: bytes) -> ModelCard:
    """What is told of a model. Raises `ProviderError` (`malformed`)."""
    return _card(Node.of(body, kind="malformed", about=ABOUT))


def decode_list(body: bytes) -> tuple[ModelCard, ...]:
    """All models of a page. Raises `ProviderError` (`malformed`)."""
    return tuple(map(_card, Node.of(body, kind="malformed", about=ABOUT).get("models").items()))


def _card(node: Node) -> ModelCard:
    return ModelCard(name=node.get("name").text().removeprefix(f"{_COLLECTION}/"))
