"""The API of proof: whether the journal is what was written."""

import asyncio
from typing import Annotated

from pydantic import StringConstraints

from remit.app.audit import known_head
from remit.app.verification import Verification
from remit.errors import ChainBroken, RequestRefused
from remit.server.api.shapes import Shape
from remit.server.route import Ask, Nothing, api

_MAX_HEADS = 20
Head = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}:[0-9a-f]{64}$")]
"""`SIZE:ROOT`, as it is printed after each run and kept outside."""


class VerifyBody(Shape):
    """Heads that were kept outside; the journal must contain them."""

    heads: tuple[Head, ...] = ()


class DamageView(Shape):
    """Something that is not as it was written."""

    run: str
    version: int | None
    what: str


class TenantProof(Shape):
    """What was found for one tenant."""

    tenant: str
    sound: bool
    runs: int
    books: int
    records: int
    erased: int
    head: str
    """`SIZE:ROOT` of the tree of records: keep it outside."""
    damages: tuple[DamageView, ...]


class Proof(Shape):
    """Whether the journal is what was written."""

    sound: bool
    tenants: tuple[TenantProof, ...]


async def verify_the_journal(ask: Ask[Nothing, VerifyBody]) -> Proof:
    """Check every record, row, account and head of a tenant, or with `?tenant=*` of all."""
    if len(ask.body.heads) > _MAX_HEADS:
        raise RequestRefused(
            f"{len(ask.body.heads)} heads", status=422, remedy=f"send at most {_MAX_HEADS}"
        )
    lock: asyncio.Lock = ask.request.app.state.verifying
    if lock.locked():
        raise RequestRefused(
            "the journal is being verified already",
            status=429,
            remedy="wait for that; large journals are verified by `remit verify`",
            headers={"retry-after": "10"},
        )
    async with lock:
        try:
            heads = [known_head(text, "the given head") for text in ask.body.heads]
        except ChainBroken as exc:
            raise RequestRefused(str(exc), status=422, remedy="send SIZE:ROOT") from exc
        tenants = () if ask.tenants is None else (ask.tenants,)
        found = await ask.app.verify(tenants=tenants, heads=heads)
    return Proof(
        sound=not any(each.damages for each in found), tenants=tuple(_proof(each) for each in found)
    )


def _proof(each: Verification) -> TenantProof:
    return TenantProof(
        tenant=each.tenant,
        sound=not each.damages,
        runs=each.runs,
        books=each.books,
        records=each.records,
        erased=each.erased,
        head=f"{each.size}:{each.root.hex()}",
        damages=tuple(
            DamageView(run=found.run, version=found.version, what=found.what)
            for found in each.damages
        ),
    )


ROUTES = (
    api(
        "POST",
        "/api/v1/verify",
        verify_the_journal,
        needs="operator",
        tenant="any",
        body=VerifyBody,
        gives=Proof,
    ),
)
