"""What a launcher's report becomes, and the bounds that hold while it runs."""

import asyncio
import os

import pytest

from remit.adapters.sandbox import launch, supervised
from remit.adapters.sandbox.plan import Plan
from remit.errors import SandboxFailed
from remit.values.command import Command, Finished
from tests.adapters.sandbox.conftest import working

pytestmark = pytest.mark.requirement("TOOL-17")


def finished(report: str, ended: str = "exited", stderr: bytes = b"") -> Finished:
    plan = Plan("landlock+netns")
    how = {"exited": "exited", "timeout": "timeout", "output": "output"}[ended]
    return supervised._finished(plan, report, how, b"out", stderr)  # type: ignore[arg-type]  # one of the three


@pytest.mark.parametrize(
    ("report", "ended", "how", "code"),
    [
        ("ended 0", "exited", "exited", 0),
        ("ended 1792", "exited", "exited", 7),
        ("ended 9", "exited", "signalled", 137),
        ("ended 139", "exited", "signalled", 139),  # SIGSEGV with a core file
        ("code 0", "exited", "exited", 0),
        ("code 127", "exited", "exited", 127),
        ("code 128", "exited", "exited", 128),
        ("code 129", "exited", "signalled", 129),
        ("code 192", "exited", "signalled", 192),
        ("code 193", "exited", "exited", 193),
        ("killed", "timeout", "timeout", None),
        ("killed", "output", "output", None),
        ("ended 0", "output", "output", None),
        ("limit too much", "exited", "signalled", None),
    ],
)
def test_reports(report: str, ended: str, how: str, code: int | None) -> None:
    found = finished(report, ended)
    assert (found.ended, found.exit_code, found.truncated) == (how, code, ended == "output")
    assert found.confinement == "landlock+netns"


def test_a_limit_is_told_to_who_reads_the_output() -> None:
    found = finished("limit 65 processes at once, 64 are allowed", stderr=b"before")
    assert found.stderr == (
        b"before\nremit: ended by the sandbox: 65 processes at once, 64 are allowed\n"
    )


@pytest.mark.parametrize("ended", ["exited", "timeout", "output"])
@pytest.mark.parametrize("report", ["failed mount /x: No such file", ""])
def test_failures_never_look_like_an_end(report: str, ended: str) -> None:
    with pytest.raises(SandboxFailed, match=r"mount /x|the launcher died") as caught:
        finished(report, ended, stderr=b"bwrap: what happened\n")
    assert "bwrap: what happened" in str(caught.value)


async def test_descriptors_are_given_back() -> None:
    sandbox = working("seccomp")
    command = Command(argv=("true",), cwd="/usr", read=("/usr",))
    await sandbox.run(command)
    before = os.listdir("/proc/self/fd")  # noqa: PTH208  # only names are wanted
    for _ in range(3):
        await sandbox.run(command)
        task = asyncio.ensure_future(sandbox.run(command))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.05)
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208  # the same


async def test_cleaning_up_outlives_every_cancellation() -> None:
    done: list[int] = []

    async def work() -> None:
        for _ in range(20):
            await asyncio.sleep(0.001)
        done.append(1)

    task = asyncio.ensure_future(launch.to_the_end(work()))
    for _ in range(5):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]
