"""What live streams cost: many readers of many runs in one server process, on loopback.

    python benchmarks/server.py [--streams 500] [--runs 50] [--turns 6] [--words 40]

A server process drives the runs; this one reads them, each run by as many streams as there are to
a run. A tenth of the readers hang up in the middle, come back with the id of the last event, and
hang up again. Prints lines of JSON: the server's memory before and with its readers, the time from
an event's append until a reader has it (one clock: CLOCK_MONOTONIC is that of the machine), and
how many events and words were lost or came twice, compared with the journal: none may be.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvicorn

from remit import Agent, App, declare, tool
from remit.journal.codec import open_record
from remit.journal.rows import Answer, Append
from remit.server.build import build
from remit.server.settings import ServerSettings
from remit.values.message import ResultPart
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawCall, RawPart, RawText
from remit.values.usage import Usage

WORD_S = 0.02  # fifty words a second: a fast model of today
HANG_UPS = 3  # of each tenth reader


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    return f"{name} is so"


class Speaker:
    """Says so many words a turn once it may begin, and calls a tool after each but the last."""

    provider = "scripted"

    def __init__(self, turns: int, words: int) -> None:
        self.turns, self.words = turns, words
        self.begin = asyncio.Event()

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """Speak word by word."""
        del deadline_s
        await self.begin.wait()
        said = [f"word{number} " for number in range(self.words)]
        for word in said:
            emit(Delta(0, "text", word))
            await asyncio.sleep(WORD_S * (0.5 + random.random()))  # noqa: S311  # a pace
        done = sum(isinstance(p, ResultPart) for m in request.messages for p in m.parts)
        parts: list[RawPart] = [RawText("".join(said))]
        if done < self.turns - 1:
            parts.append(RawCall(f"p{done}", "find_fact", f'{{"name": "f{done}"}}'))
        return ModelAnswer(
            parts=tuple(parts),
            stop="tools" if len(parts) > 1 else "end",
            usage=Usage(input=100, output=self.words),
            model=request.model,
        )

    async def close(self) -> None:
        """Nothing to release."""


# ---------------------------------------------------------------- the server process


def note_appends(app: App) -> dict[str, int]:
    """When each record was answered as durable, by run and version, in nanoseconds."""
    times: dict[str, int] = {}
    append = app.store.append

    async def noted(given: Append) -> Answer:
        answer = await append(given)
        header = given.record.header
        times[f"{header.run}/{header.version}"] = time.monotonic_ns()
        return answer

    vars(app.store)["append"] = noted
    return times


async def journalled(app: App, runs: list[str]) -> dict[str, list[str]]:
    """(version, index) of every event of every run."""
    found: dict[str, list[str]] = {}
    for run in runs:
        found[run] = []
        for record in await app.store.records("local", run):
            body = open_record(record)
            events = () if body is None else body.events
            found[run] += [f"{record.header.version}.{index}" for index in range(len(events))]
    return found


async def serve(url: str, runs: int, turns: int, words: int) -> None:
    """Drive and serve; told what to do by lines on standard input."""
    speaker = Speaker(turns, words)
    agent = Agent("bench", model="scripted:x", instructions="Tell.", tools=[find_fact])
    prices = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}
    loop = asyncio.get_running_loop()
    async with App(url, agents=[agent], models={"scripted": speaker}, prices=prices) as app:
        times = note_appends(app)
        server = build(app, ServerSettings(streams=100_000))
        runner = uvicorn.Server(
            uvicorn.Config(server, port=0, lifespan="off", log_config=None, http="httptools",
                           loop="uvloop", ws="none", log_level="error")
        )  # fmt: skip
        task = asyncio.create_task(runner._serve())  # noqa: SLF001  # signals are not its own here
        while not runner.started:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.01)
        port = runner.servers[0].sockets[0].getsockname()[1]
        tell({"port": port, "token": server.state.link.make(), "pid": os.getpid()})
        await loop.run_in_executor(None, sys.stdin.readline)
        names = [await app.start(agent, "Go") for _ in range(runs)]
        tell({"runs": names})
        await loop.run_in_executor(None, sys.stdin.readline)
        used_s = time.process_time()
        speaker.begin.set()
        await asyncio.gather(*(app.wait(name) for name in names))
        used_s = time.process_time() - used_s
        await loop.run_in_executor(None, sys.stdin.readline)
        tell({"times": times, "journal": await journalled(app, names), "cpu_s": used_s})
        runner.should_exit = True
        await task


def tell(values: dict[str, object]) -> None:
    """One line for the process that reads."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


