"""`@tool` turns a typed function into a tool with a contract; the function stays callable."""

import hashlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar, cast, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from remit.errors import ArgumentError, SpecError
from remit.machine.call import Call
from remit.machine.inputs import Inspection
from remit.machine.spec import OnCrash, ToolSpec
from remit.policy.permission import Access, Risk
from remit.values.duration import milliseconds

P = ParamSpec("P")
R = TypeVar("R")
Resources = str | Callable[..., str | Iterable[str]]
Depends = Callable[..., str | Awaitable[str]]
MAX_ARGUMENT_BYTES = 1024 * 1024  # a file a model writes fits; a flood does not

_NAME = re.compile(r"[a-z][a-z0-9_]{1,63}", re.ASCII)
# A name that says nothing lets the model, and whoever reads the audit, guess.
# fmt: off
_GENERIC = frozenset({
    "act", "action", "call", "command", "do", "dispatch", "exec", "execute", "func",
    "function", "go", "handle", "handler", "invoke", "main", "manage", "operate", "operation",
    "perform", "process", "request", "run", "submit", "task", "tool", "use", "work",
})
# fmt: on
# A tool that dispatches on an argument is many tools under one permission.
_DISPATCH = frozenset({"action", "operation", "op", "method", "command_name", "subcommand"})


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
class Tool(Generic[P, R]):
    """A function with its contract; calling it calls the function, without any governance."""

    function: Callable[P, R]
    spec: ToolSpec
    arguments: type[BaseModel]
    call_name: str | None
    resources: Resources | None
    depends: Depends | None
    probe: Probe | None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, without any governance."""
        return self.function(*args, **kwargs)

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.spec.name

    def parse(self, text: str) -> dict[str, object]:
        """Validated keyword arguments. Raises `ArgumentError` with what to mend."""
        if len(text.encode()) > MAX_ARGUMENT_BYTES:
            raise ArgumentError(f"the arguments are larger than {MAX_ARGUMENT_BYTES} bytes")
        try:
            model = self.arguments.model_validate_json(text or "{}")
        except ValidationError as exc:
            raise ArgumentError(_problems(exc)) from exc
        return {name: getattr(model, name) for name in type(model).model_fields}

    def bind(self, values: Mapping[str, object], call: Call) -> dict[str, object]:
        """The keyword arguments of the function, with the call context where it wants it."""
        return {**values, self.call_name: call} if self.call_name else dict(values)

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
        canonical = compact(text or "{}")
        digest = call_digest(self.spec.contract, canonical, state)
        return Inspection(call=call, arguments=canonical, digest=digest, resources=keys)


AnyTool = Tool[..., object]


def compact(text: str) -> str:
    """JSON text with sorted keys and no spaces; number lexemes stay as they are."""

    def number(lexeme: str) -> object:
        return _Lexeme(lexeme)

    tree = json.loads(text, parse_float=number, parse_int=number)
    return _write(tree)


@dataclass(frozen=True, slots=True)
class _Lexeme:
    text: str


def _write(value: object) -> str:
    if isinstance(value, _Lexeme):
        return value.text
    if isinstance(value, dict):
        pairs = sorted(cast("dict[str, object]", value).items())
        return "{" + ",".join(f"{json.dumps(k)}:{_write(v)}" for k, v in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def call_digest(contract: str, arguments: str, depends: str) -> str:
    """128 bits of SHA-256 over the contract, the exact arguments and what the call depends on."""
    parts = f"{contract}\x00{arguments}\x00{depends}".encode()
    return hashlib.sha256(parts).hexdigest()[:32]


def _problems(exc: ValidationError) -> str:
    lines = []
    for error in exc.errors(include_url=False, include_input=False)[:10]:
        where = ".".join(str(part) for part in error["loc"]) or "arguments"
        lines.append(f"{where}: {error['msg']}")
    return "the arguments are not valid: " + "; ".join(lines)


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


def _argument_docs(doc: str) -> dict[str, str]:
    """Descriptions from a docstring's `Args:` section (Google style)."""
    found: dict[str, str] = {}
    _, _, section = doc.partition("Args:")
    for line in section.splitlines():
        entry = re.match(r"\s+(\w+)(?:\s*\([^)]*\))?:\s+(.+)", line)
        if entry:
            found[entry[1]] = entry[2].strip()
        elif found and re.fullmatch(r"\S.*", line):
            break
    return found


def _arguments_model(
    name: str, function: Callable[..., object]
) -> tuple[type[BaseModel], str | None]:
    """The model of a function's parameters, and the name of its `Call` parameter."""
    hints = get_type_hints(function, include_extras=True)
    docs = _argument_docs(inspect.getdoc(function) or "")
    fields: dict[str, tuple[object, FieldInfo]] = {}
    call_name: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise SpecError(f"tool {name!r}: *{parameter.name} has no schema; name each argument")
        hint = hints.get(parameter.name)
        if hint is None:
            raise SpecError(f"tool {name!r}: the argument {parameter.name!r} has no type")
        if hint is Call:
            call_name = parameter.name
            continue
        if parameter.name in _DISPATCH:
            raise SpecError(
                f"tool {name!r}: it dispatches on {parameter.name!r}; make one tool of each action"
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        info = Field(default, description=docs.get(parameter.name))
        fields[parameter.name] = (hint, cast("FieldInfo", info))
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    make = cast("Callable[..., type[BaseModel]]", create_model)
    return make(f"{name}_arguments", __config__=config, **fields), call_name


def _describe(name: str, function: Callable[..., object], given: str | None) -> str:
    doc = inspect.getdoc(function) or ""
    text = (given or doc.partition("Args:")[0]).strip()
    if not text:
        raise SpecError(f"tool {name!r}: it needs a docstring or description for the model")
    return text


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    access: Access,
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
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(  # noqa: PLR0913  # each option is one word of the contract
    function: Callable[P, R] | None = None,
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
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
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

    Raises `SpecError` for a generic name, an untyped argument, a missing description.
    """

    def declare(inner: Callable[P, R]) -> Tool[P, R]:
        called = name or str(getattr(inner, "__name__", ""))
        _check_name(called)
        model, call_name = _arguments_model(called, inner)
        asks = on_crash if isinstance(on_crash, Probe) else None
        policy = "probe" if asks else on_crash
        spec = ToolSpec(
            name=called,
            description=_describe(called, inner, description),
            parameters=json.dumps(model.model_json_schema(), sort_keys=True),
            access=access,
            risk=risk,
            on_crash=cast("OnCrash", policy or ("repeat" if access == "read" else "ask")),
            timeout_ms=milliseconds(timeout),
            version=version,
            systems=tuple(systems),
            reveals=tuple(reveals),
        )
        return Tool(
            function=inner,
            spec=spec,
            arguments=model,
            call_name=call_name,
            resources=resources,
            depends=depends,
            probe=asks,
        )

    return declare if function is None else declare(function)
