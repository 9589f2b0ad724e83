"""Threads: no more than allowed, none keeps the process alive, none is forgotten."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import Future, wait

import pytest

from remit.runtime.threads import CutThreads, DaemonThreads
from tests.runtime.stage import PATIENCE_S

KEY = ("acme", "run_1", "c1-1")


def test_results_and_errors_come_back() -> None:
    threads = DaemonThreads()
    assert threads.submit(pow, 2, 10).result(PATIENCE_S) == 1024
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(PATIENCE_S)
    with pytest.raises(SystemExit):
        threads.submit(sys.exit, 3).result(PATIENCE_S)
    assert threads.submit(pow, 2, 3).result(PATIENCE_S) == 8  # and the thread goes on


def test_no_more_threads_than_allowed_and_idle_ones_are_used_again() -> None:
    threads, gate = DaemonThreads(3), threading.Event()
    names: set[int] = set()

    def work() -> None:
        names.add(threading.get_ident())
        gate.wait(PATIENCE_S)

    done = [threads.submit(work) for _ in range(9)]
    gate.set()
    wait(done, PATIENCE_S)
    for _ in range(5):
        threads.submit(work).result(PATIENCE_S)
    assert 1 <= len(names) <= 3


def test_shutdown_cancels_what_waits_and_takes_nothing_new() -> None:
    threads, gate = DaemonThreads(1), threading.Event()
    running = threads.submit(gate.wait, PATIENCE_S)
    waiting = threads.submit(pow, 1, 1)
    threads.shutdown(wait=False, cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="shut down"):
        threads.submit(pow, 1, 1)
    gate.set()
    assert running.result(PATIENCE_S)
    threads.shutdown(wait=True)  # every thread has ended
    assert not any(thread.is_alive() for thread in threads._threads)


@pytest.mark.requirement("STOP-1")
def test_a_hung_thread_does_not_keep_the_process() -> None:
    code = (
        "import threading\n"
        "from remit.runtime.threads import DaemonThreads\n"
        "DaemonThreads().submit(threading.Event().wait)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)


async def test_a_cut_thread_is_waited_for() -> None:
    cut, thread = CutThreads(), Future[object]()
    assert await cut.earlier(KEY) is None
    cut.add(KEY, thread)
    asker = asyncio.create_task(cut.earlier(KEY))
    await asyncio.sleep(0)
    assert not asker.done()
    thread.set_result("late")
    assert await asker is thread
    assert await cut.earlier(KEY) is None  # told once


def test_a_run_is_busy_while_a_thread_of_its_goes_on() -> None:
    cut, thread = CutThreads(), Future[object]()
    cut.add(KEY, thread)
    assert cut.busy("acme", "run_1")
    assert not cut.busy("acme", "run_2")
    assert not cut.busy("beta", "run_1")
    thread.set_result(None)
    assert not cut.busy("acme", "run_1")


async def test_who_gives_up_waiting_does_not_cancel_the_thread() -> None:
    cut, thread = CutThreads(), Future[object]()
    cut.add(KEY, thread)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await cut.earlier(KEY)
    assert not thread.cancelled()
    thread.set_result("late")
    assert await cut.earlier(KEY) is thread


async def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.runtime.threads._CUT", 2)
    cut = CutThreads()
    for number in range(3):
        cut.add((*KEY[:2], f"c{number}"), Future())
    assert await cut.earlier((*KEY[:2], "c0")) is None
    assert len(cut._known) == 2
