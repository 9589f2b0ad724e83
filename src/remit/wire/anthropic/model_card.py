"""What Anthropic tells of its models, both directions: is one there, and until when."""

from urllib.parse import quote as quote_path

from remit.values.model import ModelCard, ModelStage
from remit.wire.anthropic.answer import ABOUT
from remit.wire.jsontext import quote, record
from remit.wire.node import Node

PATH = "/v1/models"
LIST_PATH = f"{PATH}?limit=1000"  # the most of one page; there are a few dozen models
# When a model came out; nobody here reads it, and the API's own word for unknown is this.
_CREATED = '"1970-01-01T00:00:00Z"'


def card_path(model: str) -> str:
    """Where one model is told of."""
    return f"{PATH}/{quote_path(model, safe='')}"


def encode_card(card: ModelCard) -> bytes:
    """The object of a model."""
    ends = quote(card.ends) if card.ends else "null"
    members = {
        "type": '"model"',
        "id": quote(card.name),
        "display_name": quote(card.name),
        "created_at": _CREATED,
        "lifecycle": quote(card.stage),
        "retires_at": ends,
    }
    return record(members).encode()


def decode_card(body: bytes) -> ModelCard:
    """What is told of a model. Raises `ProviderError` (`malformed`)."""
    return _card(Node.of(body, kind="malformed", about=ABOUT))


def decode_list(body: bytes) -> tuple[ModelCard, ...]:
    """All models of a page. Raises `ProviderError` (`malformed`)."""
    return tuple(map(_card, Node.of(body, kind="malformed", about=ABOUT).get("data").items()))


def _card(node: Node) -> ModelCard:
    told, ends = node.find("lifecycle"), node.find("retires_at")
    word = "" if told is None else told.text()
    # A word newer than this codec is no reason to call a model gone.
    stages: dict[str, ModelStage] = {"deprecated": "deprecated", "retired": "retired"}
    return ModelCard(
        name=node.get("id").text(),
        stage=stages.get(word, "active"),
        ends="" if ends is None else ends.text(),
    )
