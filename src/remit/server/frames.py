"""Live items as server-sent events: names, ids and JSON of what a stream of the API sends.

A stream of a run sends `snapshot`, `journal` (whose id is the cursor), `delta`, `retraction`,
`end` and `bye`; one of a tenant `now` and `news` (both with an id) and `bye`. A comment comes now
and then, so that nobody in between takes the stream for dead.
"""

import json
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring

from pydantic import TypeAdapter

from remit.app.live_run import StreamSnapshot, Told
from remit.app.live_tenant import TenantItem, TenantNow
from remit.projections.happenings import Happening
from remit.runtime.feeding import News
from remit.runtime.hub import StreamDelta, StreamEvent, StreamRetraction

HEARTBEAT = b":\n\n"
_HAPPENINGS: TypeAdapter[tuple[Happening, ...]] = TypeAdapter(tuple[Happening, ...])


def frame(name: str, data: bytes, place: str = "") -> bytes:
    """One event; `data` is JSON, which has no line ends."""
    head = f"id: {place}\nevent: {name}\ndata: " if place else f"event: {name}\ndata: "
    return b"%b%b\n\n" % (head.encode(), data)


def retry(after_ms: int) -> bytes:
    """How long to wait before coming back."""
    return b"retry: %d\n\n" % after_ms


def plain(values: Mapping[str, object]) -> bytes:
    """JSON on one line. Half a character, which no UTF-8 can hold, becomes a question mark."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def frames_of_run(batch: Iterable[Told], *, here: bool) -> bytes:
    """What a reader of a run is told. `here`: the words on their way can be had."""
    return b"".join(_of_run(told, here=here) for told in batch)


def _of_run(told: Told, *, here: bool) -> bytes:
    match told.item:
        case StreamEvent() as item:
            keys = b'{"run":"%b","version":%d,"index":%d,"time_ms":%d,"event":%b}' % (
                item.run.encode(),
                item.version,
                item.index,
                item.time_ms,
                item.json,
            )
            return frame("journal", keys, told.cursor)
        case StreamDelta() as item:
            return _delta(item)
        case StreamRetraction() as item:
            keys = plain({"run": item.run, "call": item.call, "attempt": item.attempt})
            return frame("retraction", keys)
        case StreamSnapshot() as item:
            return frame("snapshot", plain({"here": here, "calls": _calls(item)}))


def _delta(item: StreamDelta) -> bytes:
    """By hand: there are far more of these than of anything else. Ids need no escapes."""
    end = item.offset + len(item.text)
    return (
        f'event: delta\ndata: {{"run":"{item.run}","call":"{item.call}","attempt":{item.attempt},'
        f'"part":{item.part},"kind":"{item.kind}","offset":{item.offset},"next":{end},'
        f'"text":{encode_basestring(item.text)}}}\n\n'
    ).encode("utf-8", "replace")


def _calls(snapshot: StreamSnapshot) -> list[dict[str, object]]:
    return [
        {
            "run": call.run,
            "call": call.call,
            "attempt": call.attempt,
            "parts": [
                {
                    "part": part.part,
                    "kind": part.kind,
                    "next": len(part.text),
                    "text": part.text,
                }
                for part in call.parts
            ],
        }
        for call in snapshot.calls
    ]


def frames_of_tenant(batch: Iterable[TenantItem]) -> bytes:
    """What a reader of a tenant is told."""
    return b"".join(map(_of_tenant, batch))


def _of_tenant(item: TenantItem) -> bytes:
    if isinstance(item, News):
        told = _HAPPENINGS.dump_json(item.happenings, exclude_defaults=True)
        data = b'{"time_ms":%d,"happenings":%b}' % (item.time_ms, told)
        return frame("news", data, str(item.position))
    return frame("now", plain({"off": _off(item)}), str(item.position))


def _off(now: TenantNow) -> list[dict[str, object]]:
    return [
        {
            "target": switch.target,
            "reason": switch.reason,
            "principal": switch.principal,
            "since_ms": switch.since_ms,
            "until_ms": switch.until_ms,
        }
        for switch in now.off
    ]
