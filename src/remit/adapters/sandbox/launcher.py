"""Start one program confined, watch it, report how it ended: runs as a fresh process.

It is a process of its own because confining cannot be undone, and because code between fork and
exec in a program with threads may hang. Nothing here may import what costs time.
"""

import os
import select
import sys
import time

from remit.adapters.sandbox import confine, kernel, watch, wrap
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
    """Arguments: descriptors of the plan, of the report, and of the pipe that ends with us."""
    plan_fd, report_fd, life_fd = (int(word) for word in sys.argv[2:5])
    for fd in (report_fd, life_fd):
        os.set_inheritable(fd, False)  # noqa: FBT003  # it takes no keywords
    os.umask(0o022)
    with open(plan_fd, "rb") as file:
        plan = read_plan(file.read())
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
    look_s = time.monotonic() + watch.PERIOD_S
    while True:
        ready = [fd for fd, _ in poll.poll(watch.PERIOD_S * 1000)]
        if life_fd in ready:
            return "killed"
        if ended in ready:
            _, status = os.waitpid(way.child, 0)
            return way.ended(status)
        if way.gate is not None and way.gate.fd in ready:
            way.gate.serve()
        if time.monotonic() >= look_s:
            watch.reap_orphans(way.child)
            words = watch.excess(plan, way.leader)
            if words:
                return f"limit {words}"
            look_s = time.monotonic() + watch.PERIOD_S


def _remove(folder: str) -> None:
    """Remove what the program left, also when the one who asked is gone; nobody races any more."""
    for place, names, _ in os.walk(folder):
        for name in names:
            if not os.path.islink(f"{place}/{name}"):
                os.chmod(f"{place}/{name}", 0o700)
    for place, names, files in os.walk(folder, topdown=False):
        for name in names + files:
            path = f"{place}/{name}"
            if name in names and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.unlink(path)
