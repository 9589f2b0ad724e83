"""Imports everything once and forks the program on demand, so that a life begins in milliseconds.

Commands on standard input, one per line, answers on standard output:
`fork FOLDER SEED FINISH` -> the child's process id; `wait PID` -> how it ended.
"""

import os
import sys
import traceback
from pathlib import Path

from tests.kill.program import live


def fork(folder: Path, seed: int, *, finish: bool) -> int:
    """The process id of a new child."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with (folder / "errors.log").open("a") as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
        live(folder, seed, finish=finish)
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
            case ["fork", folder, seed, finish]:
                answer = fork(Path(folder), int(seed), finish=finish == "finish")
            case ["wait", child]:
                answer = os.waitstatus_to_exitcode(os.waitpid(int(child), 0)[1])
            case _:
                raise ValueError(line)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
