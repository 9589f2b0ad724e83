"""The child's side of a tool in an interpreter of its own: one order in, one answer out."""

import importlib
import inspect
import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from typing import Literal

from pydantic import BaseModel, ConfigDict

from remit.errors import OutcomeUnknown, OutsideError, RemitError, SpecError
from remit.machine.tools import AnyTool, Tool
from remit.runtime.results import as_text

# An error is read by a model: what it says in more words is of no use.
_ERROR_CHARS = 10_000


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(_Told):
    """Which function to call, where it is found, and with what."""

    module: str
    function: str
    contract: str
    """Digest of the contract that the call was judged by."""
    arguments: str
    """As JSON text, secrets in it."""
    file: str | None
    """Of the module's topmost package, or of the module itself; None for a namespace."""
    packages: tuple[str, ...]
    """Where the parts of the topmost package are; empty for a module in no package."""
    path: tuple[str, ...]
    """Folders for imports, besides those of the interpreter."""
    answer_bytes: int


class Answer(_Told):
    """How it ended. `unloaded`: it was not called."""

    kind: Literal["done", "raised", "told", "outside", "unknown", "unloaded"]
    text: str


def main() -> None:
    """Read the order from standard input; answer on standard output, which nobody else has."""
    out = os.dup(1)
    # From here on whatever is printed, by programs too, goes to standard error.
    os.dup2(2, 1)
    order = Order.model_validate_json(sys.stdin.buffer.read())
    content = _bounded(answered(order), order.answer_bytes)
    sys.stdout.flush()
    while content:
        content = content[os.write(out, content) :]
    # A thread that goes on would keep an answer that was given from being heard.
    os._exit(0)


def answered(order: Order) -> Answer:
    """Find the function and call it."""
    try:
        tool = _found(order)
        values = tool.parse(order.arguments)
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # a module may raise anything while it is imported
        return _failed("unloaded", f"{type(exc).__name__}: {exc}")
    try:
        result = tool.function(**values)
    except OutcomeUnknown as exc:
        return _failed("unknown", str(exc))
    except OutsideError as exc:
        return _failed("outside", str(exc))
    except RemitError as exc:
        return _failed("told", str(exc))
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # a tool may raise anything; the model is told
        return _failed("raised", f"{type(exc).__name__}: {exc}")
    if inspect.isawaitable(result):
        return _failed("unknown", "it returned something to be awaited; return the result itself")
    try:
        return Answer(kind="done", text=as_text(result))
    except Exception as exc:  # noqa: BLE001  # whatever a result's own methods raise: the call was done
        return _failed("done", f"done, but {exc}")


def _failed(
    kind: Literal["done", "raised", "told", "outside", "unknown", "unloaded"], text: str
) -> Answer:
    return Answer(kind=kind, text=text[:_ERROR_CHARS].encode(errors="replace").decode())


def _bounded(answer: Answer, most: int) -> bytes:
    """The answer as JSON. The call was done also if nobody can take what it returned."""
    try:
        content = answer.model_dump_json().encode()
    except ValueError as exc:
        return _failed("done", f"done, but {exc}").model_dump_json().encode()
    if len(content) <= most:
        return content
    words = f"done, but its result has {len(content)} bytes, more than {most}; return less of it"
    return _failed("done", words).model_dump_json().encode()


def _found(order: Order) -> AnyTool:
    for folder in reversed(order.path):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    top = order.module.partition(".")[0]
    if top not in sys.modules:
        _load(top, order)
    module = importlib.import_module(order.module)
    found = getattr(module, order.function, None)
    if not isinstance(found, Tool):
        raise SpecError(
            f"{order.module}.{order.function} is no tool there; use @tool as a decorator, at the "
            "top of a module"
        )
    tool: AnyTool = found
    if tool.spec.contract != order.contract:
        raise SpecError(
            f"{order.module}.{order.function} is declared differently there: its file has changed "
            "since the program started, or its declaration depends on the environment"
        )
    return tool


def _load(top: str, order: Order) -> None:
    """Load by its place: the folder around it, which a search would list, is out of sight."""
    if order.file is None:
        spec: ModuleSpec | None = ModuleSpec(top, None, is_package=True)
        if spec is not None:
            spec.submodule_search_locations = list(order.packages)
    else:
        inner = list(order.packages) or None
        spec = spec_from_file_location(top, order.file, submodule_search_locations=inner)
    if spec is None:
        raise SpecError(f"{order.file} is no Python source; put the tool into a .py file")
    module = module_from_spec(spec)
    sys.modules[top] = module
    if spec.loader is not None:
        spec.loader.exec_module(module)
