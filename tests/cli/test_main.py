"""The command `remit` as people start it: quick, complete, and quiet where it must be."""

import json
import re
import shlex
import subprocess
import sys

import click
import pytest

from remit.cli.main import COMMANDS
from remit.cli.main import remit as commands
from tests.cli.terminal import Remit
from tests.docs.blocks import blocks
from tests.tidy.tree import ROOT

PAGE = "docs/reference/cli.md"
# Each would cost a good part of the 0.4 seconds that `remit --help` may take.
HEAVY = ("aiohttp", "asyncio", "cryptography", "pydantic", "re2", "rich", "sqlite3")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from remit.cli.main import remit\n"
        "remit.main(['--help'], standalone_mode=False)\n"
        f"sys.exit(', '.join(name for name in {HEAVY!r} if name in sys.modules) or 0)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert all(name.encode() in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(set(COMMANDS)))
def test_every_command_exists_and_explains_itself(name: str) -> None:
    result = Remit()(name, "--help")
    assert result.exit_code == 0, result.stderr
    for option in ("--db", "--tenant", "--json"):
        assert option in result.stdout
    command = commands.commands[name]
    assert command.help


def test_every_command_is_documented() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    missing = [name for name in COMMANDS if f"## remit {name}\n" not in page]
    assert not missing


def test_every_option_is_documented() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## remit (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    for name in COMMANDS:
        if name == "demo":
            continue  # its own help says it
        command = commands.get_command(click.Context(commands), name)
        assert command is not None
        inner = list(command.commands.values()) if isinstance(command, click.Group) else [command]
        own = {opt for each in inner for param in each.params for opt in param.opts}
        shared = {"--db", "--tenant", "--json"}
        missing = [opt for opt in own - shared if opt[:1] == "-" and opt not in parts[name]]
        assert not missing, (name, missing)


def test_documented_commands_are_understood() -> None:
    """Each documented call is parsed by its command; nothing is carried out."""
    calls = [
        shlex.split(line.removeprefix("$ remit ").partition(" > ")[0])
        for block in blocks(ROOT, PAGE)
        for line in block.code.splitlines()
        if line.startswith("$ remit ")
    ]
    assert len(calls) > 5
    for name, *words in calls:
        command = commands.get_command(click.Context(commands), name)
        assert command is not None
        left = words
        while isinstance(command, click.Group):
            command, left = command.commands[left[0]], left[1:]
        command.make_context(name, left, parent=click.Context(commands))


def test_the_version() -> None:
    assert Remit()("--version").stdout.startswith("remit 0.")


def test_as_a_module_in_a_process_of_its_own() -> None:
    base = [sys.executable, "-m", "remit"]
    result = subprocess.run([*base, "--version"], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    wrong = subprocess.run([*base, "nosuch"], capture_output=True, check=False)
    assert wrong.returncode == 2
    assert b"No such command" in wrong.stderr


def test_a_reader_that_has_had_enough_is_no_error(remit: Remit) -> None:
    del remit  # for its journal and folder
    command = f"{sys.executable} -m remit replay --json"
    rows = json.loads(
        subprocess.run(
            [sys.executable, "-m", "remit", "runs", "--json"], capture_output=True, check=True
        ).stdout
    )
    with subprocess.Popen(
        [*command.split(), rows[0]["run"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
