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
print(all(watch.cpu_seconds(pid) < 5 for pid in members))
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
    assert (watch.threads(gone), watch.memory_bytes(gone), watch.cpu_seconds(gone)) == (0, 0, 0.0)


def test_the_limits_in_words() -> None:
    plan = Plan()
    plan.processes, plan.memory_bytes, plan.cpu_s = 10, 1 << 40, 1_000_000
    me = os.getpid()
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            assert watch.excess(plan, me)[0] == ""
            plan.processes = -5
            assert "processes and threads at once, -5 are allowed" in watch.excess(plan, me)[0]
            plan.processes, plan.memory_bytes = 10, 1
            assert "bytes of memory, 1 are allowed" in watch.excess(plan, me)[0]
            plan.memory_bytes, plan.cpu_s = 1 << 40, 0
            assert "s of processor time, 0 s are allowed" in watch.excess(plan, me)[0]
        finally:
            process.kill()
