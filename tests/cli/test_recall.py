"""`remit recall` calls back what waits to leave; `runs` and `show` say until when it waits."""

from pathlib import Path
from typing import cast

import pytest

from remit.adapters.scripted import ScriptedModel
from remit.app.app import App
from remit.cli.person import principal
from remit.machine.agent import Agent, Remit
from remit.machine.declaring import tool
from tests.cli.shop import PRICES
from tests.cli.terminal import Remit as Commands


@tool(access="write", delay="1d")
async def send_parcel(order: str) -> str:
    """Send a parcel."""
    return f"sent {order}"


sender = Agent(
    "sender",
    model="scripted:x",
    instructions="Send.",
    tools=[send_parcel],
    remit=Remit(approvals={send_parcel: 0}),
)
CALLS = [{"send_parcel": {"order": "17"}}, {"send_parcel": {"order": "18"}}]


def app_at(path: Path) -> App:
    models = {"scripted": ScriptedModel(CALLS, "Done.")}
    return App(f"sqlite:///{path}", agents=[sender], models=models, prices=PRICES)


@pytest.mark.requirement("TOOL-14", "UX-2")
async def test_a_call_is_called_back_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    url = ("--db", f"sqlite:///{path}")
    async with app_at(path) as app:
        run = await app.run(sender, "Send two.")
        (row,) = await Commands().rows_elsewhere("runs", *url)
        assert (row["status"], row["waits_until"]) == ("waiting", row["waits_until"])
        assert str(row["waits_until"]).endswith("Z")
        assert "waiting until 20" in (await Commands().elsewhere("runs", *url)).stdout
        shown = (await Commands().elsewhere("show", run.id, *url)).stdout
        assert "until then it can be called back" in shown
        tree = await Commands().tree_elsewhere("recall", run.id, "c1-1", "--reason", "late", *url)
        assert (tree["run"], tree["principal"], tree["taken"]) == (run.id, principal(), True)
        (call,) = cast("list[dict[str, object]]", tree["calls"])
        assert (call["call"], call["tool"]) == ("c1-1", "send_parcel")
        said = (await Commands().elsewhere("recall", run.id[-8:], *url)).stdout
        assert 'called back: send_parcel {"order": "18"}' in said
        assert f"by {principal()}; the run goes on" in said
        done = await app.wait(run.id)
        assert (done.status, done.output) == ("completed", "Done.")
    again = await Commands().elsewhere("recall", run.id, *url)
    assert again.exit_code == 1
    assert "no call waits to leave" in again.stderr
    shown = (await Commands().elsewhere("show", run.id, *url)).stdout
    assert "called back" in shown


async def test_a_word_that_nobody_takes_now_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    url = ("--db", f"sqlite:///{path}")
    async with app_at(path) as app:
        run = await app.run(sender, "Send two.")
    result = await Commands().elsewhere("recall", run.id, "c1-2", *url)
    assert "kept; nobody drives the run now" in result.stdout
