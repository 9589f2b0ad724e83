"""`openapi_tools`: operations of an HTTP API as tools, named one by one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from remit.app.load import named
from remit.machine.tools import AnyTool
from remit.policy.permission import Access, Risk


def openapi_tools(  # noqa: PLR0913  # each is one word of the declaration
    name: str,
    document: Mapping[str, object] | str | Path,
    *,
    allow: Sequence[str],
    base_url: str | None = None,
    credential: str = "",
    header: str = "Authorization",
    scheme: str = "Bearer",
    access: Mapping[str, Access] | None = None,
    risk: Mapping[str, Risk] | None = None,
    idempotent: Sequence[str] | bool = False,
    names: Mapping[str, str] | None = None,
    private: bool = False,
    idempotency_header: str = "Idempotency-Key",
    timeout: str = "30s",
) -> list[AnyTool]:
    """Tools of those operations of an OpenAPI document (3.0 or 3.1) that `allow` names.

    document: a mapping, or a file of JSON or YAML (`remit[yaml]`); it refers to nothing outside.
    allow: operations by id or as `METHOD /path`; no other is a tool.
    base_url: the only place that is reached; by default the document's single server.
    credential: what is sent in `header` after `scheme` (`Basic` for `user:password`, empty for a
    bare key). access: `read` or `write` where the method does not tell. risk: `high` for what
    cannot be taken back, as every DELETE is. idempotent: operations (True: all) that may be
    repeated after a crash under the same idempotency key. private: the API lies in a private
    network or on this machine; metadata services of clouds are never reached.

    Raises `SpecError` for an operation that is not there or cannot be a tool, `ConfigError` for a
    document that cannot be read, `MissingExtra` for YAML without PyYAML.
    """
    make = cast(
        "Callable[..., list[AnyTool]]",
        named("remit.adapters.openapi.tools", "make_openapi_tools", ""),
    )
    choices = named("remit.adapters.openapi.tools", "Choices", "")
    is_yaml = not isinstance(document, Mapping) and str(document).endswith((".yaml", ".yml"))
    return make(
        name,
        document,
        allow=tuple(allow),
        base_url=base_url,
        credential=credential,
        header=header,
        scheme=scheme,
        private=private,
        choices=cast("Callable[..., object]", choices)(
            access=access or {}, risk=risk or {}, idempotent=idempotent, names=names or {}
        ),
        key_header=idempotency_header,
        timeout=timeout,
        read_yaml=named("yaml", "safe_load", "yaml") if is_yaml else None,
    )
