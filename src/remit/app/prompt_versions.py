"""The prompts that runs of an agent were started with, read from the journal, newest first."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from remit.errors import IntegrityError, NotFound, StoreCorrupt
from remit.journal.rows import RunRow
from remit.ports import Store
from remit.runtime.reader import Reader

_VERSIONS = 20  # prompts shown; older ones are in the journal
_DECLARATIONS = 200  # whose models are looked up: more than anybody deploys between two looks
_PAGE = 1_000  # rows of one look into the store
_PAGES = 10  # looks for an agent's runs: ten thousand runs of all agents


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersion:
    """Instructions that runs were started with."""

    digest: str
    """Of the declaration they stand in, the newest with them."""
    text_digest: str
    """Of the text alone: the same in every declaration with it."""
    name: str
    text: str
    model: str
    """The first model of that declaration."""
    first_ms: int
    last_ms: int
    runs: int


async def rows_of(store: Store, tenant: str | None, agent: str) -> list[RunRow]:
    """The newest runs of an agent, sub-runs too; `tenant=None`: of all tenants."""
    found: list[RunRow] = []
    before: str | None = None
    for _ in range(_PAGES):
        rows = await store.runs(tenant, before=before, limit=_PAGE)
        found += [row for row in rows if row.agent == agent]
        if len(rows) < _PAGE:
            break
        before = rows[-1].run
    return found


async def prompts(reader: Reader, rows: Iterable[RunRow]) -> tuple[PromptVersion, ...]:
    """The instructions of these runs, the newest first; runs with equal ones are one version."""
    found: dict[str, PromptVersion] = {}
    for row in rows:
        try:
            spec = await reader.spec(row.tenant, row.spec)
        except (IntegrityError, NotFound, StoreCorrupt):
            continue  # erased or damaged: `remit verify` tells of it
        known = found.get(spec.instructions)
        if known is None and len(found) == _VERSIONS:
            continue
        found[spec.instructions] = PromptVersion(
            digest=row.spec if known is None else known.digest,
            text_digest=spec.prompt_digest,
            name=spec.prompt if known is None else known.name,
            text=spec.instructions,
            model=spec.model if known is None else known.model,
            first_ms=row.created_ms,
            last_ms=row.created_ms if known is None else known.last_ms,
            runs=1 if known is None else known.runs + 1,
        )
    return tuple(found.values())


async def models(reader: Reader, rows: Iterable[RunRow]) -> tuple[str, ...]:
    """The models that these runs were declared with, the newest first."""
    found: dict[str, None] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        key = (row.tenant, row.spec)
        if key in seen or len(seen) == _DECLARATIONS:
            continue
        seen.add(key)
        with suppress(IntegrityError, NotFound, StoreCorrupt):  # erased or damaged
            spec = await reader.spec(row.tenant, row.spec)
            found |= dict.fromkeys(each.model for each in spec.candidates)
    return tuple(found)
