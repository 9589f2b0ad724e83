"""Modules are imported by name and from files, and no file can take another module's place."""

import json
import sys
from pathlib import Path

import pytest

from remit.cli.importing import import_file, import_named
from remit.errors import ConfigError


def test_a_module_by_its_name() -> None:
    assert import_named("json") is json
    with pytest.raises(ModuleNotFoundError):
        import_named("no_such_module_anywhere")


def test_a_file_with_a_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "neighbour_of_json.py").write_text("WORD = 'hello'\n", encoding="utf-8")
    file = tmp_path / "json.py"
    file.write_text("from neighbour_of_json import WORD\n", encoding="utf-8")
    module = import_file(file)
    assert module.WORD == "hello"
    assert sys.modules["json"] is json
    assert import_file(file).WORD == "hello"
    assert sys.path.count(str(tmp_path)) == 1


def test_what_is_no_python_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        import_file(tmp_path / "missing.py")
    text = tmp_path / "agent.txt"
    text.write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="not a Python file"):
        import_file(text)
