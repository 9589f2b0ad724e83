"""Reads what a request asks: query, form or JSON, within bounds, as the route's models say."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qs, parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from remit.errors import RequestRefused
from remit.server.admission import CSRF_FIELD
from remit.server.problem import faults_of
from remit.server.settings import ServerSettings

M = TypeVar("M", bound=BaseModel)
Fields = dict[str, str | list[str]]
_MAX_FIELDS = 100  # of a form or a query
_NUL = "\0"
NO_NUL = r"^[^\u0000]*$"
"""What a schema says of texts that no NUL may be in."""
_SHOWN = 200  # characters of a path


def query_of(request: Request) -> Fields:
    """The query by name; a list where one came twice. Raises `RequestRefused`."""
    try:
        pairs = parse_qsl(
            request.url.query,
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise RequestRefused(
            "the query cannot be read", status=400, remedy="encode it as UTF-8, percent-encoded"
        ) from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return _fit(found, "query")


def form_of(content: bytes) -> Fields:
    """The form by name. Raises `RequestRefused`."""
    try:
        found = parse_qs(
            content.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise RequestRefused("the form cannot be read", status=400, remedy="send UTF-8") from None
    return _fit(found, "form")


def _fit(found: Mapping[str, list[str]], place: str) -> Fields:
    """One value or several by name. Raises `RequestRefused` for what no database can hold."""
    if any(_NUL in each for name, values in found.items() for each in (name, *values)):
        raise RequestRefused(f"there is a NUL in the {place}", status=400, remedy="leave it out")
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def check_path(request: Request) -> None:
    """Raise `RequestRefused` for a path that can name nothing: no database holds a NUL."""
    if any(_NUL in str(value) for value in request.path_params.values()):
        raise RequestRefused(
            f"there is nothing at {request.url.path[:_SHOWN]!r}",
            status=404,
            remedy="there is a NUL in the path",
        )


def read(model: type[M], values: Mapping[str, object], place: str) -> M:
    """The parameters as the model says. Raises `RequestRefused` naming the field."""
    known = {name: value for name, value in values.items() if name != CSRF_FIELD}
    try:
        return model.model_validate(known)
    except ValidationError as exc:
        raise _misfit(exc, place) from None


def read_json(request: Request, model: type[M], content: bytes) -> M:
    """The JSON body as the model says. Raises `RequestRefused` naming the field."""
    if not content:
        return read(model, {}, "body")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefused(
            "the body is not application/json", status=415, remedy="send JSON, and say so"
        )
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as exc:
        raise _misfit(exc, "body") from None


def _misfit(exc: ValidationError, place: str) -> RequestRefused:
    return RequestRefused(
        f"the {place} does not fit",
        status=422,
        remedy="the OpenAPI document at /api/v1/openapi.json says what is taken",
        faults=faults_of(exc.errors(include_url=False, include_input=False), place),
    )


async def body_of(request: Request, settings: ServerSettings, *, uploads: bool) -> bytes:
    """The whole body, within its bound. Raises `RequestRefused` beyond it."""
    most = settings.max_upload_bytes if uploads else settings.max_body_bytes
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > most:
            raise RequestRefused(
                f"the body is larger than {most} bytes",
                status=413,
                remedy="send less",
                headers={"connection": "close"},
            )
    return bytes(found)
