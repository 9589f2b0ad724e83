"""How a run ended, in words and in keys that do not change."""

import json
from pathlib import Path
from typing import cast

import pytest

from remit.app.run import Run
from remit.cli.ending import Ending, ending_json, print_ending
from tests.cli.shop import clerk, shop


async def test_a_waiting_run_says_for_what(tmp_path: Path) -> None:
    async with shop(tmp_path / "j.db") as app:
        run = await app.run(clerk, "refund it")
    tree = ending_json(Ending(run=cast("Run[object]", run), head=None))
    assert json.loads(json.dumps(tree)) == tree
    assert (tree["status"], tree["output"], tree["partial"]) == ("waiting", None, None)
    assert tree["approvals"] == [f"{run.id}:c1-1"]


async def test_a_stopped_run_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with shop(tmp_path / "j.db") as app:
        waits = await app.run(clerk, "refund it")
        await app.cancel(waits.id, principal="boss", reason="enough \x1b[31m")
        run = await app.wait(waits.id)
    print_ending(Ending(run=run, head={"size": 5, "root": "ab"}))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "stopped (cancelled: enough )" in printed.err
    assert "journal head 5:ab" in printed.err
