"""A process starts the duties that its settings ask for, and lets go of them."""

import asyncio
from pathlib import Path

import pytest

from remit.app.app import App
from remit.journal.events import ReconciliationFailed
from remit.values.account import OPERATOR


def duties() -> set[str]:
    names = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    return {name for name in names if name.startswith("watch_")}


async def test_a_plain_process_keeps_switches_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with App(f"sqlite:///{tmp_path / 'j.db'}"):
        assert duties() == {"watch_switches", "watch_due"}
    async with App(f"sqlite:///{tmp_path / 'j.db'}", worker=True):
        assert duties() == {"watch_switches", "watch_due", "watch_ledger"}
    assert duties() == set()


@pytest.mark.requirement("BIL-2", "ALR-1")
async def test_bills_are_compared_where_the_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "remit.toml").write_text('[reconciliation]\ndaily = ["openai"]\n')
    async with App(f"sqlite:///{tmp_path / 'j.db'}") as app:
        assert "watch_bills" in duties()
        async with asyncio.timeout(30):
            while not (pages := await app.books.read(OPERATOR, "bill:openai")):
                await asyncio.sleep(0.01)
        [page] = pages
        assert isinstance(page.event, ReconciliationFailed)
        assert "OPENAI_ADMIN_KEY" in page.event.detail
        assert app.bills.is_daily
