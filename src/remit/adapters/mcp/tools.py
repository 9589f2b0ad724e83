"""The tools of an MCP server that an allowlist names and a human accepted, as tools of agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

from remit.adapters.mcp.http import Resolve, check_url
from remit.adapters.mcp.pins import Offer, read_pins, write_pins
from remit.adapters.mcp.server import McpServer, Party, Reach
from remit.errors import SpecError, ToolError
from remit.machine.call import Call
from remit.machine.schema_tool import Carry, Contract, schema_tool
from remit.machine.source import House, check_source, tool_name
from remit.machine.tools import AnyTool
from remit.policy.permission import Access, Risk
from remit.values.command import Command

MAX_DESCRIPTION = 4_000
_ANYTHING = '{"type":"object"}'


@dataclass(slots=True, kw_only=True)
class PinnedServer:
    """A server whose tools are what was accepted of them, or nothing."""

    server: McpServer
    pins: Path
    allow: tuple[str, ...]
    accepted: dict[str, Offer] | None
    name: str

    async def close(self) -> None:
        """See `remit.machine.source.ToolSource.close`."""
        await self.server.close()

    def settle(self, house: House) -> None:
        """See `remit.machine.source.Housed`."""
        self.server.settle(house)

    async def differences(self) -> dict[str, tuple[Offer | None, Offer | None]]:
        """By tool of the list: what was accepted and what is offered, where they are not one."""
        offered = await self.server.offers()
        known = self.accepted or {}
        return {
            name: (known.get(name), offered.get(name))
            for name in self.allow
            if known.get(name) != offered.get(name)
        }

    async def accept(self, wanted: Mapping[str, str]) -> None:
        """Accept what is offered now, by name and digest as a human saw it.

        Raises `SpecError` where it changed since, or is not in the list.
        """
        offered = await self.server.offers()
        for name, digest in wanted.items():
            offer = offered.get(name)
            if name not in self.allow or offer is None or offer.digest != digest:
                raise SpecError(f"{self.name}/{name}: it is not what you saw; look again")
        chosen = {**(self.accepted or {}), **{name: offered[name] for name in wanted}}
        self.accepted = {name: each for name, each in chosen.items() if name in self.allow}
        write_pins(self.pins, self.name, self.accepted)

    def check(self, tool: str, offers: Mapping[str, Offer]) -> None:
        """Raises `ToolError` for a tool that is not what was accepted, until a human accepts it."""
        pinned = (self.accepted or {}).get(tool)
        remedy = f"a human must accept it: remit tools accept {self.name}"
        if pinned is None:
            raise ToolError(f"{self.name}/{tool} was not accepted yet; {remedy}")
        offered = offers.get(tool)
        if offered != pinned:
            self.server.stopped(tool, pinned.digest, "" if offered is None else offered.digest)
        if offered is None:
            raise ToolError(f"{self.name}/{tool} is not offered any more")
        if offered.digest != pinned.digest:
            raise ToolError(f"{self.name}/{tool} was changed by its server and stopped; {remedy}")


def make_mcp_tools(  # noqa: PLR0913  # each is one word of the declaration
    name: str,
    *,
    command: Sequence[str],
    url: str,
    allow: Sequence[str],
    pins: Path,
    access: Mapping[str, Access],
    risk: Mapping[str, Risk],
    names: Mapping[str, str],
    environment: Mapping[str, str],
    credential: str,
    credential_variable: str,
    confined: Command | None,
    private: bool,
    timeout: str,
    house: House,
    resolve: Resolve | None = None,
) -> list[AnyTool]:
    """See `remit.mcp_tools`."""
    check_source("the server", name)
    if bool(command) == bool(url):
        raise SpecError(f"the server {name!r}: say command=[…] or url='https://…', one of them")
    if not allow or len(set(allow)) != len(allow):
        raise SpecError(f"the server {name!r}: name in `allow`, once each, what becomes a tool")
    for what, given in (("access", access), ("risk", risk), ("names", names)):
        strange = sorted(set(given) - set(allow))
        if strange:
            raise SpecError(f"the server {name!r}: {what}: {strange[0]!r} is not in `allow`")
    if credential and command and not credential_variable:
        raise SpecError(f"the server {name!r}: say in which credential_variable it is handed over")
    reach = Reach(
        name=name,
        command=tuple(command),
        environment=dict(environment),
        credential_variable=credential_variable,
        confined=confined,
        url=check_url(url, private=private) if url else "",
        private=private,
        resolve=resolve,
    )
    source = PinnedServer(
        name=name,
        server=McpServer(reach, house),
        pins=pins,
        allow=tuple(allow),
        accepted=read_pins(pins, name),
    )
    made = []
    for each in allow:
        pinned = (source.accepted or {}).get(each)
        about = f"Not accepted yet: say remit tools accept {name}." if pinned is None else ""
        chosen: Access = access.get(each, "write")  # its own annotations are not trusted
        contract = Contract(
            name=names.get(each) or tool_name(name, each),
            description=about or (pinned.description if pinned else "")[:MAX_DESCRIPTION],
            schema=_ANYTHING if pinned is None else pinned.schema,
            access=chosen,
            risk=risk.get(each, "low"),
            timeout=timeout,
            credential=credential,
        )
        made.append(schema_tool(contract, _carry(source, each, write=chosen == "write"), source))
    taken = [each.name for each in made]
    twice = sorted({each for each in taken if taken.count(each) > 1})
    if twice:
        raise SpecError(f"the server {name!r}: two tools would be {twice[0]!r}; rename in `names`")
    return made


def _carry(source: PinnedServer, tool: str, *, write: bool) -> Carry:
    async def carry(arguments: Mapping[str, object], call: Call) -> str:
        plain = cast("dict[str, object]", _plain(arguments))
        return await source.server.call(
            Party(call.tenant, call.user),
            tool,
            plain,
            credential=call.credential,
            write=write,
            check=partial(source.check, tool),
            tell_refused=call.tell_refused,
        )

    return carry


def _plain(value: object) -> object:
    """Numbers as the client takes them. Raises `ToolError` for more digits than it keeps."""
    if isinstance(value, Decimal):
        made = float(value)
        if Decimal(repr(made)) != value:
            raise ToolError(f"{value} has more digits than this server can be sent")
        return made
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
