"""Finds what a command names as a scenario: a file, or a function in a module or a Python file."""

import sys
from pathlib import Path
from typing import cast

from remit.app.load import named
from remit.errors import ConfigError, MissingExtra
from remit.simulator.load import load_scenario
from remit.simulator.scenario import Scenario, Script

_FORM = "name a .toml or .yaml file, or a function as module:function or file.py:function"


def find_scenario(reference: str) -> Scenario | Script:
    """The scenario behind a reference. Raises `ConfigError` saying what is wrong with it."""
    path = Path(reference)
    where, colon, name = reference.rpartition(":")
    if path.is_file() or not colon:
        if path.suffix == ".py":
            raise ConfigError(f"{reference}: which function in it? {_FORM}")
        return load_scenario(path)
    if not (where and name.isidentifier()):
        raise ConfigError(f"{reference!r} names no scenario: {_FORM}")
    found = _imported(reference, where, name)
    if isinstance(found, Scenario):
        return found
    if isinstance(found, type) or not callable(found):
        raise ConfigError(
            f"{reference} is a {type(found).__name__}; a scenario is a function of a ModelRequest "
            "that gives a ModelAnswer or a Fault"
        )
    return cast("Script", found)


def _imported(reference: str, where: str, name: str) -> object:
    folder, module = Path.cwd(), where
    if where.endswith(".py"):
        file = Path(where).resolve()
        if not file.is_file():
            raise ConfigError(f"{where}: there is no such file")
        folder, module = file.parent, file.stem
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # as `python -m` and `python file.py` do
    try:
        return named(module, name, "")
    except MissingExtra as exc:
        raise ConfigError(f"{reference}: {exc.__cause__}; is it in this folder?") from exc
    except Exception as exc:  # the user's own module may raise anything while it is imported
        if isinstance(exc, AttributeError) and exc.name == name:
            raise ConfigError(f"{where} has no {name!r}") from exc
        raise ConfigError(
            f"{reference}: {where} cannot be imported: {type(exc).__name__}: {exc}"
        ) from exc
