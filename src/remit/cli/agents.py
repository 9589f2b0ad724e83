"""Finds the agent that a command names: `module:name` or `file.py:name`, with inputs by name."""

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from remit.app.app import App
from remit.cli.importing import import_file, import_named
from remit.errors import ConfigError, RemitError, UsageError
from remit.machine.agent import Agent
from remit.machine.tools import problems

T = TypeVar("T")
_FORM = "write it as module:name or path/to/file.py:name"


def load_app(reference: str) -> App:
    """The App of a reference; a function that makes one is called. It is not open.

    Raises `ConfigError` and `UsageError` saying what is wrong where.
    """
    where, colon, name = reference.rpartition(":")
    if not (colon and where and name):
        raise UsageError(f"{reference!r} names no App: {_FORM}")
    module = _module(where)
    if not hasattr(module, name):
        apps = [each for each, value in vars(module).items() if isinstance(value, App)]
        raise ConfigError(f"{where} has no {name!r}; its Apps: {', '.join(apps) or 'none'}")
    found = cast("object", getattr(module, name))
    made = _guarded(where, found) if inspect.isfunction(found) else found
    if not isinstance(made, App):
        raise ConfigError(f"{reference} is a {type(made).__name__}; name an App: App(agents=[…])")
    return made


def load_agent(reference: str, inputs: Sequence[str] = ()) -> Agent[object]:
    """The agent of a reference; a function is called with the inputs (`key=value`).

    Raises `ConfigError` and `UsageError` saying what is wrong where.
    """
    where, colon, name = reference.rpartition(":")
    if not (colon and where and name):
        raise UsageError(f"{reference!r} names no agent: {_FORM}")
    values = read_inputs(inputs)
    module = _module(where)
    if not hasattr(module, name):
        raise ConfigError(f"{where} has no {name!r}; it has {_offered(module)}")
    found = cast("object", getattr(module, name))
    if isinstance(found, Agent):
        if values:
            raise UsageError(f"{reference} is an agent, not a function: it takes no inputs (-i)")
        return found
    if not inspect.isfunction(found):
        raise ConfigError(
            f"{reference} is a {type(found).__name__}; name an Agent, or a function that makes one"
        )
    made = _guarded(where, lambda: found(**bind_inputs(reference, found, values)))
    if not isinstance(made, Agent):
        raise ConfigError(f"{reference}() gave a {type(made).__name__}, not an Agent")
    return made


def read_inputs(inputs: Sequence[str]) -> dict[str, str]:
    """Inputs as a mapping. Raises `UsageError` for one that is no `key=value` or comes twice."""
    values: dict[str, str] = {}
    for each in inputs:
        key, equals, value = each.partition("=")
        if not (equals and key.isidentifier()):
            raise UsageError(f"the input {each!r}: write it as key=value")
        if key in values:
            raise UsageError(f"the input {key!r} is given twice")
        values[key] = value
    return values


def bind_inputs(
    reference: str, function: Callable[..., object], values: Mapping[str, str]
) -> dict[str, object]:
    """The function's arguments, each read as its annotation says. Raises `UsageError`."""
    parameters = inspect.signature(function).parameters
    unknown = sorted(set(values) - set(parameters))
    missing = [
        name
        for name, each in parameters.items()
        if each.default is each.empty and name not in values and not _takes_many(each)
    ]
    if unknown or missing:
        wrong = [f"{name!r} is missing" for name in missing]
        wrong += [f"{name!r} is unknown" for name in unknown]
        raise UsageError(
            f"{reference}: the input {', '.join(wrong)}; it takes {_described(parameters)}"
        )
    hints = get_type_hints(function)
    return {key: _read(reference, key, value, hints.get(key, str)) for key, value in values.items()}


def _takes_many(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _described(parameters: Mapping[str, inspect.Parameter]) -> str:
    names = [
        f"-i {name}=…" if each.default is each.empty else f"[-i {name}={each.default!s}]"
        for name, each in parameters.items()
        if not _takes_many(each)
    ]
    return " ".join(names) or "no inputs"


def _read(reference: str, key: str, value: str, hint: object) -> object:
    adapter: TypeAdapter[object] = TypeAdapter(cast("type[object]", hint))
    try:
        return adapter.validate_strings(value)
    except ValidationError as exc:
        raise UsageError(f"{reference}: the input {key}={value!r}: {problems(exc)}") from exc


def _module(where: str) -> ModuleType:
    if where.endswith(".py") or os.sep in where:
        return _guarded(where, lambda: import_file(Path(where)))
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
    return _guarded(where, lambda: import_named(where))


def _guarded(where: str, make: Callable[[], T]) -> T:
    """What `make` gives; what user code raises becomes one line that names file and line."""
    try:
        return make()
    except RemitError:
        raise
    except Exception as exc:  # the user's own code may raise anything
        last = traceback.extract_tb(exc.__traceback__)[-1]
        at = f"{last.filename}:{last.lineno}"
        raise ConfigError(f"{where} cannot be used: {type(exc).__name__}: {exc} ({at})") from exc


def _offered(module: ModuleType) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, Agent) or (_is_own(module, value) and not name.startswith("_"))
    ]
    return ", ".join(sorted(names)) or "no agent"


def _is_own(module: ModuleType, value: object) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__


def check_models(app: App, agent: Agent[object]) -> None:
    """Raise `ConfigError` unless every model that the agents name can be asked (its key is set)."""
    agents = [agent]
    for each in agents:
        app.engine.services.model(each.model.partition(":")[0])
        agents += [sub for sub in each.agents if sub not in agents]
