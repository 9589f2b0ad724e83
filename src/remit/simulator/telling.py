"""What the simulated providers tell of one model: that it is there, or that it is not."""

from collections.abc import Sequence

from remit.simulator.endpoint import Endpoint
from remit.values.model import ModelCard


def model_route(models_route: str) -> str:
    """Where one model is told of, below the place of all; names may have a slash."""
    return f"{models_route}/{{model:.+}}"


def told_of(endpoint: Endpoint, models: Sequence[str], name: str) -> bytes:
    """The card of a model; where none are named every one is there.

    Raises `ProviderError` (`not_found`) in the service's own words.
    """
    looking = endpoint.codec.looking
    if looking is None or (models and name not in models):
        raise endpoint.unknown_model(name)
    return looking.encode_card(ModelCard(name=name))
