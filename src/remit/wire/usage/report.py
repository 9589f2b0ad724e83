"""The shape of a provider's usage and cost reports: a question by day, pages of lines, both ways.

The client asks with `Report.ask` and decodes pages; the simulator reads the question back with
`Report.want` and encodes them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from remit.errors import ProviderError
from remit.values.statement import DAY, CostLine, TokenLine
from remit.wire.codec import Failure
from remit.wire.failure import rfc3339_ms
from remit.wire.node import Node

Query = tuple[tuple[str, str], ...]
"""Names and values of a URL's query, in order; a list repeats its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What is asked of a report: one UTC day, of all or of some API keys."""

    day: date
    keys: tuple[str, ...] = ()
    """The provider's ids of API keys; none: the whole organization."""
    page: str = ""
    """What the last page gave for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a report."""

    tokens: tuple[TokenLine, ...] = ()
    costs: tuple[CostLine, ...] = ()
    next_page: str = ""
    """Empty: this was the last."""
    refreshed_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of one provider. Everything here is pure."""

    path: str
    ask: Callable[[Want], Query]
    want: Callable[[Query], Want]
    """Raises `ProviderError` (`bad_request`) in the provider's manner."""
    decode: Callable[[bytes, Want], Page]
    """Raises `ProviderError` (`malformed`) naming the field that is missing or makes no sense."""
    encode: Callable[[Page, Want], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The reports of one provider that are asked with one kind of key."""

    name: str
    provider: str
    key_variable: str
    base_url: str
    headers: Callable[[str], dict[str, str]]
    """The headers of a question, from the key."""
    tokens: Report
    costs: Report
    costs_by_key: bool
    """The cost report can be limited to some API keys."""
    encode_error: Callable[[ProviderError], Failure]
    decode_error: Callable[[int, Mapping[str, str], bytes, int], ProviderError]


def rfc3339_start(day: date) -> str:
    """The first instant of a day as reports write it."""
    return f"{day.isoformat()}T00:00:00Z"


def read_day(text: str) -> date | None:
    """The day that begins at this RFC 3339 instant, None if none does."""
    ms = rfc3339_ms(text)
    if ms is None:
        return None
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return at.date() if ms % (24 * 60 * 60 * 1000) == 0 else None


def check_day(node: Node, day: date) -> None:
    """A row's beginning is that of the day that was asked for. Raises `ProviderError`."""
    if read_day(node.get("starting_at").text()) != day:
        raise node.get("starting_at").fail(f"Input should be {rfc3339_start(day)}, as asked for")
    if read_day(node.get("ending_at").text()) != day + DAY:
        raise node.get("ending_at").fail(f"Input should be {rfc3339_start(day + DAY)}")


def read_next(root: Node) -> str:
    """What to ask the next page with, empty on the last one. Raises `ProviderError`."""
    if not root.get("has_more").boolean():
        return ""
    token = root.get("next_page").text()
    if not token:
        raise root.get("next_page").fail("Input should name the next page, since has_more is true")
    return token


def values_of(query: Query, name: str) -> tuple[str, ...]:
    """All values of a list in a query, with or without brackets."""
    return tuple(value for key, value in query if key in {name, f"{name}[]"})


def one_of(query: Query, name: str) -> str:
    """The value of a name in a query, empty if missing."""
    return next((value for key, value in query if key == name), "")


def bad(message: str) -> ProviderError:
    """The refusal of a question that makes no sense."""
    return ProviderError(message, kind="bad_request")


def by_model(lines: Iterable[TokenLine]) -> dict[str, dict[str, int]]:
    """Token lines as rows: by model, then by class."""
    rows: dict[str, dict[str, int]] = {}
    for line in lines:
        row = rows.setdefault(line.model, {})
        row[line.token_class] = row.get(line.token_class, 0) + line.tokens
    return rows
