"""`remit serve` serves an App, honours PORT and DATABASE_URL, and ends in order on SIGTERM."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from remit.cli.options import Options
from remit.cli.serve import name_journal
from tests.cli.terminal import Remit

APP = """
from remit import Agent, App, ScriptedModel, declare

agent = Agent("echo", model="scripted:x", instructions="You echo.")
prices = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}


def make():
    return App(agents=[agent], models={"scripted": ScriptedModel("ok")}, prices=prices)


number = 5
"""


@pytest.fixture
def app_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "served_app.py"
    file.write_text(APP)
    monkeypatch.chdir(tmp_path)
    return file


@pytest.mark.requirement("OPS-5")
def test_port_and_database_url_are_honoured_and_sigterm_drains(
    app_file: Path, tmp_path: Path
) -> None:
    database = tmp_path / "hosted.db"
    variables = {**os.environ, "PORT": "0", "DATABASE_URL": f"sqlite:///{database}"}
    command = [sys.executable, "-m", "remit", "serve", f"{app_file}:make", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=variables) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{told['url']}/readyz") as answer:  # noqa: S310  # own server
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert database.is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("{file}:number",), "name an App"),
        (("{file}:nothing",), "has no 'nothing'"),
        (("app",), "names no App"),
        (("{file}:make", "--host", "198.51.100.1"), "other machines"),
        (("{file}:make", "--timeout", "soon"), "is not a duration"),
        (("{file}:make", "--timeout", "0s"), "no request could be carried"),
        (
            ("{file}:make", "--timeout", "9m", "--host", "198.51.100.1"),
            "note: a request is carried for 9 min 0 s, and runs of echo may last longer",
        ),
    ],
)
def test_what_cannot_be_served_is_told(
    app_file: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = Remit()("serve", *(each.format(file=app_file) for each in arguments))
    assert says in result.output
    assert result.exit_code == 2


def test_a_port_that_is_none(app_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    result = Remit()("serve", f"{app_file}:make")
    assert "PORT='many' is no port" in result.output
    assert result.exit_code == 2


@pytest.mark.requirement("OPS-5")
def test_who_names_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REMIT_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://here/there")
    (tmp_path / "remit.toml").write_text('url = "sqlite:///own.db"\n')
    name_journal(Options())
    assert "REMIT_URL" not in os.environ
    (tmp_path / "remit.toml").unlink()
    name_journal(Options())
    assert os.environ["REMIT_URL"] == "postgresql://here/there"
    monkeypatch.setenv("REMIT_URL", "sqlite:///first.db")
    name_journal(Options())
    assert os.environ["REMIT_URL"] == "sqlite:///first.db"
    name_journal(Options(db="sqlite:///said.db"))
    assert os.environ["REMIT_URL"] == "sqlite:///said.db"
