"""`python -m remit` is the command itself."""

import runpy
import sys

import pytest


def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["remit", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("remit", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("remit ")
