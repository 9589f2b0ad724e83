"""Opens the journal that a command is about, and finds runs by shortened ids."""

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from remit.app.access import Access
from remit.app.channels import make_roster
from remit.app.config import Settings, read_settings
from remit.app.desk import Desk
from remit.app.keyring import Keyring, open_keys
from remit.app.lazy import SystemDice, WallClock
from remit.app.load import make_store, sqlite_path
from remit.app.secrets import make_secrets
from remit.app.speaking import Speakers
from remit.cli.options import Options
from remit.errors import ConfigError, NotFound, UsageError
from remit.journal.rows import RunRow
from remit.machine.state import State
from remit.policy.redact import Redactor
from remit.policy.secret_scan import SecretRules
from remit.ports import Store
from remit.runtime.books import Books
from remit.runtime.reader import Reader

T = TypeVar("T")
# Newest runs looked through for an id's ending; the beginning of an id finds any run.
_LOOKED_THROUGH = 10_000
_PAGE = 1_000
_NEXT = " "  # an id with this behind it sorts right after the id
_AFTER_ALL = "\x7f"  # sorts behind every character of an id


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """An open journal with what people and auditors need; it drives no runs."""

    settings: Settings
    store: Store
    keys: Keyring
    reader: Reader
    desk: Desk
    access: Access


def settings_of(options: Options) -> Settings:
    """The settings, with the journal that the command names."""
    return read_settings(url=options.db, variables=dict(os.environ))


@asynccontextmanager
async def open_journal(options: Options, *, make: bool = False) -> AsyncIterator[Journal]:
    """The journal of a command that reads it, or writes letters, switches and books.

    Raises `ConfigError` when there is none: looking does not make one, unless it is to be made.
    """
    settings = settings_of(options)
    if settings.url.startswith("memory:"):
        raise ConfigError(f"a journal in memory ({settings.url}) cannot be read by a command")
    is_file = settings.url.startswith("sqlite:")
    if is_file and not make and not sqlite_path(settings.url).is_file():
        raise ConfigError(
            f"there is no journal at {sqlite_path(settings.url)}: name one with --db or REMIT_URL, "
            "or make one with `remit run` or `remit demo`"
        )
    keys = open_keys(settings, dict(os.environ))
    store = make_store(settings.url)
    await store.open()
    try:
        reader = Reader(store)

        @cache
        def rules() -> SecretRules:  # read only by commands that write what a person said
            return make_secrets(settings, os.environ, keys.texts).rules()

        def redactor(tenant: str) -> Redactor:
            def placeholder(kind: str, secret: str) -> str:
                return keys.vault.placeholder(tenant, kind, secret)

            return Redactor(placeholder, rules())

        clock, dice = WallClock(), SystemDice()
        books = Books(store, clock, dice, keys.signer)
        desk = Desk(
            store=store,
            reader=reader,
            clock=clock,
            dice=dice,
            redactor=redactor,
            vault=keys.vault,
            speakers=Speakers(
                roster=make_roster(settings, {}),
                books=books,
                clock=clock,
                redactor=redactor,
            ),
        )
        access = Access(store=store, books=books, clock=clock, dice=dice, redactor=redactor)
        yield Journal(
            settings=settings, store=store, keys=keys, reader=reader, desk=desk, access=access
        )
    finally:
        await store.close()


async def find_run(store: Store, options: Options, given: str) -> RunRow:
    """The one run whose id begins or ends with `given`.

    Raises `NotFound` for none, `UsageError` for several.
    """
    given = given.partition(":")[0]  # the id of an approval begins with its run's
    if not given:
        raise UsageError("an empty id names no run")
    exact = await store.runs(options.tenant, before=given + _NEXT, limit=1)
    if exact and exact[0].run == given:
        return exact[0]
    newest = await store.runs(options.tenant, before=given + _AFTER_ALL, limit=_PAGE)
    # Sub-runs begin as their root does; what is meant is the root.
    found = [row for row in newest if row.run.startswith(given) and row.parent is None]
    if not found:
        found = await _ending(store, options, given)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(row.run for row in found[:5]))
        raise UsageError(f"{given!r} means several runs: {names}; give more of the id")
    whose = f" of tenant {options.tenant}" if options.tenant else ""
    raise NotFound(f"there is no run {given!r}{whose}; `remit runs` lists them")


async def _ending(store: Store, options: Options, given: str) -> list[RunRow]:
    found: list[RunRow] = []
    before: str | None = None
    wanted = given.casefold()
    for _ in range(_LOOKED_THROUGH // _PAGE):
        rows = await store.runs(options.tenant, before=before, limit=_PAGE)
        found += [row for row in rows if row.run.casefold().endswith(wanted)]
        if len(rows) < _PAGE:
            break
        before = rows[-1].run
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that has not ended, as it stands."""

    row: RunRow
    state: State


async def waiting(journal: Journal, options: Options) -> list[Waiting]:
    """Runs that have not ended, oldest first."""
    rows = await journal.desk.living(options.tenant)
    return [Waiting(row, (await journal.reader.past(row)).state) for row in reversed(rows)]


def the_one(given: str, what: str, known: Mapping[str, T]) -> T:
    """The value whose key begins or ends with `given`, or is of the run that ends so.

    Raises `NotFound` for none, `UsageError` for several.
    """
    if given in known:
        return known[given]
    wanted = given.casefold()
    found = [
        key
        for key in known
        if key.casefold().startswith(wanted)
        or key.casefold().endswith(wanted)
        or key.partition(":")[0].casefold().endswith(wanted)
    ]
    if len(found) == 1 and wanted:
        return known[found[0]]
    if found:
        names = ", ".join(sorted(found)[:5])
        raise UsageError(f"{given!r} means several: {names}; give more of the id")
    raise NotFound(f"there is no {what} {given!r}: answered, expired or unknown")


# 40 random bits: no clash among the runs of one journal, in practice.
_SHORT = 8


def short(name: str) -> str:
    """The end of a run's id that people type, with the calls of a sub-run or an approval."""
    root = re.split(r"[.:]", name, maxsplit=1)[0]
    return root[-_SHORT:] + name[len(root) :]
