"""The public face: every name loads, is listed, and loads nothing before it is used."""

import importlib
import subprocess
import sys

import pytest

import remit


def test_every_public_name_loads_and_is_listed() -> None:
    assert sorted(remit.__all__) == remit.__all__
    assert dir(remit) == sorted(remit.__all__)
    for name in remit.__all__:
        assert getattr(remit, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        _ = getattr(importlib.import_module("remit"), "Agnet")  # noqa: B009  # a typo on purpose


def test_importing_remit_alone_imports_no_heavy_package() -> None:
    code = (
        "import sys, remit;"
        "heavy = {'pydantic', 'aiohttp', 'cryptography', 'rich', 're2', 'asyncio'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
