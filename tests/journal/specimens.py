"""One specimen of every event, made from its own fields, so that a new event has one at once."""

import types
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from remit.journal.events import Event
from remit.values.clean import Clean

EVENT_CLASSES: tuple[type[BaseModel], ...] = get_args(get_args(Event)[0])
"""The members of the union."""


def specimen(annotation: object) -> object:
    """A value for a field of this type that differs from every default."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return specimen(get_args(annotation)[0])
    if origin is Literal:
        return get_args(annotation)[-1]
    if origin in (Union, types.UnionType):
        return specimen(next(arg for arg in get_args(annotation) if arg is not type(None)))
    if origin is tuple:
        inner = [arg for arg in get_args(annotation) if arg is not Ellipsis]
        return tuple(specimen(arg) for arg in inner)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return build(annotation)
    plain: dict[object, object] = {str: "text", int: 7, bool: True, Clean: Clean.vouch("clean")}
    return plain[annotation]


def build(model: type[BaseModel]) -> BaseModel:
    """An instance with every field set."""
    return model(**{name: specimen(field.annotation) for name, field in model.model_fields.items()})


SPECIMENS = {cls.__name__: build(cls) for cls in EVENT_CLASSES}
