"""Imports by name: a command's module when it is called, and the module an agent is declared in."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from remit.errors import ConfigError


def import_named(module: str) -> ModuleType:
    """A module by its dotted name. Raises `ModuleNotFoundError`, and what the module raises."""
    return importlib.import_module(module)


def import_file(path: Path) -> ModuleType:
    """The module in a file, its folder importable to it as for a script.

    Raises `ConfigError` when there is no such file, and what the module raises.
    """
    file = path.resolve()
    if not file.is_file():
        raise ConfigError(f"{path}: there is no such file")
    folder = str(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = f"remit_agents_{file.stem}"  # no file may take the place of another module
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Types are looked up by the module's name, so it must be known before it runs.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
