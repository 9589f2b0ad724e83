"""Looks through every method of a store, as each tenant, for anything that is another tenant's."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from remit.errors import NotFound
from remit.journal.codec import open_record
from remit.journal.events import Hold, ModelRequested
from remit.journal.record import Record
from remit.journal.rows import Blob, Letter, VaultRow
from remit.journal.transfers import transfers
from remit.ports import Store
from remit.runtime.books import Books
from tests.adapters.store.chains import Chain
from tests.runtime.limits import limit_entry

LATER_MS = 2**50
_MANY = 10_000


@dataclass
class Tenancy:
    """A tenant with what is its own: ids and texts that nobody else may see."""

    name: str
    runs: list[str] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """A text that only this tenant has."""
        return f"mark-of-{self.name}"

    @property
    def account(self) -> str:
        """An account that only this tenant has."""
        return f"label:{self.mark}|total|nano"

    @property
    def signs(self) -> tuple[str, ...]:
        """What gives this tenant away."""
        return (self.mark, *self.runs)


async def furnish(store: Store, books: Books, tenant: Tenancy) -> None:
    """A run that holds something, and what no run writes: letters, a secret, a blob, a head."""
    run = f"run_of_{tenant.mark}"
    held = Hold(account=tenant.account, amount=1, limit=9 * 10**9)
    asked = ModelRequested(
        call="c1",
        model="m",
        messages=1,
        digest="d",
        max_output_tokens=1,
        input_bound=1,
        holds=(held,),
    )
    chain = Chain(run=run, tenant=tenant.name, session=run, facts=(asked,))
    holds, _ = transfers(run, chain.facts)
    await chain.write(store, holds=tuple(holds))
    tenant.runs.append(run)
    for run in tenant.runs:
        letter = Letter(
            run=run, key=f"k-{run}", kind="test", body=tenant.mark.encode(), time_ms=LATER_MS
        )
        secret = VaultRow("[secret:shared]", run, f"sealed {tenant.mark}".encode())
        await store.send(tenant.name, letter, (secret,))
    await store.put_blob(tenant.name, Blob("same digest", tenant.mark.encode()))
    await store.add_head(tenant.name, 1, f"head of {tenant.mark}".encode())
    await books.enter(tenant.name, f"label:{tenant.mark}", limit_entry(tenant.account))


def _shown(record: Record) -> str:
    body = open_record(record)
    return f"{record.header} {'' if body is None else body.model_dump_json()}"


Probe = Callable[[Store, str, Tenancy], Awaitable[object]]
"""What the tenant of this name is shown when it asks for what is this one's."""


async def _records(store: Store, asking: str, of: Tenancy) -> object:
    return [_shown(r) for run in of.runs for r in await store.records(asking, run)]


async def _feed(store: Store, asking: str, _: Tenancy) -> object:
    return [_shown(item.record) for item in await store.feed(tenant=asking, limit=_MANY)]


async def _of_runs(store: Store, method: str, asking: str, of: Tenancy) -> object:
    return [await getattr(store, method)(asking, run) for run in of.runs]


async def _runs(store: Store, asking: str, of: Tenancy) -> object:
    return [
        await store.runs(asking, limit=_MANY),
        await store.runs(asking, books=True, limit=_MANY),
        *[await store.runs(asking, session=f"s{n}", limit=_MANY) for n in range(len(of.runs))],
    ]


async def _claim(store: Store, asking: str, of: Tenancy) -> object:
    """Nobody wants the runs afterwards: the thief keeps them."""
    return [
        await store.claim(asking, run, owner="thief", now_ms=LATER_MS, lease_ms=_MANY)
        for run in of.runs
    ]


async def _renew(store: Store, asking: str, of: Tenancy) -> object:
    return [
        run
        for run in of.runs
        for epoch in range(1, 4)
        if await store.renew(asking, run, epoch=epoch, lease_until_ms=LATER_MS)
    ]


