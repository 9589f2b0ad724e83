"""What a function must be to run in an interpreter of its own, and what it may see there."""

import inspect
from collections.abc import Callable, Iterable

from remit.errors import SpecError
from remit.machine.signature import Arguments
from remit.machine.spec import Confinement
from remit.policy.reach import Reachable


def confinement_of(
    name: str,
    function: Callable[..., object],
    arguments: Arguments,
    sandbox: str | None,
    **seen: Iterable[str],
) -> Confinement | None:
    """Where and with what in sight a tool's function runs; None: in the program itself.

    `seen` is `read`, `write` and `hosts`. Raises `SpecError` for a function that another
    interpreter could not find or call, and for a path or host that could not be declared.
    """
    if sandbox is None:
        for word, given in seen.items():
            if tuple(given):
                raise SpecError(
                    f"tool {name!r}: {word} is for a function in the sandbox; say sandbox='process'"
                )
        return None
    if sandbox != "process":
        raise SpecError(f"tool {name!r}: sandbox={sandbox!r}; it is 'process', or not said")
    _check_function(name, function, arguments)
    paths = {word: tuple(seen.get(word, ())) for word in ("read", "write")}
    for word, given in paths.items():
        for path in given:
            if not path.startswith("/") or "{" in path:
                raise SpecError(
                    f"tool {name!r}: {word}={path!r} is no absolute path; name a folder or file "
                    "that exists, without placeholders"
                )
    hosts = tuple(seen.get("hosts", ()))
    try:
        Reachable(hosts, private=False)
    except SpecError as exc:
        raise SpecError(f"tool {name!r}: hosts: {exc}") from exc
    return Confinement(read=paths["read"], write=paths["write"], hosts=hosts)


def _check_function(name: str, function: Callable[..., object], arguments: Arguments) -> None:
    """The other interpreter imports the module and takes the function by its name."""
    where = str(getattr(function, "__qualname__", ""))
    if not where.isidentifier():
        raise SpecError(
            f"tool {name!r}: sandbox='process' needs a function that can be imported by its name, "
            f"and {where or 'this'} cannot; define it at the top of a module"
        )
    if not getattr(inspect.unwrap(function), "__globals__", {}).get("__file__"):
        raise SpecError(
            f"tool {name!r}: sandbox='process' needs a function from a file; "
            "put it into a module of its own"
        )
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(is_kind(function) for is_kind in kinds):
        raise SpecError(
            f"tool {name!r}: sandbox='process' is for a plain function; write `def`, and return"
        )
    if arguments.call_name is not None:
        raise SpecError(
            f"tool {name!r}: with sandbox='process' it has no {arguments.call_name!r}: the call "
            "stays in the program; drop the argument, or start a program with call.run_confined"
        )