# ---------------------------------------------------------------- the readers


@dataclass(slots=True)
class Reader:
    """One stream, over plain sockets: a client library would measure itself."""

    port: int
    cookie: str
    run: str
    hang_ups: int
    dice: random.Random
    steady: bool = False
    place: str = ""
    seen: dict[str, int] = field(default_factory=dict)
    """When each event came, in nanoseconds."""
    doubled: int = 0
    words: dict[str, int] = field(default_factory=dict)
    """How far each answer on its way is told, by call, attempt and part."""
    bad_words: int = 0
    pieces: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    async def read(self) -> None:
        """Read to the end of the run, however often the line is cut."""
        while not self.ended:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            head = f"GET /api/v1/runs/{self.run}/stream HTTP/1.1\r\nhost: bench\r\n"
            head += f"cookie: {self.cookie}\r\n"
            head += f"last-event-id: {self.place}\r\n" if self.place else ""
            writer.write(f"{head}\r\n".encode())
            cut = self.dice.randrange(5, 60) if self.hang_ups else -1
            self.hang_ups -= self.hang_ups > 0
            try:
                await self._frames(reader, cut)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _frames(self, reader: asyncio.StreamReader, cut: int) -> None:
        status = await reader.readline()
        if b" 204 " in status:
            self.ended = True
            return
        if b" 200 " not in status:
            raise SystemExit(f"a stream was refused: {status!r}")
        name = place = ""
        async for line in reader:
            if line.startswith(b"id: "):
                place = line[4:-1].decode()
            elif line.startswith(b"event: "):
                name = line[7:-1].decode()
            elif line.startswith(b"data: "):
                self._take(name, place, json.loads(line[6:]))
                cut -= 1
                if cut == 0:
                    return
            if self.ended:
                return

    def _take(self, name: str, place: str, data: dict[str, object]) -> None:
        if name == "journal":
            key = f"{data['version']}.{data['index']}"
            self.doubled += key in self.seen
            self.seen.setdefault(key, time.monotonic_ns())
            self.place = place
        elif name == "delta":
            self.pieces += 1
            part = f"{data['call']}/{data['attempt']}/{data['part']}"
            self.bad_words += data["offset"] != self.words.get(part, 0)
            self.words[part] = cast("int", data["next"])
        elif name == "snapshot":
            self.words.clear()
            for call in cast("list[dict[str, object]]", data["calls"]):
                for each in cast("list[dict[str, object]]", call["parts"]):
                    key = f"{call['call']}/{call['attempt']}/{each['part']}"
                    self.words[key] = cast("int", each["next"])
            self.ready.set()
        elif name == "end":
            self.ended = True


def memory_mb(pid: int, kind: str) -> float:
    """Of a process: VmRSS now, VmHWM at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(kind):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


async def log_in(port: int, token: str) -> str:
    """The cookie for the one-time link."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /login?token={token} HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
    async for line in reader:
        if line.lower().startswith(b"set-cookie:"):
            writer.close()
            return line.split(b":", 1)[1].split(b";")[0].strip().decode()
    raise SystemExit("the sign-in failed")