async def _send(store: Store, asking: str, of: Tenancy) -> object:
    """Whoever can send a letter to a run has it."""
    found = []
    for run in of.runs:
        letter = Letter(run=run, key=f"from {asking}", kind="x", body=b"{}", time_ms=0)
        try:
            await store.send(asking, letter)
            found.append(run)
        except NotFound:
            pass
    return found


async def _waiting(store: Store, asking: str, of: Tenancy) -> object:
    return [run for run in of.runs if await store.waiting(asking, run, timeout_s=0)]


async def _leaves(store: Store, asking: str, _: Tenancy) -> object:
    """By the record that each hash is of."""
    hashes = set(await store.leaves(asking, 0, _MANY))
    return [_shown(i.record) for i in await store.feed(limit=_MANY) if i.record.hash in hashes]


PROBES: Mapping[str, Probe] = {
    "records": _records,
    "run": lambda s, asking, of: _of_runs(s, "run", asking, of),
    "runs": _runs,
    "claim": _claim,
    "renew": _renew,
    "send": _send,
    "inbox": lambda s, asking, of: _of_runs(s, "inbox", asking, of),
    "waiting": _waiting,
    "balances": lambda s, asking, _: s.balances(asking, limit=_MANY),
    "limits": lambda s, asking, _: s.limits(asking, limit=_MANY),
    "open_holds": lambda s, asking, of: _of_runs(s, "open_holds", asking, of),
    "feed": _feed,
    "leaves": _leaves,
    "heads": lambda s, asking, _: s.heads(asking),
    "blob": lambda s, asking, _: s.blob(asking, "same digest"),
    "vault": lambda s, asking, _: s.vault(asking, "[secret:shared]"),
}
QUIET = frozenset({"release", "sequence", "add_head", "put_blob"})
"""Methods with a tenant that show nothing; what they write is seen by the others."""


def methods_with_a_tenant() -> set[str]:
    """Those of the port that take one."""
    return {
        name
        for name, method in inspect.getmembers(Store, inspect.isfunction)
        if "tenant" in inspect.signature(method).parameters
    }


async def faults(store: Store, tenants: Sequence[Tenancy]) -> list[str]:
    """Every method through which a tenant sees what is another's, or nobody what is its own."""
    found = []
    alive = set()
    for method, probe in PROBES.items():
        for of in tenants:
            own = repr(await probe(store, of.name, of))
            if any(sign in own for sign in of.signs):
                alive.add(method)
            for other in tenants:
                if other is of:
                    continue
                shown = repr(await probe(store, of.name, other))
                if any(sign in shown for sign in other.signs):
                    found.append(f"{method}: {of.name} sees what is {other.name}'s")
    return found + [f"{method}: nobody sees anything" for method in PROBES.keys() - alive]


class Leaky:
    """A store of which one method forgets whose it is: it looks in all tenants."""

    def __init__(self, store: Store, method: str, tenants: Sequence[Tenancy]) -> None:
        self._store = store
        self._method = method
        self._tenants = [tenant.name for tenant in tenants]

    def __getattr__(self, name: str) -> object:
        method = getattr(self._store, name)
        if name != self._method:
            return method

        async def forgetful(*args: object, **kwargs: object) -> object:
            if "tenant" not in kwargs and (not args or args[0] not in self._tenants):
                return await method(*args, **kwargs)  # an operator's question
            answers: list[object] = []
            for tenant in self._tenants:
                if "tenant" in kwargs:
                    given = await method(*args, **{**kwargs, "tenant": tenant})
                else:
                    try:
                        given = await method(tenant, *args[1:], **kwargs)
                    except NotFound:
                        continue
                answers.append(given)
            lists = [each for each in answers if isinstance(each, list)]
            if lists:
                return [row for rows in lists for row in rows]
            if not answers:
                raise NotFound("nobody has it")
            own = self._tenants.index(str(args[0])) if args and args[0] in self._tenants else 0
            others = [each for n, each in enumerate(answers) if n != own] + answers[own:][:1]
            return next((each for each in others if each), answers[0])

        return forgetful
