"""Finds the last good answer to a call in the journal: it is stored nowhere else."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeGuard, TypeVar

from remit.journal.codec import open_record
from remit.journal.events import (
    ApprovalGiven,
    ApprovalRequested,
    CallJudged,
    Event,
    ToolCompleted,
)
from remit.journal.record import Body
from remit.journal.rows import RunRow
from remit.machine.agent import Agent
from remit.machine.spec import ToolSpec
from remit.machine.state import CallState, State
from remit.ports import Store

# Answers whose place is kept at hand; what was forgotten is looked for.
_MOST = 10_000
# Newest runs of a tenant that are looked through: more would be a load while things fail anyhow.
_RUNS = 100
_MISSED_MS = 60_000  # what was not found is not looked for again so soon

V = TypeVar("V")
Key = tuple[str, str, str]
"""(tenant, user or empty, digest of the call): the digest covers the contract and the arguments."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, as it stands in the journal."""

    text: str
    time_ms: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    run: str
    version: int
    call: str


@dataclass(slots=True)
class LastGood:
    """Where the last good answers of one process's runs stand; others are looked for."""

    _places: OrderedDict[Key, _Place] = field(default_factory=OrderedDict)
    _missed: OrderedDict[Key, int] = field(default_factory=OrderedDict)

    def hear(self, agent: Agent[object], before: State, version: int, body: Body) -> None:
        """Remember the good answers in a record; `before` is the state that they came to."""
        for event in body.events:
            if not _is_good(event):
                continue
            call = before.find(event.call)
            if call is not None and call.spec is not None and call.spec.last_good_ms:
                key = _key(agent, before, call, call.spec, call.digest)
                place = _Place(before.run, version, event.call)
                _remember(self._places, key, place)
                self._missed.pop(key, None)

    async def find(
        self, store: Store, agent: Agent[object], state: State, call: CallState, now_ms: int
    ) -> Answer | None:
        """The last good answer to this call, if it is not too old.

        It is the same user's, unless the tool cannot know whose call it is. Raises `StoreError`.
        """
        spec = call.spec
        if spec is None or not spec.last_good_ms:
            return None
        key = _key(agent, state, call, spec, call.proposed_digest)
        oldest_ms = now_ms - spec.last_good_ms
        place = self._places.get(key)
        found = None if place is None else await _read(store, state.tenant, place)
        if found is None and now_ms - self._missed.get(key, 0) >= _MISSED_MS:
            found = await self._search(store, state.tenant, key, spec.name, oldest_ms)
            if found is None:
                _remember(self._missed, key, now_ms)
        return found if found is not None and found.time_ms >= oldest_ms else None

    async def _search(
        self, store: Store, tenant: str, key: Key, tool: str, oldest_ms: int
    ) -> Answer | None:
        best: Answer | None = None
        for row in await store.runs(tenant, limit=_RUNS):
            if not _may_hold(row, key, oldest_ms if best is None else best.time_ms):
                continue
            place = await _newest(store, row, tool, key[2])
            found = None if place is None else await _read(store, tenant, place)
            if (
                place is not None
                and found is not None
                and (best is None or found.time_ms > best.time_ms)
            ):
                best = found
                _remember(self._places, key, place)
        return best


def _key(agent: Agent[object], state: State, call: CallState, spec: ToolSpec, digest: str) -> Key:
    tool = agent.tool(call.tool)
    blind = tool is not None and tool.arguments.call_name is None and tool.depends is None
    shared = blind and not (spec.personal_data or spec.credential or spec.reveals)
    return (state.tenant, "" if shared else state.user, digest)


def _remember(rows: OrderedDict[Key, V], key: Key, value: V) -> None:
    rows[key] = value
    rows.move_to_end(key)
    while len(rows) > _MOST:
        rows.popitem(last=False)


def _is_good(event: Event) -> TypeGuard[ToolCompleted]:
    return (
        isinstance(event, ToolCompleted)
        and event.age_ms is None
        and not event.recorded_only
        and not any(each.word == "withheld" for each in event.hooks)
    )


def _may_hold(row: RunRow, key: Key, oldest_ms: int) -> bool:
    return row.updated_ms >= oldest_ms and key[1] in ("", row.user)


async def _newest(store: Store, row: RunRow, tool: str, digest: str) -> _Place | None:
    """The newest good answer to that call in one run."""
    found: _Place | None = None
    approvals: dict[str, str] = {}
    digests: dict[str, tuple[str, str]] = {}
    for record in await store.records(row.tenant, row.run):
        body = open_record(record)
        for event in () if body is None else body.events:
            match event:
                case CallJudged():
                    digests[event.call] = (event.tool, event.digest)
                case ApprovalRequested():
                    approvals[event.approval] = event.call
                    digests[event.call] = (event.tool, event.digest)
                case ApprovalGiven(arguments=str()):
                    call = approvals.get(event.approval, "")
                    digests[call] = (digests.get(call, ("", ""))[0], event.digest)
                case ToolCompleted():
                    if _is_good(event) and digests.get(event.call) == (tool, digest):
                        found = _Place(row.run, record.header.version, event.call)
                case _:
                    pass
    return found


async def _read(store: Store, tenant: str, place: _Place) -> Answer | None:
    """The answer at a place; None where it was erased."""
    for record in (await store.records(tenant, place.run, place.version - 1))[:1]:
        body = open_record(record)
        for event in () if body is None else body.events:
            if isinstance(event, ToolCompleted) and event.call == place.call:
                text: str = event.text
                if event.artifact is not None:
                    whole = await store.blob(tenant, event.artifact)
                    text = text if whole is None else whole.decode()
                return Answer(text, record.header.time_ms, event.labels)
    return None
