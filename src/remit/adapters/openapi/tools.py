"""The operations of an OpenAPI document that an allowlist names, as tools."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from remit.adapters.openapi.client import MAX_ANSWER_BYTES, ApiClient
from remit.adapters.openapi.document import Tree, read_document
from remit.adapters.openapi.egress import Resolve, base_of
from remit.adapters.openapi.operation import Operation, chosen
from remit.errors import SpecError
from remit.machine.call import Call
from remit.machine.schema_tool import Carry, Contract, schema_tool
from remit.machine.source import check_source, tool_name
from remit.machine.tools import AnyTool
from remit.policy.permission import Access, Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What is said about single operations, each by its id or as `METHOD /path`."""

    access: Mapping[str, Access] = field(default_factory=dict)
    risk: Mapping[str, Risk] = field(default_factory=dict)
    idempotent: Sequence[str] | bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def check(self, operations: Sequence[Operation]) -> None:
        """Raises `SpecError` for a word about an operation that is no tool."""
        known = {each.id for each in operations} | {each.key for each in operations}
        repeated = () if isinstance(self.idempotent, bool) else self.idempotent
        for what, keys in (
            ("access", self.access),
            ("risk", self.risk),
            ("idempotent", repeated),
            ("names", self.names),
        ):
            strange = sorted(set(keys) - known)
            if strange:
                raise SpecError(f"{what}: {strange[0]!r} is not in `allow`")

    def repeats(self, operation: Operation) -> bool:
        """The operation may be sent again under the same key."""
        if isinstance(self.idempotent, bool):
            return self.idempotent
        return operation.id in self.idempotent or operation.key in self.idempotent


def make_openapi_tools(  # noqa: PLR0913  # each is one word of the declaration
    name: str,
    document: Tree | str | Path,
    *,
    allow: Sequence[str],
    base_url: str | None,
    credential: str,
    header: str,
    scheme: str,
    private: bool,
    choices: Choices,
    key_header: str,
    timeout: str,
    max_bytes: int = MAX_ANSWER_BYTES,
    read_yaml: Callable[[str], object] | None = None,
    resolve: Resolve | None = None,
) -> list[AnyTool]:
    """See `remit.openapi_tools`. `resolve` asks the name service."""
    check_source("the API", name)
    read = read_document(document, read_yaml)
    operations = chosen(read, allow)
    choices.check(operations)
    address = base_url or read.server
    if not address:
        raise SpecError(f"{read.name}: it names no single server; say base_url='https://…'")
    base = base_of(address, private=private)
    client = ApiClient(
        name,
        base,
        header=header,
        scheme=scheme,
        key_header=key_header,
        max_bytes=max_bytes,
        resolve=resolve,
    )
    made = []
    for each in operations:
        chosen_access = choices.access.get(each.id) or choices.access.get(each.key)
        access: Access = chosen_access or ("read" if each.is_read else "write")
        risk = choices.risk.get(each.id) or choices.risk.get(each.key)
        given = choices.names.get(each.id) or choices.names.get(each.key)
        contract = Contract(
            name=given or tool_name(name, each.id or each.key),
            description=each.description,
            schema=each.schema,
            access=access,
            # What was deleted cannot be taken back.
            risk=risk or ("high" if each.method == "DELETE" else "low"),
            on_crash="repeat" if access == "write" and choices.repeats(each) else None,
            timeout=timeout,
            version=read.version,
            credential=credential,
        )
        made.append(schema_tool(contract, _carry(client, each, write=access == "write"), client))
    names = [each.name for each in made]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise SpecError(f"{name}: two operations would be the tool {twice[0]!r}; rename in `names`")
    return made


def _carry(client: ApiClient, operation: Operation, *, write: bool) -> Carry:
    async def carry(arguments: Mapping[str, object], call: Call) -> str:
        return await client.carry(operation, arguments, call, write=write)

    return carry
