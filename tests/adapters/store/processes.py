"""Start appenders as processes of their own, read what they acknowledge, kill them."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from remit.journal.codec import open_record
from remit.journal.record import GENESIS, check_link, check_mac
from remit.ports import Store
from tests.adapters.store.chains import MAC_KEY

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Appender:
    """One running appender."""

    process: subprocess.Popen[str]
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    exceeded: int = 0

    @classmethod
    def start(cls, kind: str, where: str, run: str, count: int, account: str = "") -> "Appender":
        command = [sys.executable, "-m", "tests.adapters.store.appender"]
        process = subprocess.Popen(
            [*command, kind, where, run, str(count), account],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        appender = cls(process)
        assert appender._line() == "ready"
        return appender

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def read(self, count: int = sys.maxsize) -> None:
        """Read acknowledgements, up to `count` or the end of the process."""
        for _ in range(count):
            line = self._line()
            if line == "exceeded":
                self.exceeded += 1
            elif line:
                version, _, hash_ = line.partition(" ")
                self.acknowledged.append((int(version), hash_))
            else:
                return

    def kill(self) -> None:
        self.process.kill()
        self.read()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def finish(self) -> None:
        self.read()
        assert self.process.wait() == 0
        assert self.process.stdout is not None
        self.process.stdout.close()


async def check_chain(store: Store, run: str, acknowledged: list[tuple[int, str]]) -> int:
    """All that was acknowledged is there and the chain is whole; how long it is."""
    records = await store.records("acme", run)
    previous = GENESIS
    for number, record in enumerate(records, start=1):
        assert record.header.version == number
        assert open_record(record) is not None
        check_link(record, previous, None)
        check_mac(record, {"test": MAC_KEY})
        previous = record.hash
    stored = {record.header.version: record.hash.hex() for record in records}
    assert {version: stored.get(version) for version, _ in acknowledged} == dict(acknowledged)
    return len(records)
