"""A tool: a typed function with a contract; it reads, checks and digests the arguments of calls."""

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Generic, ParamSpec, TypeVar

from pydantic import ValidationError

from remit.errors import ArgumentError
from remit.machine.call import Call
from remit.machine.inputs import Inspection
from remit.machine.lexemes import compact, exact
from remit.machine.previewing import PreviewFunction
from remit.machine.schema_arguments import SchemaArguments
from remit.machine.signature import Arguments
from remit.machine.source import ToolSource
from remit.machine.spec import ToolSpec

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Resources = str | Callable[..., str | Iterable[str]]
Depends = Callable[..., str | Awaitable[str]]
ToolCheck = Callable[[], object]
"""Looks whether a tool can work here: it raises, or returns words, where it cannot."""
MAX_ARGUMENT_BYTES = 1024 * 1024  # a file a model writes fits; a flood does not


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
    preview: PreviewFunction | None = None
    check: ToolCheck | None = None
    undo: "AnyTool | None" = None
    fallback: "AnyTool | None" = None
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
        """It runs in the sandbox, or its own code asks for it; what it calls is not seen."""
        if self.spec.sandbox is not None:
            return True
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
