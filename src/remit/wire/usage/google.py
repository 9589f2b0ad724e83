"""Google's report: rows of the Cloud Billing export, from BigQuery or from an exported file.

Form: "Structure of Standard data export" in Google's documentation of Cloud Billing. A row is an
hour or so of one SKU: `usage.amount` in `usage.unit`, `cost` before `credits`, all in `currency`.
The export names models only in the words of a SKU; see `google_sku`.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import cast

from remit.errors import ProviderError
from remit.values.money import NANO_PER_USD, format_usd
from remit.values.statement import (
    DAY,
    TOKENS,
    UNCACHED,
    CostLine,
    Statement,
    TokenLine,
    day_of,
)
from remit.wire.failure import rfc3339_ms
from remit.wire.jsontext import Json, Number, quote, record
from remit.wire.node import Node
from remit.wire.usage.amounts import any_amount, decimal_text, nano_of
from remit.wire.usage.google_sku import describe, read_sku

PROVIDER = "google"
SOURCE = "google-billing-export"
SERVICES = ("Gemini API", "Vertex AI", "Generative Language API")
"""Services in whose rows models are billed, by their descriptions."""

# Units that tokens are counted in; others (hours, bytes, months) are no tokens.
_COUNTED = frozenset({"count", "requests", "tokens", "token", ""})
MAX_ROWS = 1_000_000  # a year of hourly rows of a hundred SKUs


def statement(rows: Iterable[Node], day: date) -> Statement:
    """The day's statement from export rows of any days and services.

    Raises `ProviderError` (`malformed`) naming row and field for anything that cannot be read.
    """
    tokens: dict[tuple[str, str], int] = {}
    costs: dict[tuple[str, str], int] = {}
    newest, credited = 0, 0
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise row.fail(f"more than {MAX_ROWS} rows: export one day at a time")
        newest = max(newest, _instant(row, "export_time") or 0)
        if not _counts(row, day):
            continue
        _add(row, tokens, costs)
        credited += _credits(row)
    shown = format_usd(credited)
    return Statement(
        provider=PROVIDER,
        source=SOURCE,
        day=day,
        tokens=tuple(
            TokenLine(model=model, token_class=name, tokens=count)
            for (model, name), count in sorted(tokens.items())
        ),
        costs=tuple(
            CostLine(model=model, item=item, nano=nano)
            for (model, item), nano in sorted(costs.items())
        ),
        refreshed_ms=newest or None,
        notes=(f"credits of {shown} are not compared: the ledger knows none",) if credited else (),
    )


def _counts(row: Node, day: date) -> bool:
    """Whether a row belongs to this day and to a service with models."""
    at = _instant(row, "usage_start_time")
    if at is None:
        raise row.get("usage_start_time").fail("Input should be an RFC 3339 time")
    service = row.get("service").get("description").text()
    return day_of(at) == day and service in SERVICES


def _add(row: Node, tokens: dict[tuple[str, str], int], costs: dict[tuple[str, str], int]) -> None:
    words = row.get("sku").get("description").text()
    sku = read_sku(words)
    known = sku.token_class is not None
    item = TOKENS if known else words
    amount = _amount(row, needed=known)
    if amount is not None:
        key = (sku.model, sku.token_class or words)
        tokens[key] = tokens.get(key, 0) + amount
    currency = row.get("currency")
    if currency.text() != "USD":
        raise currency.fail(f"Input should be 'USD', not {currency.text()!r}")
    key = (sku.model, item)
    costs[key] = costs.get(key, 0) + any_amount(row.get("cost"), NANO_PER_USD)


def _credits(row: Node) -> int:
    found = row.find("credits")
    if found is None:
        return 0
    if isinstance(found.value, str):  # a column of CSV, summed by whoever exported it
        return any_amount(found, NANO_PER_USD)
    return sum(any_amount(each.get("amount"), NANO_PER_USD) for each in found.items())


def _amount(row: Node, *, needed: bool) -> int | None:
    """Whole tokens of a row, None where the unit counts something else.

    The export writes counts as floating numbers: `1234.0`.
    """
    usage = row.get("usage")
    found = usage.find("unit")
    unit = "" if found is None else found.text()
    if unit not in _COUNTED:
        if needed:
            raise usage.get("unit").fail(f"Input should be 'count', not {unit!r}")
        return None
    node = usage.get("amount")
    text = node.value.lexeme if isinstance(node.value, Number) else node.text()
    scaled = nano_of(text, NANO_PER_USD)
    if scaled is None or scaled % NANO_PER_USD or scaled < 0:
        raise node.fail("Input should be a whole number of tokens")
    return scaled // NANO_PER_USD


def _instant(row: Node, name: str) -> int | None:
    """A time as BigQuery writes it: `2026-11-19 05:00:00 UTC` or RFC 3339."""
    found = row.find(name)
    if found is None:
        return None
    text = found.text().replace(" UTC", "+00:00")
    at = rfc3339_ms(text)
    if at is None:
        raise found.fail("Input should be a time such as 2026-11-19T05:00:00Z")
    return at


# ---------------------------------------------------------------- files


def rows_of_text(text: str, about: str) -> Iterator[Node]:
    """The rows of an exported file: JSON lines, or CSV with dotted column names.

    `about` names the file. Raises `ProviderError` naming the line and the field.
    """
    first = text.lstrip()[:1]
    if first in {"{", "["}:
        yield from _json_rows(text, about)
    else:
        yield from _csv_rows(text, about)


def _json_rows(text: str, about: str) -> Iterator[Node]:
    if text.lstrip().startswith("["):
        yield from Node.of(text, kind="malformed", about=f"{about}: ").items()
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield Node.of(line, kind="malformed", about=f"{about}, line {number}: ")


def _csv_rows(text: str, about: str) -> Iterator[Node]:
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        names = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
        if not names or len(set(names)) < len(names) or _overlap(names):
            raise ProviderError(
                f"{about}: the first line should name each column once", kind="malformed"
            )
        for cells in reader:
            where = f"{about}, line {reader.line_num}: "
            if len(cells) != len(names):
                raise ProviderError(
                    f"{where}{len(cells)} values for {len(names)} columns", kind="malformed"
                )
            yield Node(_nested(dict(zip(names, cells, strict=True))), "malformed", where)
    except csv.Error as exc:
        raise ProviderError(f"{about}, line {reader.line_num}: {exc}", kind="malformed") from None


def _overlap(names: list[str]) -> bool:
    """One column stands for what others take apart, as `usage` beside `usage.amount`."""
    return any(other.startswith(f"{name}.") for name in names for other in names)


def _nested(cells: Mapping[str, str]) -> Json:
    """`{"sku.description": …}` as `{"sku": {"description": …}}`; empty cells are left out."""
    root: dict[str, Json] = {}
    for name, text in cells.items():
        if not text.strip():
            continue
        place = root
        *above, last = name.split(".")
        for step in above:
            place = cast("dict[str, Json]", place.setdefault(step, {}))
        place[last] = text
    return root


# ---------------------------------------------------------------- the other direction


def encode(lines: Iterable[TokenLine], costs: Iterable[CostLine], day: date) -> str:
    """An export of one day as JSON lines: a row for each line."""
    rows = [
        _row(describe(line.model, line.token_class), str(line.tokens), "0", day) for line in lines
    ]
    for cost in costs:
        usd = decimal_text(cost.nano, NANO_PER_USD)
        known = cost.item == TOKENS
        words = describe(cost.model, UNCACHED) if known else cost.item
        rows.append(_row(words, "0", usd, day))
    return "".join(f"{row}\n" for row in rows)


def _row(words: str, amount: str, usd: str, day: date) -> str:
    return record(
        {
            "service": record({"description": quote(SERVICES[0])}),
            "sku": record({"description": quote(words)}),
            "usage_start_time": quote(f"{day.isoformat()}T00:00:00Z"),
            "export_time": quote(f"{(day + DAY).isoformat()}T06:00:00Z"),
            "cost": usd,
            "currency": '"USD"',
            "usage": record({"amount": amount, "unit": '"count"'}),
            "credits": "[]",
        }
    )
