"""Putting the parts of a process together, and letting go of them."""

import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from typing_extensions import override

from remit import App, EchoModel
from remit.adapters.keys import new_keys
from remit.errors import ConfigError, RemitError, StoreError
from remit.values.command import Command, Finished, Program
from tests.runtime.stage import PRICES, an_agent, journal_at, opened, secret


class Closing(EchoModel):
    """Notes that it was closed."""

    closed = 0

    @override
    async def close(self) -> None:
        self.closed += 1


class NoBox:
    """A sandbox that is never asked."""

    name = "none"

    async def run(self, command: Command) -> Finished:
        raise NotImplementedError

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        raise AssertionError(f"nothing is kept open: {command}")


AGENT = an_agent()


def threads_from_now() -> Callable[[], list[str]]:
    """The threads there are besides those of now, and of the loop's own."""
    before = set(threading.enumerate())

    def left() -> list[str]:
        names = [each.name for each in threading.enumerate() if each not in before]
        return [name for name in names if not name.startswith("asyncio_")]

    return left


async def test_everything_is_let_go_of(tmp_path: Path) -> None:
    model, left = Closing(), threads_from_now()
    async with opened(journal_at(tmp_path), [AGENT], model=model) as app:
        await app.run(AGENT, "Go")
        store = app.store
    assert model.closed == 1
    with pytest.raises(RemitError):
        await store.runs("local")
    assert left() == []


async def test_each_process_has_a_name_of_its_own(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with opened(url, [AGENT]) as first, opened(url, [AGENT]) as second:
        assert first.engine.services.owner != second.engine.services.owner


async def test_a_sandbox_that_was_handed_in_is_used() -> None:
    box = NoBox()
    async with App("memory:", sandbox=box) as app:
        assert app.engine.services.sandbox is box


async def test_journal_and_keys_are_hidden_from_sandboxes(tmp_path: Path) -> None:
    async with opened(journal_at(tmp_path), [AGENT]) as app:
        hidden = app.engine.services.hidden
    beside = {path.name for path in tmp_path.iterdir()}
    assert beside
    assert beside <= {Path(path).name for path in hidden}
    own = tmp_path / ".remit"
    async with opened(f"sqlite:///{own}/journal.db", [AGENT]) as app:
        assert app.engine.services.hidden == (str(own),)


@pytest.mark.requirement("OPS-6")
async def test_production_works_with_keys_that_were_made_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = journal_at(tmp_path)
    with pytest.raises(ConfigError, match="keys are missing"):
        async with opened(url, [AGENT], environment="production"):
            pass
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    async with opened(url, [AGENT], "ok", environment="production") as app:
        assert (await app.run(AGENT, "Go")).output == "ok"


async def test_a_part_that_cannot_be_made_leaves_no_open_journal(tmp_path: Path) -> None:
    left = threads_from_now()
    price = PRICES["scripted:*"]
    with pytest.raises(ConfigError):
        async with App(journal_at(tmp_path), prices={"name without provider": price}):
            pass
    assert left() == []


async def test_a_file_that_is_no_journal_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    letter = b"this is a letter to my aunt " * 200
    (tmp_path / "journal.db").write_bytes(letter)
    left = threads_from_now()
    with pytest.raises(StoreError):
        async with opened(journal_at(tmp_path), [AGENT]):
            pass
    assert left() == []
    assert (tmp_path / "journal.db").read_bytes() == letter


@pytest.mark.requirement("SEC-3")
async def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    password, left = secret(), threads_from_now()
    with pytest.raises(StoreError) as caught:
        async with App(f"postgresql://ann:{password}@127.0.0.1:9/db?connect_timeout=2"):
            pass
    error: BaseException | None = caught.value
    while error is not None:
        assert password not in str(error)
        error = error.__cause__ or error.__context__
    assert left() == []
