"""`@tool` turns a typed function into a tool with a contract; the function stays callable."""

import hashlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from types import CodeType
from typing import Generic, ParamSpec, TypeVar, overload

from pydantic import ValidationError

from remit.errors import ArgumentError, ConfigError, SpecError
from remit.machine.call import Call
from remit.machine.inputs import Inspection
from remit.machine.lexemes import compact, exact
from remit.machine.schema_arguments import SchemaArguments
from remit.machine.signature import Arguments, describe, read_signature
from remit.machine.source import ToolSource
from remit.machine.spec import OnCrash, ToolSpec
from remit.policy.permission import Access, Risk
from remit.values.duration import milliseconds
from remit.values.money import usd

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Resources = str | Callable[..., str | Iterable[str]]
Depends = Callable[..., str | Awaitable[str]]
ToolCheck = Callable[[], object]
"""Looks whether a tool can work here: it raises, or returns words, where it cannot."""
MAX_ARGUMENT_BYTES = 1024 * 1024  # a file a model writes fits; a flood does not

_RESULT = "result"  # what a compensation is told of the call's answer
_NAME = re.compile(r"[a-z][a-z0-9_]{1,63}", re.ASCII)
# A name that says nothing lets the model, and whoever reads the audit, guess.
# fmt: off
_GENERIC = frozenset({
    "act", "action", "call", "command", "do", "dispatch", "exec", "execute", "func",
    "function", "go", "handle", "handler", "invoke", "main", "manage", "operate", "operation",
    "perform", "process", "request", "run", "submit", "task", "tool", "use", "work",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks the system whether a call in doubt happened; made by `probe`."""

    function: Callable[..., object]


def probe(function: Callable[..., object]) -> Probe:
    """For `on_crash`: `function` takes the tool's arguments and `call: Call`.

    It returns the result if the effect happened, `None` if it certainly did not, and raises if it
    cannot tell (then a human decides).
    """
    return Probe(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[P, R_co]):
    """A function with its contract; calling it calls the function, without any governance."""

    function: Callable[P, R_co]
    spec: ToolSpec
    arguments: Arguments | SchemaArguments
    resources: Resources | None
    depends: Depends | None
    probe: Probe | None
    check: ToolCheck | None = None
    undo: "AnyTool | None" = None
    source: ToolSource | None = None
    """What lies behind it, where it is no function of the program."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function itself, without any governance."""
        return self.function(*args, **kwargs)

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.spec.name

    @property
    def runs_programs(self) -> bool:
        """Its own code asks for the sandbox (`call.run_confined`); what it calls is not seen."""
        function = inspect.unwrap(self.function)
        todo = [getattr(function, "__code__", None)]
        for code in todo:
            if isinstance(code, CodeType):
                if "run_confined" in code.co_names:
                    return True
                todo.extend(each for each in code.co_consts if isinstance(each, CodeType))
        return False

    def parse(self, text: str) -> dict[str, object]:
        """Validated keyword arguments. Raises `ArgumentError` with what to mend."""
        if len(text.encode()) > MAX_ARGUMENT_BYTES:
            raise ArgumentError(f"the arguments are larger than {MAX_ARGUMENT_BYTES} bytes")
        if isinstance(self.arguments, SchemaArguments):
            return self.arguments.read(text)
        try:
            if self.arguments.has_decimal:
                model = self.arguments.model.model_validate(exact(text or "{}"))
            else:
                model = self.arguments.model.model_validate_json(text or "{}")
        except ValidationError as exc:
            raise ArgumentError(f"the arguments are not valid: {problems(exc)}") from exc
        return {name: getattr(model, field) for field, name in self.arguments.names}

    def bind(self, values: Mapping[str, object], call: Call) -> dict[str, object]:
        """The keyword arguments of the function, with the call context where it wants it."""
        name = self.arguments.call_name
        return dict(values) if name is None else {**values, name: call}

    def keys(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Resource keys of the actual arguments (TOOL-6)."""
        if self.resources is None:
            return ()
        if isinstance(self.resources, str):
            return (self.resources.format(**values),)
        found = self.resources(**values)
        return (found,) if isinstance(found, str) else tuple(sorted(set(found)))

    async def inspect(self, call: str, text: str) -> Inspection:
        """What this tool says about one exact call, before anything is decided."""
        try:
            values = self.parse(text)
            canonical = compact(text or "{}")
        except ArgumentError as exc:
            return Inspection(call=call, error=str(exc))
        try:
            keys = self.keys(values)
            state = ""
            if self.depends is not None:
                found = self.depends(**values)
                state = await found if inspect.isawaitable(found) else found
        except Exception as exc:  # noqa: BLE001  # user code may raise anything; the call is refused
            return Inspection(call=call, error=f"{self.name} cannot be prepared: {exc}")
        digest = call_digest(self.spec.contract, canonical, state)
        return Inspection(call=call, arguments=canonical, digest=digest, resources=keys)


AnyTool = Tool[..., object]


def call_digest(contract: str, arguments: str, depends: str) -> str:
    """128 bits of SHA-256 over the contract, the exact arguments and what the call depends on."""
    parts = f"{contract}\x00{arguments}\x00{depends}".encode()
    return hashlib.sha256(parts).hexdigest()[:32]


def problems(exc: ValidationError) -> str:
    """What is wrong, for the model to mend, without repeating what it wrote."""
    lines = []
    for error in exc.errors(include_url=False, include_input=False)[:10]:
        where = ".".join(str(part) for part in error["loc"]) or "arguments"
        lines.append(f"{where}: {error['msg']}")
    return "; ".join(lines)


# ---------------------------------------------------------------- definition


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"tool {name!r}: a name is 2 to 64 of a-z, 0-9 and '_', beginning with a letter"
        )
    if name in _GENERIC:
        raise SpecError(
            f"tool {name!r}: the name says nothing; name what it does, such as 'refund_order'"
        )


def _check_resources(name: str, resources: Resources | None, arguments: Arguments) -> None:
    """A template that names no argument would fail at every call."""
    if not isinstance(resources, str):
        return
    known = {argument for _, argument in arguments.names}
    for _, field, _, _ in Formatter().parse(resources):
        if field is not None and re.split(r"[.\[]", field)[0] not in known:
            raise SpecError(f"tool {name!r}: resources={resources!r} names no argument {field!r}")


def _crash_policy(name: str, access: Access, given: OnCrash | Probe | None) -> OnCrash:
    if given == "probe":
        raise SpecError(f"tool {name!r}: say on_crash=probe(function), so that it can be asked")
    if access == "read" and given not in (None, "repeat"):
        raise SpecError(f"tool {name!r}: a read is repeated after a crash; drop on_crash")
    if given is None:
        return "repeat" if access == "read" else "ask"
    return "probe" if isinstance(given, Probe) else given


def _timeout_ms(name: str, timeout: str) -> int:
    try:
        return milliseconds(timeout)
    except ConfigError as exc:
        raise SpecError(f"tool {name!r}: timeout: {exc}") from exc


def _price_nano(name: str, price_usd: str | None, *, reports: bool) -> int:
    if price_usd is None:
        if reports:
            raise SpecError(
                f"tool {name!r}: it reports its price; say with price_usd what a call costs at most"
            )
        return 0
    try:
        price = usd(price_usd)
    except ConfigError as exc:
        raise SpecError(f"tool {name!r}: price_usd: {exc}") from exc
    if price == 0:
        raise SpecError(f"tool {name!r}: a price of nothing is none; drop price_usd")
    return price


def _undo_name(name: str, access: Access, arguments: Arguments, undo: AnyTool | None) -> str:
    if undo is None:
        return ""
    if access != "write" or undo.spec.access != "write":
        raise SpecError(f"tool {name!r}: undo is for writes, and is a write itself")
    known = {argument for _, argument in arguments.names} | {_RESULT}
    strange = sorted({argument for _, argument in undo.arguments.names} - known)
    if strange:
        raise SpecError(
            f"tool {name!r}: its undo {undo.name!r} wants {', '.join(strange)}; it may have the "
            f"arguments of {name!r}, and {_RESULT!r}"
        )
    return undo.name


def _spec(name: str, **fields: object) -> ToolSpec:
    try:
        return ToolSpec.model_validate({"name": name, **fields})
    except ValidationError as exc:
        raise SpecError(f"tool {name!r}: {problems(exc)}") from exc


def _tool(
    function: Callable[P, R_co],
    spec: ToolSpec,
    arguments: Arguments,
    resources: Resources | None,
    depends: Depends | None,
    asks: Probe | None,
    check: ToolCheck | None,
    undo: AnyTool | None,
) -> Tool[P, R_co]:
    return Tool(
        function=function,
        spec=spec,
        arguments=arguments,
        resources=resources,
        depends=depends,
        probe=asks,
        check=check,
        undo=undo,
    )


@overload
def tool(function: Callable[P, R_co], /) -> Tool[P, R_co]: ...
@overload
def tool(
    *,
    access: Access = ...,
    risk: Risk = ...,
    on_crash: OnCrash | Probe | None = ...,
    name: str | None = ...,
    description: str | None = ...,
    timeout: str = ...,
    version: str = ...,
    systems: Iterable[str] = ...,
    resources: Resources | None = ...,
    depends: Depends | None = ...,
    reveals: Iterable[str] = ...,
    price_usd: str | None = ...,
    reports_price: bool = ...,
    personal_data: bool = ...,
    check: ToolCheck | None = ...,
    undo: "AnyTool | None" = ...,
    credential: str | None = ...,
) -> Callable[[Callable[P, R_co]], Tool[P, R_co]]: ...
def tool(  # noqa: PLR0913  # each option is one word of the contract
    function: Callable[P, R_co] | None = None,
    /,
    *,
    access: Access = "read",
    risk: Risk = "low",
    on_crash: OnCrash | Probe | None = None,
    name: str | None = None,
    description: str | None = None,
    timeout: str = "60s",
    version: str = "1",
    systems: Iterable[str] = (),
    resources: Resources | None = None,
    depends: Depends | None = None,
    reveals: Iterable[str] = (),
    price_usd: str | None = None,
    reports_price: bool = False,
    personal_data: bool = False,
    check: ToolCheck | None = None,
    undo: "AnyTool | None" = None,
    credential: str | None = None,
) -> Tool[P, R_co] | Callable[[Callable[P, R_co]], Tool[P, R_co]]:
    """Declare a tool. Its schema comes from the signature, its description from the docstring.

    access: does it change anything outside (`write`) or not (`read`, the bare `@tool`).
    risk: `high` for what cannot be taken back.
    on_crash: what happens when a released write's outcome was lost: `repeat` (it is idempotent
    under `Call.idempotency_key`), `probe(function)`, or `ask` a human (the default for writes).
    resources: keys of what it touches, a template such as `"file:{path}"` or a function of the
    arguments; writes to one key run in series, a write without keys alone.
    depends: a function of the arguments giving a digest of what the call depends on; an approval
    holds only while it stays the same.
    reveals: kinds of secrets (`*` for all) whose real values it receives in place of placeholders.
    price_usd: what each call costs, such as `"0.01"`, on the same budgets as the model's calls.
    reports_price: the tool says through `Call.charge` what a call cost; `price_usd` is the most.
    personal_data: it shows personal data, so a read too needs a rule or an approval.
    check: looks when a process starts whether the tool can work, without changing anything: a
    function without arguments that raises, or returns words, where it cannot (`App.ready`).
    undo: a write tool that takes a call of this one back; it gets those of the call's arguments
    that it names, and what the call returned as `result`. See `App.undo`.
    credential: the name of what it shows to the system it calls; it finds it in `Call.credential`.
    Raises `SpecError` for a generic name, an untyped argument, a missing description.
    """

    def declare(inner: Callable[P, R_co]) -> Tool[P, R_co]:
        called = name or str(getattr(inner, "__name__", ""))
        _check_name(called)
        arguments = read_signature(called, inner)
        _check_resources(called, resources, arguments)
        spec = _spec(
            called,
            description=describe(called, inner, description),
            parameters=json.dumps(arguments.model.model_json_schema(), sort_keys=True),
            access=access,
            risk=risk,
            on_crash=_crash_policy(called, access, on_crash),
            timeout_ms=_timeout_ms(called, timeout),
            version=version,
            systems=tuple(systems),
            reveals=tuple(reveals),
            price_nano=_price_nano(called, price_usd, reports=reports_price),
            reports_price=reports_price,
            personal_data=personal_data,
            credential=credential or "",
            undo=_undo_name(called, access, arguments, undo),
        )
        asks = on_crash if isinstance(on_crash, Probe) else None
        return _tool(inner, spec, arguments, resources, depends, asks, check, undo)

    return declare if function is None else declare(function)
