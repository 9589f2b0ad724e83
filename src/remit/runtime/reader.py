"""Reads runs back: folds their records with the declarations and conversations they refer to."""

from collections import OrderedDict
from dataclasses import dataclass, field

from pydantic import ValidationError

from remit.errors import NotFound, StoreCorrupt
from remit.journal.codec import open_record
from remit.journal.events import RunStarted
from remit.journal.record import Body, Record
from remit.journal.rows import RunRow
from remit.machine.conversation import history_of
from remit.machine.evolve import fold
from remit.machine.plans import was_turned_away
from remit.machine.spec import AgentSpec
from remit.machine.state import State, begin
from remit.ports import Store
from remit.values.message import Message

# Declarations kept at hand: more than one process has agents.
_SPECS = 512
# Runs of one session that are read back for its conversation.
_SESSION_RUNS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run as its journal tells it."""

    row: RunRow
    state: State
    records: tuple[Record, ...]
    bodies: tuple[Body, ...]

    @property
    def last_hash(self) -> bytes:
        """The head of the run's chain."""
        return self.records[-1].hash

    @property
    def version(self) -> int:
        """The version of the last record."""
        return self.records[-1].header.version


@dataclass(slots=True)
class Reader:
    """Folds runs from a store; needs no agent's code."""

    store: Store
    _specs: OrderedDict[tuple[str, str], AgentSpec] = field(default_factory=OrderedDict)

    async def past_of(self, tenant: str, run: str) -> Past:
        """A run by its id. Raises `NotFound`."""
        row = await self.store.run(tenant, run)
        if row is None:
            raise NotFound(f"there is no run {run} of tenant {tenant}")
        return await self.past(row)

    async def past(self, row: RunRow) -> Past:
        """The run of a row, folded. Raises `IntegrityError` or `StoreCorrupt` when damaged."""
        records, bodies = await self._bodies(row.tenant, row.run)
        spec = await self.spec(row.tenant, row.spec)
        history = await self.history_before(row.tenant, bodies)
        state = fold(begin(row.tenant, row.run, spec, history), bodies)
        return Past(row=row, state=state, records=tuple(records), bodies=tuple(bodies))

    async def _bodies(self, tenant: str, run: str) -> tuple[list[Record], list[Body]]:
        records = await self.store.records(tenant, run)
        if not records:
            raise NotFound(f"there is no run {run} of tenant {tenant}")
        bodies = []
        for record in records:
            body = open_record(record)
            if body is None:
                raise NotFound(f"{run}: the content of record {record.header.version} was erased")
            bodies.append(body)
        return records, bodies

    async def history_before(self, tenant: str, bodies: list[Body]) -> tuple[Message, ...]:
        """The conversation that a run with these records continues; empty for a first run."""
        first = bodies[0].events[0]
        if not isinstance(first, RunStarted):
            raise StoreCorrupt("a run's journal does not begin with RunStarted")
        if first.continues is None:
            return ()
        return await self.history(tenant, first.continues)

    async def history(self, tenant: str, run: str) -> tuple[Message, ...]:
        """The conversation up to the end of `run`, earlier runs of its session included."""
        chain: list[tuple[str, str, list[Body]]] = []
        following: str | None = run
        while following is not None and len(chain) < _SESSION_RUNS:
            _, bodies = await self._bodies(tenant, following)
            first = bodies[0].events[0]
            if not isinstance(first, RunStarted):
                raise StoreCorrupt(f"{following}: its journal does not begin with RunStarted")
            chain.append((following, first.spec, bodies))
            following = first.continues
        messages: tuple[Message, ...] = ()
        for name, digest, bodies in reversed(chain):
            spec = await self.spec(tenant, digest)
            state = fold(begin(tenant, name, spec, messages), bodies)
            if not was_turned_away(state):
                messages = history_of(state)
        return messages

    async def spec(self, tenant: str, digest: str) -> AgentSpec:
        """A stored declaration by its digest. Raises `NotFound` or `StoreCorrupt`."""
        key = (tenant, digest)
        known = self._specs.get(key)
        if known is None:
            content = await self.store.blob(tenant, digest)
            if content is None:
                raise NotFound(f"the declaration {digest} of tenant {tenant} is not stored")
            try:
                known = AgentSpec.model_validate_json(content)
            except ValidationError as exc:
                raise StoreCorrupt(f"the stored declaration {digest} is none: {exc}") from exc
            if known.digest != digest:
                raise StoreCorrupt(f"the stored declaration {digest} was changed")
            self._specs[key] = known
            while len(self._specs) > _SPECS:
                self._specs.popitem(last=False)
        return known