async def measure(given: argparse.Namespace, url: str) -> bool:
    """Read, compare, print; whether nothing was lost and nothing came twice."""
    command = [sys.executable, __file__, "--serve", url, "--runs", str(given.runs),
               "--turns", str(given.turns), "--words", str(given.words)]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26
    )
    if process.stdin is None or process.stdout is None:
        raise SystemExit("the server cannot be talked to")

    async def go() -> dict[str, object]:
        if process.stdin is not None:
            process.stdin.write(b"\n")
        return await heard()

    async def heard() -> dict[str, object]:
        line = b"" if process.stdout is None else await process.stdout.readline()
        if not line:
            raise SystemExit("the server ended")
        found: dict[str, object] = json.loads(line)
        return found

    try:
        hello = await heard()
        port, pid = cast("int", hello["port"]), cast("int", hello["pid"])
        cookie = await log_in(port, str(hello["token"]))
        empty = memory_mb(pid, "VmRSS")
        runs = cast("list[str]", (await go())["runs"])
        dice = random.Random(7)  # noqa: S311  # where readers hang up
        readers = [
            Reader(port, cookie, runs[n % len(runs)], HANG_UPS * (n % 10 == 0), dice, n % 10 != 0)
            for n in range(given.streams)
        ]
        before = memory_mb(pid, "VmRSS")
        tasks = [asyncio.create_task(reader.read()) for reader in readers]
        await asyncio.gather(*(reader.ready.wait() for reader in readers))
        idle = memory_mb(pid, "VmRSS")
        begin = time.perf_counter()
        process.stdin.write(b"\n")
        await asyncio.gather(*tasks)
        took_s = time.perf_counter() - begin
        told = await go()
        print(json.dumps({"store": given.store, "streams": given.streams, "runs": given.runs,
                          "seconds": round(took_s, 1), "server_cpu_s": told["cpu_s"]}))  # fmt: skip
        print(json.dumps({"memory_mb": {"empty": empty, "runs": before, "streams_open": idle,
              "peak": memory_mb(pid, "VmHWM")},
              "kb_per_stream": round((idle - before) * 1024 / given.streams, 1)}))  # fmt: skip
        await process.wait()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
    return compare(readers, told)


def compare(readers: list[Reader], told: dict[str, object]) -> bool:
    """Print what came late, twice or not at all; whether all is well."""
    times = cast("dict[str, int]", told["times"])
    journal = cast("dict[str, list[str]]", told["journal"])
    waits = []
    lost = extra = 0
    for reader in readers:
        lost += len(set(journal[reader.run]) - set(reader.seen))
        extra += len(set(reader.seen) - set(journal[reader.run]))
        if not reader.steady:
            continue
        for place, at_ns in reader.seen.items():
            version = place.partition(".")[0]
            if int(version) > 1:  # the first was there before the streams were
                waits.append((at_ns - times[f"{reader.run}/{version}"]) / 1e6)
    cuts = statistics.quantiles(waits, n=1000)
    doubled = sum(reader.doubled for reader in readers)
    bad_words = sum(reader.bad_words for reader in readers)
    print(json.dumps({"events": len(waits), "latency_ms": {"p50": round(cuts[499], 2),
          "p99": round(cuts[989], 2), "p999": round(cuts[998], 2), "max": round(max(waits), 2)},
          "pieces": sum(reader.pieces for reader in readers)}))  # fmt: skip
    print(json.dumps({"lost": lost + extra, "doubled": doubled, "words_out_of_place": bad_words}))
    return lost == extra == doubled == bad_words == 0


def main() -> None:
    """Measure and print; exit status 1 where something was lost or came twice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--words", type=int, default=40)
    parser.add_argument("--store", choices=("memory", "sqlite"), default="sqlite")
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, most[1]), most[1]))
    if given.serve:
        with asyncio.Runner(loop_factory=_uvloop()) as runner:
            runner.run(serve(given.serve, given.runs, given.turns, given.words))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = "memory:" if given.store == "memory" else f"sqlite:///{Path(folder) / 'j.db'}"
        good = asyncio.run(measure(given, url))
    sys.exit(0 if good else 1)


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop]:
    """The loop that `remit serve` runs on."""
    config = uvicorn.Config("none", loop="uvloop")
    return cast("Callable[[], asyncio.AbstractEventLoop]", config.get_loop_factory())


if __name__ == "__main__":
    main()
