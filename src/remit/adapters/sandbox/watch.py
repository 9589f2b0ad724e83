"""Count what a confined program and all its descendants use, and end them all.

Limits of the kernel hold per process (and not at all for root's number of processes), so the whole
tree is looked at again and again, and killed when it exceeds what one program may have.
"""

import os
import time

from remit.adapters.sandbox import kernel
from remit.adapters.sandbox.plan import Plan

# Looking costs about 0.1 ms per process; a fork bomb makes some hundred processes meanwhile.
PERIOD_S = 0.025
# While it does nothing: a server that waits for calls costs less than a hundredth of a core so.
IDLE_S = 0.1
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# The kernel or the gate refuses more processes; this is for root without a gate. A quarter and four
# more, because the gate may not yet see one that it allowed.
_SLACK = 4
# Swapped out it is still taken, and huge pages count for neither of the others.
_MEMORY = ("RssAnon:", "RssShmem:", "VmSwap:", "HugetlbPages:")
# Giving much memory back takes a while; after ten seconds a process is stuck in the kernel.
_PAUSE_S = 0.002
_ROUNDS = 5_000


def descendants(pid: int) -> list[int]:
    """Every living descendant of a process, parents first."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found[1:]


def children(pid: int) -> list[int]:
    """The direct children of all threads of a process; none when it is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as listing:
                found += [int(word) for word in listing.read().split()]
    except OSError:
        # The process or one of its threads ended while being looked at.
        return found
    return found


def memory_bytes(pid: int) -> int:
    """Memory of a process that no file on disk stands behind."""
    total = 0
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(_MEMORY):
            total += int(line.split()[1]) * 1024
    return total


class Meter:
    """The processor time of a tree, that of processes included for which nobody waited.

    The kernel adds a child's time to its parent's when the parent waits. One that ignores SIGCHLD
    never does, so what was seen of a process that is gone counts too.
    """

    def __init__(self) -> None:
        # By number and start: numbers are given again.
        self._seen: dict[tuple[int, str], int] = {}
        self._gone = 0

    def seconds(self, pids: list[int]) -> float:
        """Since the tree began, as far as looks have seen it."""
        now: dict[tuple[int, str], int] = {}
        waited = 0
        for pid in pids:
            # The name of the program stands in brackets and may contain blanks and brackets itself.
            fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if fields:
                own, children = fields[11:13], fields[13:15]
                now[pid, fields[19]] = sum(map(int, own))
                waited += sum(map(int, children))
        self._gone += sum(ticks for one, ticks in self._seen.items() if one not in now)
        self._seen = now
        # Those who are gone are among the waited for, or are not: never both.
        return (sum(now.values()) + max(waited, self._gone)) / _TICKS_PER_S


def threads(pid: int) -> int:
    """The number of threads, 0 when the process is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def excess(plan: Plan, leader: int, meter: Meter) -> tuple[str, float]:
    """Which limit the program beneath `leader` exceeds, in words, empty for none; its seconds."""
    members = descendants(leader)
    tasks = sum(threads(pid) for pid in members)
    # The leader has waited for orphans: their time counts too.
    cpu = meter.seconds([leader, *members])
    if tasks > plan.processes + plan.processes // _SLACK + _SLACK:
        return f"{tasks} processes and threads at once, {plan.processes} are allowed", cpu
    memory = sum(memory_bytes(pid) for pid in members)
    if memory > plan.memory_bytes:
        return f"{memory} bytes of memory, {plan.memory_bytes} are allowed", cpu
    if cpu > plan.cpu_s:
        return f"{cpu:.1f} s of processor time, {plan.cpu_s} s are allowed", cpu
    return "", cpu


def kill_all() -> bool:
    """Kill and reap every descendant of this process, which must be their subreaper."""
    for turn in range(_ROUNDS):
        for pid in descendants(os.getpid()):
            try:
                # Stopped first: a process that does not run cannot fork while others are killed.
                os.kill(pid, kernel.STOP if turn == 0 else kernel.KILL)
            except OSError:
                continue
        if not reap():
            return True
        if turn:
            time.sleep(_PAUSE_S)
    return False


def reap_orphans(keep: int) -> None:
    """Wait for children that have ended, but for the one whose end still matters."""
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid == keep:
            return
        os.waitpid(ended.si_pid, 0)


def reap() -> bool:
    """Wait for every child that has ended; False when there is none left at all."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
