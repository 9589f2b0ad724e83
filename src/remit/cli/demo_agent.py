"""The demo's agent as a process of its own, so that it can be killed: `python -m …demo_agent`."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from remit.app.run import PendingApproval, Run
from remit.cli.demo_play import Answer, lomu, opened, play, process_variables
from remit.cli.demo_stage import Stage
from remit.cli.group import INTERRUPTED
from remit.runtime.hub import StreamEvent, StreamItem

AGREED = "agreed by remit demo --crash, as with --yes"


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what happens in lines of JSON, and agrees at the gate."""

    def recall(self, item: StreamItem) -> None:
        """What happened before was told by the process before."""

    def see(self, item: StreamItem) -> None:
        """One line per event that is durable."""
        if isinstance(item, StreamEvent):
            _tell({"run": item.run, "version": item.version, "event": item.event.type})

    async def decide(self, pending: PendingApproval) -> Answer:
        """Agree, in the name of the local user."""
        _tell({"run": pending.run, "asked": pending.tool})
        return Answer(agrees=True, comment=AGREED)


def _tell(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def work(folder: str, url: str) -> Run[object]:
    """Run the agent of a stage, or take its run up again."""
    stage = Stage(Path(folder))
    agent = lomu(stage)
    async with opened(url, agent, process_variables()) as app:
        return await play(app, agent, stage, Teller())


def main() -> int:
    """Work on the stage in the first argument with the journal in the second."""
    folder, url = sys.argv[1:]
    try:
        result = asyncio.run(work(folder, url))
    except KeyboardInterrupt:
        return INTERRUPTED
    _tell({"run": result.id, "status": result.status})
    return 0 if result.status == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
