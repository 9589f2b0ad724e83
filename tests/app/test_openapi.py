"""The face of HTTP tools: documents of YAML need PyYAML and say so."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from remit import openapi_tools
from remit.errors import ConfigError, MissingExtra


def test_yaml_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without(name: str) -> ModuleType:
        if name == "yaml":
            raise ModuleNotFoundError("No module named 'yaml'", name="yaml")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtra, match=r"pip install 'remit\[yaml\]'"):
        openapi_tools("crm", tmp_path / "api.yaml", allow=["getTicket"])
    with pytest.raises(ConfigError, match="cannot be read"):
        openapi_tools("crm", tmp_path / "api.json", allow=["getTicket"])
