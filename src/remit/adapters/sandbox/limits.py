"""Resource limits of one process, set for itself or, under bubblewrap, for another."""

import os
import resource

from remit.adapters.sandbox import watch
from remit.adapters.sandbox.plan import Plan

# From Linux 5.14 on RLIMIT_NPROC counts within a user namespace, not over the whole machine.
_COUNTS_PER_NAMESPACE = (5, 14)
# The launcher and the first process of the namespace count too.
_OURS = 2
# Between the warning (SIGXCPU) and the end (SIGKILL).
_LAST_CPU_S = 1


def apply(plan: Plan, pid: int = 0, *, own_namespace: bool) -> None:
    """Set every limit for process `pid`, 0 for this one; never above what it has."""
    wanted = {
        resource.RLIMIT_CPU: (plan.cpu_s, plan.cpu_s + _LAST_CPU_S),
        # Not RLIMIT_AS: JavaScript and Java reserve far more addresses than they ever use.
        resource.RLIMIT_DATA: (plan.memory_bytes, plan.memory_bytes),
        resource.RLIMIT_FSIZE: (plan.file_bytes, plan.file_bytes),
        resource.RLIMIT_NOFILE: (plan.open_files, plan.open_files),
        resource.RLIMIT_NPROC: (_processes(plan, own_namespace=own_namespace),) * 2,
        resource.RLIMIT_CORE: (0, 0),
    }
    for what, (soft, hard) in wanted.items():
        _, most = resource.prlimit(pid, what)
        top = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.prlimit(pid, what, (min(soft, top), top))


def _processes(plan: Plan, *, own_namespace: bool) -> int:
    major, minor = os.uname().release.split(".")[:2]
    version = (int(major), int("".join(char for char in minor if char.isdigit())))
    if own_namespace and version >= _COUNTS_PER_NAMESPACE:
        return plan.processes + _OURS
    # Counted over the whole machine: what this user runs already comes on top.
    return plan.processes + _tasks_of(os.getuid())


def _tasks_of(uid: int) -> int:
    total = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                total += watch.threads(int(name))
        except OSError:
            continue  # ended meanwhile
    return total
