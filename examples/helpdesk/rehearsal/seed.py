"""Makes the shop's database, always alike: the tickets' customers, and others by seeded dice."""

import random
import sqlite3
import tomllib
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from helpdesk.shop import SCHEMA
from rehearsal.cases import Bought, Case, cases

PHRASES = Path(__file__).with_name("phrases.toml")
TENANTS = {"aurora": "A", "bergtal": "B"}
"""The shops, and the letter that their numbers begin with."""
_SEED = 2026  # any; it must only stay the same
_OTHERS = 60  # customers of each shop who have not written
_FIRST = ("Ada", "Bo", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana", "Ivo", "Jo")
_LAST = ("Adler", "Boyd", "Costa", "Dupont", "Engel", "Fabre")
_GOODS = (("Lyra desk lamp", "49.90"), ("Ridge tent", "149.00"), ("Trail bottle", "22.00"))
_STATES = ("delivered", "delivered", "delivered", "shipped", "processing", "returned")


def seed(path: Path) -> None:
    """Make the database at `path`. Raises `FileExistsError` rather than touch one that is there."""
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    with closing(sqlite3.connect(path)) as base, base:
        base.executescript(SCHEMA.read_text(encoding="utf-8"))
        base.execute("PRAGMA journal_mode = WAL")
        _articles(base)
        customers: dict[tuple[str, str], str] = {}
        for case in cases():
            if case.customer:
                _customer(base, case, customers)
        for tenant, letter in TENANTS.items():
            _others(base, tenant, letter)


def phrases() -> Mapping[str, Mapping[str, str]]:
    """Sentences by occasion and language."""
    return tomllib.loads(PHRASES.read_text(encoding="utf-8"))


def _articles(base: sqlite3.Connection) -> None:
    for occasion, texts in phrases().items():
        if occasion.startswith("article-"):
            topic = occasion.removeprefix("article-")
            base.executemany(
                "INSERT INTO articles VALUES (?, ?, ?, ?)",
                [(tenant, topic, *text) for tenant in TENANTS for text in texts.items()],
            )


def _customer(base: sqlite3.Connection, case: Case, known: dict[tuple[str, str], str]) -> None:
    key = case.tenant, case.sender
    if key not in known:
        known[key] = f"C{len(known) + 1:04d}"
        base.execute(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            (case.tenant, known[key], case.name, case.sender),
        )
    for bought in case.orders:
        _order(base, case.tenant, known[key], bought)
    for number in range(case.past_refunds):
        past = f"{TENANTS[case.tenant]}9{case.id[-3:]}{number}"
        earlier = {"id": past, "ordered": "2026-06-01", "since": f"2026-0{number + 6}-20"}
        _order(base, case.tenant, known[key], case.orders[0].model_copy(update=earlier))
        base.execute(
            "INSERT INTO refunds (tenant, order_id, ticket, amount_cents, reason, agreed_by, key)"
            " VALUES (?, ?, '', ?, 'damaged', 'farah', ?)",
            (case.tenant, past, _cents(case.orders[0].payments[0]), f"past-{past}"),
        )


def _order(base: sqlite3.Connection, tenant: str, customer: str, bought: Bought) -> None:
    base.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)",
        (tenant, bought.id, customer, bought.ordered, bought.state, bought.since),
    )
    for line, (article, quantity, price) in enumerate(bought.items, start=1):
        base.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)",
            (tenant, bought.id, line, article, quantity, _cents(price)),
        )
    for number, paid in enumerate(bought.payments, start=1):
        base.execute(
            "INSERT INTO payments VALUES (?, ?, ?, ?, ?, 'card')",
            (tenant, bought.id, number, bought.ordered, _cents(paid)),
        )


def _others(base: sqlite3.Connection, tenant: str, letter: str) -> None:
    dice = random.Random(f"{_SEED}{tenant}")  # noqa: S311  # the same shop each time
    for number in range(_OTHERS):
        name = f"{dice.choice(_FIRST)} {dice.choice(_LAST)}"
        customer, mail = f"X{number:04d}", f"{name.lower().replace(' ', '.')}{number}@mail.example"
        base.execute("INSERT INTO customers VALUES (?, ?, ?, ?)", (tenant, customer, name, mail))
        article, price = dice.choice(_GOODS)
        bought = Bought(
            id=f"{letter}5{number:04d}",
            ordered="2026-09-01",
            state=dice.choice(_STATES),
            since=f"2026-09-{dice.randint(2, 28):02d}",
            items=((article, 1, price),),
            payments=(price,),
        )
        _order(base, tenant, customer, bought)


def _cents(amount: str) -> int:
    return int(Decimal(amount) * 100)
