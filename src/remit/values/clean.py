"""`Clean` is text that has passed redaction: the only kind of text the journal accepts."""

from typing import Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Clean(str):
    """Text known to hold no secret.

    Made by the redactor, or by `vouch` for text that stands in our own source. Python values are
    accepted by a model field only if they are `Clean` already; JSON read back from the journal was
    clean when it was written.
    """

    __slots__ = ()

    @classmethod
    def vouch(cls, text: str) -> Self:
        """Text the caller answers for: redactor output, our own words, digests, numbers."""
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[object], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(
                cls, core_schema.str_schema(strict=True)
            ),
            python_schema=core_schema.is_instance_schema(cls),
            serialization=core_schema.simple_ser_schema("str"),
        )
