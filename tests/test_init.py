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


def test_a_process_that_runs_an_agent_loads_no_cryptography_and_no_audit() -> None:
    code = (
        "import asyncio, sys\n"
        "from remit import Agent, App, ScriptedModel, declare\n"
        "agent = Agent('a', model='scripted:x', instructions='Say it.')\n"
        "prices = {'scripted:*': declare('scripted:*', input_usd='1', output_usd='1')}\n"
        "async def main():\n"
        "    models = {'scripted': ScriptedModel('done')}\n"
        "    async with App('memory:', agents=[agent], models=models, prices=prices) as app:\n"
        "        print((await app.run(agent, 'Go.')).status)\n"
        "asyncio.run(main())\n"
        "heavy = {'aiohttp', 'cryptography', 'rich', 'starlette', 'remit.app.audit'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["completed", "[]"]
