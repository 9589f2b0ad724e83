"""A reader of live streams over a real connection, as a browser reads them: event by event."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from remit.app.live_run import SnapshotCall, SnapshotPart, StreamSnapshot, Told
from remit.journal.events import EVENT
from remit.runtime.hub import StreamDelta, StreamEvent, StreamRetraction
from tests.app.screens import Screen
from tests.server.stage import Client


@dataclass(slots=True)
class Frame:
    """One event of a stream; a comment has the name `:`."""

    name: str = ""
    place: str = ""
    text: str = ""
    retry: int = 0

    def data(self) -> dict[str, object]:
        """Its JSON."""
        found = json.loads(self.text)
        assert isinstance(found, dict)
        return found


@dataclass(slots=True)
class Parser:
    """Lines to frames (WHATWG HTML, section 9.2)."""

    frames: list[Frame] = field(default_factory=list)
    _rest: bytes = b""
    _open: Frame = field(default_factory=Frame)

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        found: list[Frame] = []
        for line in lines:
            if not line:
                if self._open.name or self._open.text:
                    found.append(self._open)
                elif self._open.retry:
                    found.append(Frame("retry", retry=self._open.retry))
                self._open = Frame()
                continue
            name, _, value = line.decode().partition(": ")
            match name:
                case "event":
                    self._open.name = value
                case "data":
                    self._open.text += value
                case "id":
                    self._open.place = value
                case "retry":
                    self._open.retry = int(value)
                case ":":
                    found.append(Frame(":"))
                case _:
                    raise AssertionError(f"no line of ours: {line!r}")
        self.frames += found
        return found


@asynccontextmanager
async def listen(client: Client, path: str, after: str = "") -> AsyncIterator[AsyncIterator[Frame]]:
    """The frames of a stream; leaving hangs up."""
    headers = {"last-event-id": after} if after else {}
    async with client.http.get(
        f"{client.url}{path}", headers={**client.headers, **headers}, timeout=None
    ) as answer:
        if answer.status == 204:  # all was told; no frame at all
            yield _nothing()
            return
        assert answer.status == 200, await answer.text()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        parser = Parser()

        async def frames() -> AsyncGenerator[Frame, None]:
            async for chunk in answer.content.iter_any():
                for frame in parser.feed(chunk):
                    yield frame

        async with aclosing(frames()) as found:
            yield found


async def _nothing() -> AsyncIterator[Frame]:
    for frame in list[Frame]():
        yield frame


def shown(screen: Screen, frame: Frame) -> None:
    """Let a reader take a frame of a run's stream."""
    told = told_of(frame)
    if told is not None:
        screen.show(told)


def told_of(frame: Frame) -> Told | None:
    """The item that a frame carries; None for what is no part of the run."""
    if frame.name not in ("journal", "delta", "retraction", "snapshot"):
        return None
    tree = json.loads(frame.text)
    match frame.name:
        case "journal":
            event = EVENT.validate_json(json.dumps(tree["event"]))
            item = StreamEvent(tree["run"], tree["version"], tree["index"], event, tree["time_ms"])
            return Told(item, frame.place)
        case "delta":
            assert tree.pop("next") == tree["offset"] + len(tree["text"])
            return Told(StreamDelta(**tree))
        case "retraction":
            return Told(StreamRetraction(**tree))
        case _:
            calls = []
            for call in tree["calls"]:
                parts = call.pop("parts")
                assert all(part.pop("next") == len(part["text"]) for part in parts)
                calls.append(
                    SnapshotCall(**call, parts=tuple(SnapshotPart(**part) for part in parts))
                )
            return Told(StreamSnapshot(tuple(calls)))
