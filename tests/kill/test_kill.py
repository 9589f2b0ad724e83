"""SIGKILL at random points of a real process: nothing lost, nothing repeated silently."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.app.app import App
from remit.journal.codec import decompress, open_record
from remit.journal.events import ModelCompleted, ModelFailed, RunEnded, RunRecovered
from remit.journal.record import GENESIS, check_link
from remit.journal.rows import RunRow
from remit.journal.transfers import transfers
from tests.kill import undoing
from tests.kill.program import EXPECTED, JOURNAL, app_in, effects

ROOT = Path(__file__).parents[2]
# 200 kills: shared among four tests, so that two workers have something to share.
SEEDS = [int(os.environ["REMIT_SEED"])] if "REMIT_SEED" in os.environ else [1, 2, 3, 4]
KILLS = 50
_AIMED = 5  # every so many-th kill waits for an effect
# A life of this length makes some thirty appends; the first of them come after some milliseconds.
_LIFE_S = 0.15
_GROWTH_BYTES = 60_000
_POLL_S = 0.0005
_PATIENCE_S = 20.0


class Zygote:
    """The process that forks the program."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, command: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def fork(self, folder: Path, seed: int, what: str = "go") -> int:
        return self._ask(f"fork {folder} {seed} {what}")

    def wait(self, child: int) -> int:
        return self._ask(f"wait {child}")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


def size(folder: Path) -> int:
    """Bytes of journal and log: what grows while the program works."""
    paths = (folder / JOURNAL, folder / f"{JOURNAL}-wal", folder / "effects.log")
    return sum(path.stat().st_size for path in paths if path.exists())


def wait_for_the_moment(folder: Path, dice: random.Random) -> None:
    """Half of the kills come after a time, half after the files have grown by so much."""
    if dice.random() < 0.5:
        time.sleep(dice.random() * _LIFE_S)
        return
    until, start = time.monotonic() + 2 * _LIFE_S, size(folder)
    target = start + dice.randrange(_GROWTH_BYTES)
    while time.monotonic() < until and size(folder) < target:
        time.sleep(_POLL_S)


def wait_for_a_flag(folder: Path) -> None:
    """Until a flag is set and, most probably, not journalled yet."""
    log, until = folder / "effects.log", time.monotonic() + _PATIENCE_S
    flags = log.read_text().count("set_flag") if log.exists() else 0
    while time.monotonic() < until:
        if log.exists() and log.read_text().count("set_flag") > flags:
            return
        time.sleep(_POLL_S)


async def check_run(app: App, row: RunRow) -> tuple[int, dict[str, int], int]:
    """The run's takeovers, its posts by account and its cost; its chain holds."""
    previous, epoch, taken = GENESIS, 1, 0
    posted: dict[str, int] = {}
    cost = 0
    for number, record in enumerate(await app.store.records("local", row.run), 1):
        assert record.header.version == number
        assert record.header.epoch >= epoch
        epoch = record.header.epoch
        check_link(record, previous, decompress(record.payload))
        previous = record.hash
        body = open_record(record)
        assert body is not None
        _, posts = transfers(row.run, body.events)
        for post in posts:
            posted[post.account] = posted.get(post.account, 0) + post.amount
        for event in body.events:
            taken += isinstance(event, RunRecovered)
            if isinstance(event, ModelCompleted | ModelFailed):
                cost += event.cost
            if isinstance(event, RunEnded):
                assert event.cost == cost
                assert event.status == "completed", (event.reason, event.detail)
    return taken, posted, cost


async def check(folder: Path) -> None:
    """What must hold after any number of kills."""
    done = effects(folder)
    takeovers = repeated = 0
    async with app_in(folder) as app:
        rows = []
        before: str | None = None
        while page := await app.store.runs("local", before=before):
            rows += page
            before = page[-1].run
        balances = {found.account: found for found in await app.store.balances("local")}
        for row in rows:
            assert row.status == "completed", row
            taken, posted, cost = await check_run(app, row)
            takeovers += taken
            assert not await app.store.open_holds("local", row.run)
            for account, amount in posted.items():
                assert (balances[account].posted, balances[account].held) == (amount, 0)
            assert sum(posted.values()) == cost
            for call, name in EXPECTED.items():
                times = done.pop((f"{row.run}:{call}", name), 0)
                assert times >= 1, f"{row.run} {call} {name}: lost"
                repeated += times > 1
                assert times == 1 or name == "set_flag", f"{row.run} {call} {name}: {times} times"
    assert not done, f"effects that no run accounts for: {done}"
    # Without `ask` and `probe` the other tools would have been repeated as often as this one.
    assert takeovers > KILLS // 2, "hardly a kill hit a run, so nothing was shown"
    assert repeated, "no kill came between an effect and its journal, so nothing was shown"


@pytest.mark.requirement("DUR-1", "DUR-3", "DUR-6", "APR-1")
@pytest.mark.parametrize("seed", SEEDS)
async def test_kill_storm(seed: int, zygote: Zygote, tmp_path: Path) -> None:
    dice = random.Random(seed)
    for kill in range(KILLS):
        child = zygote.fork(tmp_path, dice.randrange(1 << 30))
        # Some kills are aimed at the moment that matters; the rest come whenever they come.
        if kill % _AIMED == 0:
            wait_for_a_flag(tmp_path)
        else:
            wait_for_the_moment(tmp_path, dice)
        os.kill(child, signal.SIGKILL)
        status = zygote.wait(child)
        told = (tmp_path / "errors.log").read_text() if (tmp_path / "errors.log").exists() else ""
        assert status == -signal.SIGKILL, f"seed {seed}, life {kill}: ended by itself: {told}"
    child = zygote.fork(tmp_path, seed, "finish")
    status = zygote.wait(child)
    assert status == 0, f"seed {seed}: {(tmp_path / 'errors.log').read_text()}"
    await check(tmp_path)


@pytest.mark.requirement("TOOL-14", "DUR-1", "DUR-3")
def test_an_undo_killed_after_each_effect_takes_everything_back_once(
    zygote: Zygote, tmp_path: Path
) -> None:
    for _ in undoing.COMPENSATIONS:
        status = zygote.wait(zygote.fork(tmp_path, 0, "undo"))
        told = (tmp_path / "errors.log").read_text()
        assert status == -signal.SIGKILL, f"ended by itself: {told}"
    assert zygote.wait(zygote.fork(tmp_path, 0, "undo")) == 0, (tmp_path / "errors.log").read_text()
    done = undoing.compensated(tmp_path)
    # One effect each, but for the flag: it is cleared again under the same key.
    assert list(dict.fromkeys(done)) == list(undoing.COMPENSATIONS)
    assert Counter(done) == {"retract_mail": 1, "refund_card": 1, "clear_flag": 2}
    assert len(effects(tmp_path)) == len(undoing.COMPENSATIONS)
    assert (tmp_path / undoing.ASKED).read_text() == "retract_mail\n"
    output = (tmp_path / undoing.TOLD).read_text()
    assert output.splitlines()[0] == "not undone: 1 of 4"
    assert "by close_account: the bank says no" in output
