"""Verify a journal: every chain, every row, the ledger, and the tree heads that others hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from remit.app.audit_ledger import Everybody, TrialBalance, tenants_of_ledger
from remit.app.audit_run import RunAudit, audit_run
from remit.app.verification import Damage, KnownHead, Verification
from remit.errors import ChainBroken, StoreCorrupt
from remit.journal.record import GENESIS
from remit.journal.rows import RunRow
from remit.journal.seal import (
    GrowingTree,
    TreeHead,
    check_consistency,
    consistency_proof,
    public_key,
    read_head,
    sign_head,
)
from remit.policy.book import is_book
from remit.ports import Store
from remit.runtime.reader import Reader
from remit.values.account import OPERATOR

# Leaves and rows read at a time: enough to keep the store busy, little to hold.
_LEAVES = 100_000
_ROWS = 1_000
# One head is kept for each verified size; more than this are not read back in one go.
_HEADS = 1_000_000
# Damages that are written out for one tenant; what follows is more of the same.
_TOLD = 100


def known_head(text: str, where: str, key: bytes | None = None) -> KnownHead:
    """A head as it was kept: signed JSON, or `SIZE:ROOT` as it is printed after a run.

    With `key` signed JSON must be signed by it. Raises `ChainBroken` when it is neither.
    """
    size, colon, root = text.strip().partition(":")
    if colon and size.isdigit():
        try:
            return KnownHead(tenant=None, size=int(size), root=bytes.fromhex(root), where=where)
        except ValueError as exc:
            raise ChainBroken(f"{where}: SIZE:ROOT, but its root is not hexadecimal") from exc
    trusted = None if key is None else [public_key(key)]
    try:
        head = read_head(text.strip().encode(), trusted=trusted)
    except ChainBroken as exc:
        raise ChainBroken(f"{where}: {exc}") from exc
    return KnownHead(tenant=head.tenant, size=head.size, root=head.root, where=where)


async def sign_new_head(
    store: Store, key: bytes, tenant: str, now_ms: int
) -> tuple[TreeHead, bytes] | None:
    """Sign and store the head of a tenant's journal as it stands; None while it is empty.

    Raises `ChainBroken` when the newest stored head does not fit: nothing is signed over damage.
    """
    size = await store.sequence(tenant)
    if size == 0:
        return None
    stored = await store.heads(tenant, 1)
    tree, old = GrowingTree(), None
    if stored:
        old = read_head(stored[0][1], trusted=[public_key(key)])
    leaves = await read_leaves(store, tenant, size)
    if old is not None:
        tree.extend(leaves[: old.size])
        if old.size > len(leaves) or tree.root() != old.root:
            raise ChainBroken(f"{tenant}: the journal does not fit its newest head: remit verify")
    tree.extend(leaves[tree.size :])
    head = TreeHead(tenant=tenant, size=tree.size, root=tree.root(), time_ms=now_ms)
    signed = sign_head(head, key)
    await store.add_head(tenant, head.size, signed)
    return head, signed


async def read_leaves(store: Store, tenant: str, end: int, start: int = 0) -> list[bytes]:
    """The record hashes from leaf `start` to below `end`. Raises `StoreCorrupt`."""
    found: list[bytes] = []
    for first in range(start, end, _LEAVES):
        found += await store.leaves(tenant, first, min(end, first + _LEAVES))
    if not all(isinstance(leaf, bytes) for leaf in found):
        raise StoreCorrupt(f"{tenant}: the hash of a record is no longer one")
    return found


async def verify_journal(
    store: Store,
    key: bytes,
    macs: Mapping[str, bytes],
    *,
    tenants: Iterable[str] = (),
    heads: Sequence[KnownHead] = (),
    now_ms: int,
) -> list[Verification]:
    """Check everything the journal says about these tenants, or about every tenant it knows.

    A tenant without damage gets a new signed head. Raises a `StoreError` when the journal cannot
    be read at all.
    """
    chosen = sorted(set(tenants))
    everybody = Everybody(whole=not chosen)
    if not chosen:
        named = {head.tenant for head in heads if head.tenant is not None}
        rows = {row.tenant for row in await read_rows(store, None)}
        known = {*rows, *named, *await tenants_of_ledger(store), _LOCAL}
        # The operator's accounts are drawn on by all tenants: they are checked at the end.
        chosen = [*sorted(known - {OPERATOR}), OPERATOR]
    found = []
    for tenant in chosen:
        mine = [head for head in heads if head.tenant in (None, tenant)]
        check = _Check(store, Reader(store), key, dict(macs), tenant, everybody)
        found.append(await check.verify(mine, now_ms))
    return [each for each in found if each.size or each.damages] or found[:1]


# What reading rows of another type than any store writes may raise, besides the store's own word.
_UNREADABLE = (StoreCorrupt, TypeError, ValueError, KeyError, IndexError, AttributeError)
_LOCAL = "local"  # looked at even when no row names it: its rows may have been removed


async def read_rows(store: Store, tenant: str | None) -> list[RunRow]:
    """All rows: runs, then books, each newest first."""
    rows: list[RunRow] = []
    for books in (False, True):
        before: str | None = None
        while page := await store.runs(tenant, before=before, limit=_ROWS, books=books):
            rows += page
            before = page[-1].run
    return rows


@dataclass(slots=True)
class _Check:
    """The check of one tenant."""

    store: Store
    reader: Reader
    key: bytes
    macs: dict[str, bytes]
    tenant: str
    everybody: Everybody
    damages: list[Damage] = field(default_factory=list)
    audits: list[RunAudit] = field(default_factory=list)

    def _damage(self, what: str, run: str = "", version: int | None = None) -> None:
        self.damages.append(Damage(tenant=self.tenant, run=run, version=version, what=what))

    async def verify(self, given: Sequence[KnownHead], now_ms: int) -> Verification:
        # First the leaves, then the rows: what is written meanwhile is new, not damaged.
        size, leaves = await self._leaves()
        rows = await read_rows(self.store, self.tenant)
        for row in rows:
            audit = await audit_run(self.store, self.reader, self.macs, row)
            self.audits.append(audit)
            self.damages += audit.damages
        self._check_named({row.run for row in rows})
        await self._check_feed(leaves)
        await self._check_leaves(size, leaves)
        tree = GrowingTree(leaves)
        checked = await self._check_stored(leaves)
        proofs = tuple(self._check_given(head, tree, leaves) for head in given)
        if self.damages:
            self.everybody.whole = False
        else:
            await self._check_ledger(size)
        return Verification(
            tenant=self.tenant,
            runs=sum(not is_book(row.run) for row in rows),
            books=sum(is_book(row.run) for row in rows),
            records=sum(len(audit.hashes) for audit in self.audits),
            erased=sum(audit.erased for audit in self.audits),
            heads=checked + len(given),
            size=tree.size,
            root=tree.root(),
            head=await self._sign(tree, now_ms),
            proofs=tuple((head, proof) for head, proof in proofs if proof is not None),
            damages=tuple(self.damages[:_TOLD]),
        )

    async def _leaves(self) -> tuple[int, list[bytes]]:
        """How many records were numbered, and the hashes that are left of them."""
        try:
            size = await self.store.sequence(self.tenant)
            leaves = await read_leaves(self.store, self.tenant, size)
        except _UNREADABLE as exc:
            self._damage(f"the numbers of its records cannot be read: {exc}")
            return 0, []
        if len(leaves) != size:
            self._damage(f"{size} records were numbered, {len(leaves)} are left")
        if len(set(leaves)) != len(leaves):
            self._damage("a record stands in the feed twice")
        return size, leaves

    async def _check_feed(self, leaves: Sequence[bytes]) -> None:
        """The feed of all records says the same as the runs, in the order of the leaves."""
        known = {
            (audit.run, version): hash_
            for audit in self.audits
            for version, hash_ in enumerate(audit.hashes, start=1)
        }
        number = position = 0
        try:
            while number < len(leaves):
                items = await self.store.feed(position, tenant=self.tenant, limit=_ROWS)
                for item in items[: len(leaves) - number]:
                    record, header = item.record, item.record.header
                    before = known.get((header.run, header.version - 1), GENESIS)
                    own = known.get((header.run, header.version))
                    if (own, before) != (record.hash, record.previous):
                        what = "stands in the feed with another content"
                        self._damage(what, header.run, header.version)
                    if record.hash != leaves[number]:
                        self._damage("has another number in the tree", header.run, header.version)
                    number, position = number + 1, item.position
                if len(items) < _ROWS:
                    break
        except _UNREADABLE as exc:
            self._damage(f"the feed cannot be read: {exc}")
            return
        if number < len(leaves):
            self._damage(f"the feed has {number} records, the tree {len(leaves)}")

    def _check_named(self, runs: set[str]) -> None:
        """Every run that another run speaks of is there."""
        for audit in self.audits:
            for name, why in audit.names.items():
                if name not in runs:
                    self._damage(f"this run is missing: {why}", name)

    async def _check_leaves(self, size: int, leaves: Sequence[bytes]) -> None:
        """Chains and tree hold the same records, each run's in order."""
        places = {leaf: number for number, leaf in enumerate(leaves)}
        try:
            newer = await self.store.sequence(self.tenant)
            late = {*await read_leaves(self.store, self.tenant, newer, size)}
        except _UNREADABLE:
            late = set()  # told already: all of its records were read for `leaves`
        known: set[bytes] = set()
        for audit in self.audits:
            last = -1
            for version, hash_ in enumerate(audit.hashes, start=1):
                known.add(hash_)
                place = places.get(hash_)
                if place is None and hash_ not in late:
                    self._damage("is not in the tree of records", audit.run, version)
                elif place is not None and place < last:
                    self._damage("stands before an earlier record of its run", audit.run, version)
                last = max(last, -1 if place is None else place)
        for leaf, number in places.items():
            if leaf not in known:
                self._damage(f"record number {number} belongs to no run: removed or replaced")

    async def _check_stored(self, leaves: Sequence[bytes]) -> int:
        """The stored heads, smallest first, so that the first that fails bounds the place."""
        tree, sound = GrowingTree(), 0
        stored = sorted(await self.store.heads(self.tenant, _HEADS))
        for size, signed in stored:
            try:
                head = read_head(signed, trusted=[public_key(self.key)])
            except (ChainBroken, TypeError) as exc:
                self._damage(f"the stored head of {size} records: {exc}")
                continue
            if head.size != size or head.tenant != self.tenant:
                self._damage(f"the stored head of {size} records is one of another journal")
            elif size > len(leaves):
                self._damage(f"a stored head tells of {size} records, {len(leaves)} are left")
            else:
                tree.extend(leaves[tree.size : size])
                if tree.root() != head.root:
                    self._damage(f"the records from {sound} to {size} are not those of the head")
                    break
                sound = size
        return len(stored)

    def _check_given(
        self, head: KnownHead, tree: GrowingTree, leaves: Sequence[bytes]
    ) -> tuple[KnownHead, tuple[bytes, ...] | None]:
        if head.size > tree.size:
            tail = f"tells of {head.size} records, and the journal has {tree.size}"
            self._damage(f"{head.where} {tail}: its tail was cut off")
            return head, None
        try:
            proof = consistency_proof(leaves, head.size)
            check_consistency(head.size, head.root, tree.size, tree.root(), proof)
        except ChainBroken as exc:
            self._damage(f"{head.where} does not fit this journal: {exc}")
            return head, None
        return head, tuple(proof)

    async def _check_ledger(self, size: int) -> None:
        """The trial balance; not of a journal in which something was erased or written just now."""
        count = sum(len(audit.hashes) for audit in self.audits)
        self.everybody.records += count
        trial = TrialBalance(self.store, self.tenant, self.audits)
        try:
            await trial.read()
        except _UNREADABLE as exc:
            self._damage(f"its accounts cannot be read: {exc}")
            return
        if self.tenant == OPERATOR and self.everybody.whole:
            written = sum(row.version for row in await read_rows(self.store, None))
            self.everybody.whole = written == self.everybody.records
        still = await self.store.sequence(self.tenant) == size == count
        if not still or any(audit.erased for audit in self.audits):
            self.everybody.whole = False
            return
        for run, what in trial.faults(self.everybody):
            self._damage(what, run)

    async def _sign(self, tree: GrowingTree, now_ms: int) -> bytes | None:
        if self.damages or tree.size == 0:
            return None
        head = TreeHead(tenant=self.tenant, size=tree.size, root=tree.root(), time_ms=now_ms)
        signed = sign_head(head, self.key)
        await self.store.add_head(self.tenant, tree.size, signed)
        return signed
