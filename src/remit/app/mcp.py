"""`mcp_tools`: tools of an MCP server, named one by one and accepted by a human."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from remit.app.load import named
from remit.machine.tools import AnyTool
from remit.policy.permission import Access, Risk


def mcp_tools(  # noqa: PLR0913  # each is one word of the declaration
    name: str,
    *,
    allow: Sequence[str],
    command: Sequence[str] = (),
    url: str = "",
    pins: str | Path | None = None,
    access: Mapping[str, Access] | None = None,
    risk: Mapping[str, Risk] | None = None,
    names: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    credential: str = "",
    credential_variable: str = "",
    private: bool = False,
    timeout: str = "60s",
) -> list[AnyTool]:
    """Tools of the MCP server behind `command` (stdio) or `url` (streamable HTTP); `remit[mcp]`.

    allow: the server's tools that agents may use; no other is one. pins: the file with what a
    human accepted of them, by default `mcp/NAME.json`; `remit tools accept` writes it. A tool that
    the server changed since is stopped until a human accepts it. access: `read` for tools that
    only read; all others are writes, whatever the server says of them. environment: all that a
    process of ours gets, besides a plain PATH. credential: sent as a bearer token, or handed to the
    process in `credential_variable`. private: the address lies in a private network.

    Raises `SpecError` for what will not do, `ConfigError` for a damaged file of pins,
    `MissingExtra` without the package.
    """
    make = cast(
        "Callable[..., list[AnyTool]]", named("remit.adapters.mcp.tools", "make_mcp_tools", "mcp")
    )
    return make(
        name,
        command=tuple(command),
        url=url,
        allow=tuple(allow),
        pins=Path(f"mcp/{name}.json") if pins is None else Path(pins),
        access=access or {},
        risk=risk or {},
        names=names or {},
        environment=environment or {},
        credential=credential,
        credential_variable=credential_variable,
        private=private,
        timeout=timeout,
    )
