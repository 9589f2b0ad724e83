"""Counting and killing a tree of processes, seen from its top."""

import os
import subprocess
import sys

import pytest

from remit.adapters.sandbox import watch
from remit.adapters.sandbox.plan import Plan

pytestmark = pytest.mark.requirement("TOOL-17")

# Three generations; a process whose name has brackets and blanks; a zombie.
_TREE = """
import os, sys, time
from remit.adapters.sandbox import watch
def child(depth):
    if os.fork():
        return
    if depth:
        child(depth - 1)
    with open("/proc/self/comm", "w") as name:
        name.write("a) R (b")
    time.sleep(60)
child(2)
if os.fork() == 0:
    os._exit(0)
while len(watch.descendants(os.getpid())) < 4:
    time.sleep(0.001)
members = watch.descendants(os.getpid())
print(len(members), all(watch.threads(pid) == 1 for pid in members))
time.sleep(0.05)
print(watch.Meter().seconds(members) < 5)
print(sum(watch.memory_bytes(pid) > 100_000 for pid in members))
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
os.kill(members[0], 9)
print(watch.kill_all(), watch.descendants(os.getpid()))
"""


def test_a_tree_is_counted_and_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TREE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.split("\n") == ["4 True", "True", "3", "True []", ""], done.stderr


def test_what_is_gone_counts_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    gone = process.pid
    assert watch.descendants(gone) == []
    assert (watch.threads(gone), watch.memory_bytes(gone), watch.Meter().seconds([gone])) == (
        0,
        0,
        0,
    )


def test_the_limits_in_words() -> None:
    plan = Plan()
    plan.processes, plan.memory_bytes, plan.cpu_s = 10, 1 << 40, 1_000_000
    me = os.getpid()
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            assert watch.excess(plan, me, watch.Meter())[0] == ""
            plan.processes = -5
            assert (
                "processes and threads at once, -5 are allowed"
                in watch.excess(plan, me, watch.Meter())[0]
            )
            plan.processes, plan.memory_bytes = 10, 1
            assert "bytes of memory, 1 are allowed" in watch.excess(plan, me, watch.Meter())[0]
            plan.memory_bytes, plan.cpu_s = 1 << 40, 0
            assert (
                "s of processor time, 0 s are allowed" in watch.excess(plan, me, watch.Meter())[0]
            )
        finally:
            process.kill()


def test_memory_counts_wherever_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "VmRSS:\t900 kB\nRssAnon:\t1 kB\nRssFile:\t800 kB\nRssShmem:\t20 kB\n"
    text = f"{lines}VmSwap:\t300 kB\nHugetlbPages:\t4000 kB\n"
    monkeypatch.setattr(watch, "_read", lambda _path: text)
    assert watch.memory_bytes(1) == 4321 * 1024


def test_what_was_seen_of_a_process_that_is_gone_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = {1: (5, 0, 0, 0, "a"), 2: (7, 1, 2, 0, "b")}

    def read(path: str) -> str:
        found = stats.get(int(path.split("/")[2]))
        if found is None:
            return ""
        *times, start = found
        words = [*"SSSSSSSSSSS", *map(str, times), *"SSSS", start]
        return f"9 (a) b) {' '.join(words)}"

    monkeypatch.setattr(watch, "_read", read)
    meter = watch.Meter()
    ticks = os.sysconf("SC_CLK_TCK")
    assert meter.seconds([1, 2]) * ticks == pytest.approx(15)
    del stats[2]
    assert meter.seconds([1, 2]) * ticks == pytest.approx(13), "nobody has waited for it"
    stats[1] = (6, 0, 12, 0, "a")
    assert meter.seconds([1]) * ticks == pytest.approx(18), "it was waited for: counted once"
    stats[1] = (1, 0, 0, 0, "c")
    assert meter.seconds([1]) * ticks == pytest.approx(1 + 8 + 6), "another of the same number"
