"""`mcp_tools`: tools of an MCP server, named one by one and accepted by a human."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from remit.app.housing import house_of
from remit.app.load import named
from remit.errors import SpecError
from remit.machine.tools import AnyTool
from remit.policy.permission import Access, Risk
from remit.policy.reach import Reachable
from remit.values.command import Command

# What a server may use in all its life; it is started again when it is needed after that.
_LIMITS = {
    "cpu_s": 3_600,
    "memory_bytes": 2 * 1024**3,
    "processes": 128,
    "file_bytes": 256 * 1024**2,
    "open_files": 1_024,
}
_REASON_WORDS = 3  # fewer is no reason


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
    read: Sequence[str] = (),
    write: Sequence[str] = (),
    hosts: Sequence[str] = (),
    limits: Mapping[str, int] | None = None,
    unconfined: str = "",
    private: bool = False,
    timeout: str = "60s",
) -> list[AnyTool]:
    """Tools of the MCP server behind `command` (stdio) or `url` (streamable HTTP); `remit[mcp]`.

    allow: the server's tools that agents may use; no other is one. pins: the file with what a
    human accepted of them, by default `mcp/NAME.json`; `remit tools accept` writes it. A tool that
    the server changed since is stopped until a human accepts it. access: `read` for tools that
    only read; all others are writes, whatever the server says of them. environment: all that a
    process of ours gets, besides a plain PATH, HOME, LANG and TMPDIR. credential: sent as a bearer
    token, or handed to the process in `credential_variable`. private: the address, or `hosts`, lie
    in a private network.

    A process runs in the sandbox: it sees the system, `read` and `write` (absolute paths; a folder
    `{tenant}` or `{user}` in them and in `command` is that tenant's or user's own), and reaches
    `hosts` (`api.example.com`, `*.example.com`, `example.com:8443`) or nothing. limits: numbers of
    `Command` (`memory_bytes`, `cpu_s` …). unconfined: why it runs outside any sandbox, in so many
    words; production refuses that.

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
        confined=_confined(name, command, read, write, hosts, limits, unconfined, private=private),
        private=private,
        timeout=timeout,
        house=house_of(),
    )


def _confined(
    name: str,
    command: Sequence[str],
    read: Sequence[str],
    write: Sequence[str],
    hosts: Sequence[str],
    limits: Mapping[str, int] | None,
    unconfined: str,
    *,
    private: bool,
) -> Command | None:
    """What the sandbox lets the server have; None where it runs outside."""
    declared = (read, write, hosts, limits)
    if unconfined or not command:
        if any(declared) or (unconfined and not command):
            raise SpecError(
                f"the server {name!r}: read, write, hosts, limits and unconfined are for a command "
                "in the sandbox, or outside: say what it is"
            )
        if unconfined and len(unconfined.split()) < _REASON_WORDS:
            raise SpecError(
                f"the server {name!r}: unconfined={unconfined!r}: say why in a sentence"
            )
        return None
    strange = sorted(set(limits or {}) - set(_LIMITS))
    if strange:
        raise SpecError(
            f"the server {name!r}: limits: {strange[0]!r}; there are {', '.join(_LIMITS)}"
        )
    chosen: dict[str, int] = {**_LIMITS, **(limits or {})}
    Reachable(tuple(hosts), private=private)
    return Command(
        argv=tuple(command),
        cwd="",
        read=tuple(read),
        write=tuple(write),
        hosts=tuple(hosts),
        private=private,
        **chosen,  # type: ignore[arg-type]  # whole numbers, checked by name above
    )
