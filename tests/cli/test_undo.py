"""`remit undo` says what would be taken back, and takes it back without any model."""

import asyncio
import json
from pathlib import Path

import pytest

from remit.adapters.prices import declare
from remit.adapters.scripted import ScriptedModel
from remit.app.app import App
from remit.cli.agents import load_agent
from tests.cli.terminal import Remit

AGENTS = '''
from pathlib import Path

from remit import Agent, Remit, tool


@tool(access="write")
def delete_note(name: str) -> str:
    """Delete a note."""
    Path(name).unlink()
    return "gone"


@tool(access="write", undo=delete_note)
def write_note(name: str) -> str:
    """Write a note."""
    Path(name).write_text("note")
    return "written"


@tool(access="write")
def send_mail(to: str) -> str:
    """Send a mail."""
    return "sent"


clerk = Agent(
    "clerk",
    model="scripted:x",
    instructions="You are a clerk.",
    tools=[write_note, delete_note, send_mail],
    remit=Remit(approvals={write_note: 0, delete_note: 0, send_mail: 0}),
)
plain = Agent("plain", model="scripted:x", instructions="You are plain.")
'''


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal with one run that wrote two notes and sent a mail, and the agent's file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", "sqlite:///j.db")
    file = tmp_path / "notes_agents.py"
    file.write_text(AGENTS, encoding="utf-8")

    async def fill() -> None:
        clerk = load_agent(f"{file}:clerk", ())
        calls = [
            {"write_note": {"name": "a.txt"}},
            {"send_mail": {"to": "ann"}},
            {"write_note": {"name": "b.txt"}},
        ]
        prices = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
        models = {"scripted": ScriptedModel(*calls, "Done.")}
        async with App(agents=[clerk], models=models, prices=prices) as app:
            assert (await app.run(clerk, "Write.")).status == "completed"

    asyncio.run(fill())
    return file


@pytest.mark.requirement("TOOL-14")
def test_what_a_run_did_is_shown_and_taken_back(shop: Path) -> None:
    (row,) = Remit().rows("runs")
    run = str(row["run"])
    shown = Remit().good("undo", f"{shop}:clerk", run, "--dry-run").splitlines()
    assert shown == [
        f'delete_note {{"name":"b.txt"}} takes back {run}/c3-1',
        f'delete_note {{"name":"a.txt"}} takes back {run}/c1-1',
        f"send_mail ({run}/c2-1) cannot be taken back",
    ]
    assert Path("a.txt").exists()
    result = Remit()("undo", f"{shop}:clerk", run)
    assert (result.exit_code, result.stdout) == (0, "undone: 2 of 2\n")
    assert not Path("a.txt").exists()
    assert not Path("b.txt").exists()
    left = Remit()("undo", f"{shop}:clerk", run, "--dry-run", "--json")
    tree = json.loads(left.stdout)
    assert (left.exit_code, tree["steps"]) == (1, [])
    assert [each["tool"] for each in tree["lasting"]] == ["send_mail"]


@pytest.mark.requirement("TOOL-14")
def test_what_was_not_undone_is_named_and_the_status_says_no(shop: Path) -> None:
    (row,) = Remit().rows("runs")
    Path("b.txt").unlink()
    result = Remit()("undo", f"{shop}:clerk", row["run"])
    assert result.exit_code == 1, result.stderr
    assert "not undone: 1 of 2" in result.stdout
    assert not Path("a.txt").exists()


@pytest.mark.requirement("TOOL-14", "DUR-3")
def test_what_is_in_doubt_is_named_with_the_command_that_takes_it_back(shop: Path) -> None:
    (row,) = Remit().rows("runs")
    run = str(row["run"])
    strange = Remit()("undo", f"{shop}:clerk", run, "--doubtful", f"{run}/c1-1")
    assert strange.exit_code == 1
    assert f"{run}/c1-1: not in doubt" in strange.stderr
    asyncio.run(leave_in_doubt(shop, run))
    mail = f"{run}/c3-1"
    shown = Remit().good("undo", f"{shop}:clerk", run, "--dry-run").splitlines()
    assert shown[0] == f'delete_note {{"name":"a.txt"}} takes back {run}/c1-1'
    assert shown[1].startswith(f"delete_note waits: {mail}: nobody knows whether run_")
    assert shown[1].endswith(f"undo with --doubtful {mail}")
    left = Remit()("undo", f"{shop}:clerk", run)
    assert (left.exit_code, left.stdout.splitlines()[0]) == (1, "not undone: 1 of 2")
    assert f"--doubtful {mail}" in left.stdout
    none = Remit()("undo", f"{shop}:clerk", run)
    assert none.exit_code == 1
    assert f"--doubtful {mail}" in none.stderr
    done = Remit()("undo", f"{shop}:clerk", run, "--doubtful", mail)
    assert (done.exit_code, done.stdout) == (0, "undone: 1 of 1\n")
    assert not Path("b.txt").exists()


async def leave_in_doubt(shop: Path, run: str) -> None:
    """An undo that hangs in its first step, the newest note, until somebody cancels it."""
    clerk = load_agent(f"{shop}:clerk", ())
    note = clerk.tool("delete_note")
    assert note is not None
    begun = asyncio.Event()

    async def hang(**_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    object.__setattr__(note, "function", hang)
    async with App(agents=[clerk]) as app:
        undoing = asyncio.create_task(app.undo(run))
        await begun.wait()
        (row,) = await app.store.runs("local", session=f"undo-{run}")
        await app.cancel(row.run)
        await undoing


def test_an_agent_that_can_undo_nothing_says_so(shop: Path) -> None:
    (row,) = Remit().rows("runs")
    result = Remit()("undo", f"{shop}:plain", row["run"], "--dry-run")
    assert result.exit_code == 2
    assert "declares what undoes it" in result.stderr
