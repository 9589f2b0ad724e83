"""Start one program confined, watch it, report how it ended: runs as a fresh process.

It is a process of its own because confining cannot be undone, and because code between fork and
exec in a program with threads may hang. Nothing here may import what costs time.
"""

import itertools
import os
import select
import sys
import time

from remit.adapters.sandbox import confine, kernel, watch, wrap
from remit.adapters.sandbox.gate import Gate
from remit.adapters.sandbox.plan import BUBBLEWRAP, NAMESPACES, SECCOMP, Plan, read_plan

# What went wrong in a child, in words.
_ERROR_BYTES = 4096

_Way = type[wrap.Bubblewrapped] | type[confine.Namespaced] | type[confine.Filtered]

_WAYS: dict[str, _Way] = {
    BUBBLEWRAP: wrap.Bubblewrapped,
    NAMESPACES: confine.Namespaced,
    SECCOMP: confine.Filtered,
}


def main() -> None:
    """Arguments: descriptors of the plan, the report, the pipe that ends with us, and the exit."""
    plan_fd, report_fd, life_fd, exit_fd = (int(word) for word in sys.argv[2:6])
    for fd in (report_fd, life_fd, *((exit_fd,) if exit_fd >= 0 else ())):
        os.set_inheritable(fd, False)  # noqa: FBT003  # it takes no keywords
    os.umask(0o022)
    with open(plan_fd, "rb") as file:
        plan = read_plan(file.read())
    plan.exit_fd = exit_fd
    try:
        kernel.prctl("PR_SET_CHILD_SUBREAPER", kernel.PR_SET_CHILD_SUBREAPER, 1)
        report = _run(plan, life_fd)
    except OSError as error:
        report = f"failed {error.strerror}"
    if not watch.kill_all():
        report = "failed some processes could not be killed"
    if plan.scratch:
        try:
            _remove(plan.scratch)
        except OSError as error:
            report = f"failed remove {plan.scratch}: {error.strerror}"
    os.write(report_fd, report.encode(errors="replace"))


def _run(plan: Plan, life_fd: int) -> str:
    """Start, then wait for the first of: the program's end, a limit, the end of who asked."""
    error_read, error_write = os.pipe()
    way = _WAYS[plan.mode](plan, error_write)
    os.close(error_write)
    if plan.exit_fd >= 0:
        # Whoever is to get the listener sees the end of the socket if it never comes.
        os.close(plan.exit_fd)
    # From here on only the program holds its standard streams, so that they can end.
    os.closerange(0, 3)
    failure = os.read(error_read, _ERROR_BYTES)
    if failure:
        return "failed " + failure.decode(errors="replace")
    way.started()
    poll = select.poll()
    poll.register(life_fd, select.POLLIN)
    ended = kernel.open_process(way.child)
    poll.register(ended, select.POLLIN)
    if way.gate is not None:
        poll.register(way.gate.fd, select.POLLIN)
    # Where nothing else bounds the number of processes, every look counts.
    idle_s = watch.IDLE_S if way.gate is not None or os.geteuid() != 0 else watch.PERIOD_S
    look = _Look(plan, way.leader, idle_s)
    while True:
        ready = dict(poll.poll(look.period_s * 1000))
        if life_fd in ready:
            return "killed"
        if ended in ready:
            _, status = os.waitpid(way.child, 0)
            return way.ended(status)
        if way.gate is not None:
            _answer(way.gate, ready.get(way.gate.fd, 0), poll)
        if time.monotonic() >= look.due_s:
            watch.reap_orphans(way.child)
            words = look.excess()
            if words:
                return f"limit {words}"


def _answer(gate: Gate, how: int, poll: select.poll) -> None:
    if how & select.POLLIN:
        gate.serve()
    elif how:
        # All who could ask are gone; before Linux 6.6 taking a question would wait for ever.
        poll.unregister(gate.fd)


class _Look:
    """When to look at the program again: less often while it does nothing."""

    def __init__(self, plan: Plan, leader: int, idle_s: float) -> None:
        self._plan = plan
        self._leader = leader
        self._idle_s = idle_s
        self._cpu_s = -1.0
        self._meter = watch.Meter()
        self.period_s = watch.PERIOD_S
        self.due_s = time.monotonic() + self.period_s

    def excess(self) -> str:
        """Which limit is exceeded, in words; empty for none."""
        words, cpu_s = watch.excess(self._plan, self._leader, self._meter)
        self.period_s = self._idle_s if cpu_s == self._cpu_s else watch.PERIOD_S
        self._cpu_s = cpu_s
        self.due_s = time.monotonic() + self.period_s
        return words


def _remove(folder: str) -> None:
    """Remove what the program left, also when the one who asked is gone; nobody races any more.

    Folders may lie deeper than a path or a stack can be: each is moved to the top, then emptied.
    """
    os.chmod(folder, 0o700)
    waiting = [folder]
    names = (f"{folder}/{number}" for number in itertools.count())
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as found:
            entries = list(found)
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            path = entry.path
            if place != folder:
                path = next(name for name in names if not os.path.lexists(name))
                os.rename(entry.path, path)
            waiting.append(path)
        if place != folder:
            os.rmdir(place)
