"""Imports everything once and forks the program on demand, so that a life begins in milliseconds.

Commands on standard input, one per line, answers on standard output:
`fork FOLDER SEED go|finish|undo` -> the child's process id; `wait PID` -> how it ended.
"""

import os
import sys
import traceback
from pathlib import Path

from tests.kill import program, undoing


def fork(folder: Path, seed: int, what: str) -> int:
    """The process id of a new child."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with (folder / "errors.log").open("a") as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
        if what == "undo":
            undoing.live(folder)
        else:
            program.live(folder, seed, finish=what == "finish")
        status = 0
    except BaseException:  # noqa: BLE001  # a child never returns into the zygote's loop
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve until standard input is closed."""
    for line in sys.stdin:
        match line.split():
            case ["fork", folder, seed, what]:
                answer = fork(Path(folder), int(seed), what)
            case ["wait", child]:
                answer = os.waitstatus_to_exitcode(os.waitpid(int(child), 0)[1])
            case _:
                raise ValueError(line)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
