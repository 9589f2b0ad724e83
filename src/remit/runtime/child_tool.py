"""Carries a tool's function out in an interpreter of its own, confined and killed in time."""

import math
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from remit.errors import (
    OutcomeUnknown,
    OutsideError,
    SandboxFailed,
    SpecError,
    ToolError,
    ToolRaised,
)
from remit.machine.call import Call
from remit.machine.tools import AnyTool
from remit.runtime.child_main import Answer, Order
from remit.values.command import Command, Finished

# A result is read by a model; one of a million characters belongs into a file.
_ANSWER_BYTES = 1024**2
# What it may print besides; nobody reads it unless the function dies.
_PRINTED_BYTES = 1024**2
_TAIL_CHARS = 500
"""Of what a function printed that died: enough for the end of a traceback."""
# A sandbox gives a program at least so much processor time.
_CPU_S = 60
# Isolated: no variables, no folder of the user or of the script decides what is imported.
_START = (
    "import sys; sys.path.append(sys.argv[1]); from remit.runtime.child_main import main; main()"
)
_ROOT = str(Path(__file__).resolve().parents[2])
# What a script is called where it is imported: there it must not start what it starts.
_SCRIPT = "__remit_script__"


def function_of(tool: AnyTool, call: Call, arguments: str) -> Callable[..., object]:
    """What is called for a tool: its function, or one that has it called in the sandbox."""
    return tool.function if tool.spec.sandbox is None else partial(_confined, tool, call, arguments)


async def _confined(tool: AnyTool, call: Call, arguments: str, **_values: object) -> object:
    """What the function returned, as text; the child reads the arguments again, from JSON.

    Raises what the gate makes of a failure: `ToolRaised` and `ToolError` if it had no effect,
    `OutcomeUnknown` and `TimeoutError` where nobody knows.
    """
    order, folders = _order(tool, arguments)
    finished = await call.run_confined(_command(tool, order, folders))
    if finished.ended == "timeout":
        raise TimeoutError("it was killed")
    if finished.ended != "exited" or finished.exit_code != 0:
        raise OutcomeUnknown(f"its process died without an answer: {_last_words(finished)}")
    try:
        answer = Answer.model_validate_json(finished.stdout)
    except ValidationError:
        raise OutcomeUnknown(
            f"its process ended without an answer: {_last_words(finished)}"
        ) from None
    return _result(tool, answer)


def _result(tool: AnyTool, answer: Answer) -> str:
    if answer.kind == "unknown":
        raise OutcomeUnknown(answer.text)
    if answer.kind == "outside":
        raise OutsideError(answer.text)
    if answer.kind == "told":
        raise ToolError(answer.text)
    if answer.kind == "raised":
        raise ToolRaised(answer.text)
    if answer.kind == "unloaded":
        raise SandboxFailed(
            f"{tool.name} cannot be loaded in the sandbox: {answer.text}; what its module imports "
            "and reads must lie in its package, in the interpreter's folders, or in read="
        )
    return answer.text


def _last_words(finished: Finished) -> str:
    how = finished.ended if finished.exit_code is None else f"exit code {finished.exit_code}"
    if finished.ended == "output":
        how = f"it wrote more than {_ANSWER_BYTES + _PRINTED_BYTES} bytes"
    said = finished.stderr.decode(errors="replace").strip()[-_TAIL_CHARS:]
    return f"{how}\n{said}" if said else how


def _order(tool: AnyTool, arguments: str) -> tuple[Order, tuple[str, ...]]:
    """What the child is told, and the folders of the module it must see."""
    name, top = _module(tool)
    file = getattr(top, "__file__", None)
    packages = tuple(str(Path(each).absolute()) for each in getattr(top, "__path__", ()))
    if file is None and not packages:
        raise SpecError(f"{tool.name}: the module {name} has no file; put the tool into one")
    if file is not None:
        # By the name it has here: what a module declares may depend on it.
        file = str(Path(file).absolute())
    folders = packages or (str(Path(file or "").parent),)
    spec = tool.spec
    seen = spec.sandbox
    declared = () if seen is None else (*seen.read, *seen.write)
    around = () if packages else folders
    order = Order(
        module=name,
        function=str(getattr(tool.function, "__qualname__", "")),
        contract=spec.contract,
        arguments=arguments,
        file=file,
        packages=packages,
        path=tuple(dict.fromkeys((*around, *_importable(declared)))),
        answer_bytes=_ANSWER_BYTES,
    )
    return order, folders


def _module(tool: AnyTool) -> tuple[str, object]:
    """The name to import its module by, and its topmost package or itself."""
    name = str(tool.function.__module__)
    main = sys.modules["__main__"]
    if name == "__main__":
        # Started with -m it has its own name in its spec; a script is given one.
        name = _SCRIPT if main.__spec__ is None else main.__spec__.name
    return name, sys.modules.get(name.partition(".")[0], main)


def _importable(declared: Iterable[str]) -> Iterable[str]:
    """Folders of ours for imports that lie in what was declared."""
    seen = [Path(os.path.realpath(path)) for path in declared]
    for entry in sys.path:
        real = Path(os.path.realpath(entry))
        if any(real.is_relative_to(path) for path in seen):
            yield str(real)


def _command(tool: AnyTool, order: Order, folders: tuple[str, ...]) -> Command:
    seen = tool.spec.sandbox
    if seen is None:
        raise SpecError(f"{tool.name} declares no sandbox; call its function")
    timeout_s = tool.spec.timeout_ms / 1000
    return Command(
        argv=(sys.executable, "-I", "-B", "-c", _START, _ROOT),
        cwd=folders[0],
        read=(*folders, _ROOT, *seen.read),
        write=seen.write,
        hosts=seen.hosts,
        stdin=order.model_dump_json().encode(),
        timeout_s=timeout_s,
        cpu_s=max(_CPU_S, math.ceil(timeout_s)),
        output_bytes=_ANSWER_BYTES + _PRINTED_BYTES,
    )
