"""Artifacts: whole results kept beside the journal, read on only by the session they belong to."""

import re
from dataclasses import dataclass

from remit.errors import ToolError
from remit.journal.codec import open_record
from remit.journal.events import RunStarted, ToolCompleted
from remit.ports import Store
from remit.runtime.results import NAME_CHARS

_NAME = re.compile(rf"[0-9a-f]{{{NAME_CHARS},64}}", re.ASCII)
# What the note under a page takes of the characters that a result may have.
_NOTE_CHARS = 160
# Earlier runs of a session that are looked through.
_RUNS = 100


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page with its note, and what the result that it is of was labelled with."""

    text: str
    labels: tuple[str, ...]


async def read_page(
    store: Store, tenant: str, run: str, name: str, offset: int, chars: int
) -> ReadPage:
    """A page of an artifact that `run` or an earlier run of its session made, with a note.

    At most `chars` characters, so that it is not cut again. Raises `ToolError` for one that does
    not exist there, whoever else has it.
    """
    made = await _made_by(store, tenant, run, name) if _NAME.fullmatch(name) else None
    content = None if made is None else await store.blob(tenant, made.artifact or "")
    if made is None or content is None:
        raise ToolError(f"there is no artifact {name[:80]!r} in this conversation")
    text = content.decode()
    if not 0 <= offset < len(text):
        raise ToolError(f"the artifact has the characters 0 to {len(text) - 1}, not {offset}")
    end = min(len(text), offset + max(chars - _NOTE_CHARS, chars // 4))
    rest = f"go on with offset {end}" if end < len(text) else "this is the end"
    note = f"[characters {offset} to {end - 1} of {len(text)}; {rest}]"
    return ReadPage(f"{text[offset:end]}\n{note}", made.labels)


async def _made_by(store: Store, tenant: str, run: str, name: str) -> ToolCompleted | None:
    """The outcome that made the artifact whose name the model gave."""
    following: str | None = run
    for _ in range(_RUNS):
        if following is None:
            break
        earlier: str | None = None
        for record in await store.records(tenant, following):
            body = open_record(record)
            for event in () if body is None else body.events:
                if isinstance(event, RunStarted):
                    earlier = event.continues
                elif isinstance(event, ToolCompleted) and _readable(event).startswith(name):
                    return event
        following = earlier
    return None


def _readable(event: ToolCompleted) -> str:
    """The artifact that the model may read on; what a hook withheld is kept for people alone."""
    withheld = any(each.word == "withheld" for each in event.hooks)
    return "" if withheld else event.artifact or ""
