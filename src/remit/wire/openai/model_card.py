"""What OpenAI, and servers compatible with it, tell of their models, both directions."""

from functools import partial
from urllib.parse import quote as quote_path

from remit.values.model import ModelCard, ModelStage
from remit.wire.codec import Looking
from remit.wire.jsontext import quote, record
from remit.wire.node import Node
from remit.wire.openai.address import Address

_ABOUT = "the provider's list of models is malformed: "
_CREATED = "0"  # the codec has no clock, and nobody here reads it
# Where servers write the day a model ends: OpenAI, Mistral.
_ENDS = ("shutdown_date", "deprecation")


def looking_at(address: Address) -> Looking:
    """How one server is asked for its models. Azure's names are the user's own deployments."""
    return Looking(
        path=partial(_path, address),
        list_path=address.models_path + address.query,
        encode_card=encode_card,
        decode_card=decode_card,
        decode_list=decode_list,
        knows=address.key_header != "api-key",
    )


def _path(address: Address, model: str) -> str:
    # OpenRouter's names have a slash that is one of the path.
    return f"{address.models_path}/{quote_path(model)}{address.query}"


def encode_card(card: ModelCard) -> bytes:
    """The object of a model; a retired one is told as Groq does, for OpenAI tells of it no more."""
    members = {
        "id": quote(card.name),
        "object": '"model"',
        "created": _CREATED,
        "owned_by": '"openai"',
        "shutdown_date": quote(card.ends) if card.ends else "null",
    }
    if card.stage == "retired":
        members["active"] = "false"
    return record(members).encode()


def decode_card(body: bytes) -> ModelCard:
    """What is told of a model. Raises `ProviderError` (`malformed`)."""
    return _card(Node.of(body, kind="malformed", about=_ABOUT))


def decode_list(body: bytes) -> tuple[ModelCard, ...]:
    """All models, of a list or, as some servers send it, a bare array.

    Raises `ProviderError` (`malformed`).
    """
    root = Node.of(body, kind="malformed", about=_ABOUT)
    rows = root if isinstance(root.value, list) else root.get("data")
    return tuple(map(_card, rows.items()))


def _card(node: Node) -> ModelCard:
    found = (node.find(name) for name in _ENDS)
    ends = next((one.text() for one in found if one is not None), "")
    active = node.find("active")
    stage: ModelStage = "deprecated" if ends else "active"
    if active is not None and not active.boolean():
        stage = "retired"
    return ModelCard(name=node.get("id").text(), stage=stage, ends=ends)
