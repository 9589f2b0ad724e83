"""A command is confined by default: no time, memory or output without a bound."""

from remit.values.command import Command, Finished


def test_every_limit_has_a_bound() -> None:
    command = Command(argv=("true",), cwd="/tmp")  # noqa: S108 - never run
    limits = (
        command.timeout_s,
        command.cpu_s,
        command.memory_bytes,
        command.processes,
        command.file_bytes,
        command.output_bytes,
        command.open_files,
    )
    assert all(0 < limit < 2**40 for limit in limits)
    assert (command.read, command.write, command.hide, dict(command.env)) == ((), (), (), {})


def test_a_killed_program_has_no_exit_code() -> None:
    finished = Finished(
        exit_code=None,
        stdout=b"",
        stderr=b"",
        truncated=False,
        ended="timeout",
        confinement="bubblewrap",
    )
    assert finished.exit_code is None
