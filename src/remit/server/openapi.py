"""The OpenAPI 3.1 document, made from the table of routes: what is not in it is not served."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, cast

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import models_json_schema

from remit.server.admission import CSRF_HEADER
from remit.server.asked import NO_NUL
from remit.server.problem import MEDIA_TYPE, STATUSES, ProblemDetails
from remit.server.route import Nothing, Route
from remit.server.starting import MAX_ONCE
from remit.values.role import granting

DOCUMENT_PATH = "/api/v1/openapi.json"
_VERSION = "1.0"
_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")
Tree = dict[str, JsonValue]
Mode = Literal["validation", "serialization"]
_ABOUT = """Runs, conversations, approvals, money and proof of one Remit.

Programs send `Authorization: Bearer rmk_…` (`remit key create`); browsers show the cookie of their
sign-in, and the header `X-CSRF-Token` with what changes something. A request is about one tenant:
that of `?tenant=`, else the one its principal has. Errors are problem details (RFC 9457)."""


def document(routes: Iterable[Route]) -> Tree:
    """The document for the API among these routes."""
    shown = [route for route in routes if route.kind == "api"]
    names, schemas = _schemas(shown)
    paths: Tree = {}
    for route in shown:
        entry = cast("Tree", paths.setdefault(_plain(route.path), {}))
        entry[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Remit", "version": _VERSION, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
            },
        },
    }


Names = Mapping[tuple[type[BaseModel], Mode], Tree]


def _schemas(routes: Iterable[Route]) -> tuple[Names, Tree]:
    """References to all models, and what they refer to."""
    wanted: dict[tuple[type[BaseModel], Mode], None] = {(ProblemDetails, "serialization"): None}
    for route in routes:
        if route.body is not Nothing:
            wanted[(route.body, "validation")] = None
        if route.gives is not Nothing:
            wanted[(route.gives, "serialization")] = None
    names, definitions = models_json_schema(list(wanted), ref_template=_REF)
    return cast("Names", names), cast("Tree", definitions.get("$defs", {}))


def _operation(route: Route, names: Names) -> Tree:
    """One route."""
    found: Tree = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _rule(route),
        "tags": [_tag(route)],
        "parameters": [*_in_path(route), *_in_query(route), *_in_header(route)],
        "responses": _responses(route, names),
        "security": [] if route.needs == "public" else [{"key": []}],
    }
    if route.body is not Nothing:
        required = any(each.is_required() for each in route.body.model_fields.values())
        found["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": names[(route.body, "validation")]}},
        }
    return found


def _rule(route: Route) -> str:
    """Who may, in words."""
    if route.needs == "public":
        return "Anybody may."
    if route.needs == "anyone":
        return "Whoever is signed in may."
    roles = " or ".join(granting(route.needs))
    token = f" Browsers send `{CSRF_HEADER}`." if route.changes else ""
    return f"Takes the role {roles}.{token}"


def _tag(route: Route) -> str:
    parts = route.path.strip("/").split("/")
    return parts[2] if parts[0] == "api" else "health"


def _plain(path: str) -> str:
    """The path as OpenAPI writes it."""
    return _PARAMETER.sub(r"{\1}", path)


def _in_path(route: Route) -> list[JsonValue]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _in_query(route: Route) -> list[JsonValue]:
    schema = cast("Tree", route.query.model_json_schema(ref_template=_REF))
    required = cast("list[str]", schema.get("required", []))
    found: list[JsonValue] = [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": str(cast("Tree", each).get("description", "")),
            "schema": _storable(_without_null(cast("Tree", each))),
        }
        for name, each in cast("Tree", schema.get("properties", {})).items()
    ]
    if route.tenant in ("one", "any"):
        more = " `*`: all tenants, for who has the role in all." if route.tenant == "any" else ""
        found.append(
            {
                "name": "tenant",
                "in": "query",
                "required": False,
                "description": f"The tenant, where who asks has several.{more}",
                "schema": _storable({"type": "string"}),
            }
        )
    return found


def _in_header(route: Route) -> list[JsonValue]:
    if not route.once:
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A key of the caller's own. For a day the same request under it is the "
            "same run, however often it comes; another request is refused (409).",
            "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_ONCE}}}$"},
        }
    ]


def _without_null(schema: Tree) -> Tree:
    """A query has no null: what may be left out is left out."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    choices = kept.get("anyOf")
    if not isinstance(choices, list):
        return kept
    some = [each for each in choices if each != {"type": "null"}]
    kept.pop("anyOf")
    kept.pop("default", None)
    return {**kept, **cast("Tree", some[0])} if len(some) == 1 else {**kept, "anyOf": some}


def _storable(schema: Tree) -> Tree:
    """A query with a NUL is refused, whatever it is about: no database holds one."""
    free = schema.get("type") == "string" and not schema.keys() & {"pattern", "enum", "const"}
    return {**schema, "pattern": NO_NUL} if free else schema


def _responses(route: Route, names: Names) -> Tree:
    good: Tree = {"description": "Done."}
    if route.gives is not Nothing:
        good["content"] = {route.media_type: {"schema": names[(route.gives, "serialization")]}}
    elif route.status != 204:  # noqa: PLR2004  # RFC 9110: no content
        good["content"] = {route.media_type: {}}
    problem: Tree = {"content": {MEDIA_TYPE: {"schema": names[(ProblemDetails, "serialization")]}}}
    found: Tree = {str(route.status): good}
    for status in _errors(route):
        found[str(status)] = {"description": STATUSES[status], **problem}
    if route.name == "is_ready":
        found["503"] = {**good, "description": "Not ready, or about to end."}
    return found


def _errors(route: Route) -> list[int]:
    """The statuses of a route besides success."""
    found = {400, 413, 422, 429, 500, 503, 504}
    if route.needs != "public":
        found |= {401, 403, 404, 409}
    if route.changes:
        found |= {415, 502}
    return sorted(found)
