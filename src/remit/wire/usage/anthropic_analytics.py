"""Anthropic's newer reports: analytics/usage and analytics/cost (beta of 2026-08-24).

Form: the types `BetaAnalyticsUsageItem` and `BetaAnalyticsCostItem` of the official SDK. Rows are
flat, `limit` counts rows, `amount` is a decimal text in cents after discounts.
"""

from remit.values.statement import DAY, TOKENS, CostLine, TokenLine
from remit.wire.anthropic.errors import decode_error, encode_error
from remit.wire.failure import rfc3339, rfc3339_ms
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node
from remit.wire.usage.anthropic_rows import (
    BASE_URL,
    KEY_VARIABLE,
    headers,
    model_of,
    or_null,
    read_cost,
    read_tokens,
    write_cents,
    write_tokens,
)
from remit.wire.usage.report import (
    Page,
    Query,
    Report,
    Source,
    Want,
    bad,
    by_model,
    check_day,
    one_of,
    read_day,
    read_next,
    rfc3339_start,
    values_of,
)

BETA = "analytics-usage-cost-2026-08-24"
_ABOUT = "the analytics usage of anthropic: "
_COST_ABOUT = "the analytics cost of anthropic: "
_MAX_ROWS = "1000"  # of a page: the API's own limit


def _ask(groups: tuple[str, ...], want: Want) -> Query:
    found = [
        ("starting_at", rfc3339_start(want.day)),
        ("ending_at", rfc3339_start(want.day + DAY)),
        ("time_bucket_width", "1d"),
        *(("group_by[]", group) for group in groups),
        ("limit", _MAX_ROWS),
        *(("api_key_ids[]", key) for key in want.keys),
    ]
    return (*found, *([("page", want.page)] if want.page else []))


def _want_of(query: Query) -> Want:
    day = read_day(one_of(query, "starting_at"))
    if day is None or read_day(one_of(query, "ending_at")) != day + DAY:
        raise bad("starting_at, ending_at: this simulator reports one whole UTC day at a time")
    if "model" not in values_of(query, "group_by"):
        raise bad("group_by[]: this simulator groups by model")
    return Want(day=day, keys=values_of(query, "api_key_ids"), page=one_of(query, "page"))


def _refreshed(root: Node) -> int | None:
    found = root.find("data_refreshed_at")
    if found is None:
        return None
    at = rfc3339_ms(found.text())
    if at is None:
        raise found.fail("Input should be an RFC 3339 time")
    return at


def _decode_tokens(body: bytes, want: Want) -> Page:
    root = Node.of(body, kind="malformed", about=_ABOUT)
    lines: list[TokenLine] = []
    for row in root.get("data").items():
        check_day(row, want.day)
        lines.extend(read_tokens(model_of(row.get("group")), row.get("usage")))
    return Page(tokens=tuple(lines), next_page=read_next(root), refreshed_ms=_refreshed(root))


def _decode_costs(body: bytes, want: Want) -> Page:
    root = Node.of(body, kind="malformed", about=_COST_ABOUT)
    lines: list[CostLine] = []
    for row in root.get("data").items():
        check_day(row, want.day)
        group = row.get("group")
        item = group.find("cost_type")
        if item is not None and item.text() == TOKENS:
            item = None
        lines.append(read_cost(model_of(group), item, row.get("cost")))
    return Page(costs=tuple(lines), next_page=read_next(root), refreshed_ms=_refreshed(root))


def _items(rows: list[dict[str, str]], page: Page, want: Want) -> bytes:
    span = {
        "starting_at": quote(rfc3339_start(want.day)),
        "ending_at": quote(rfc3339_start(want.day + DAY)),
    }
    told = page.refreshed_ms
    return record(
        {
            "data": array(record(span | row) for row in rows),
            "has_more": "true" if page.next_page else "false",
            "next_page": or_null(page.next_page),
            "data_refreshed_at": "null" if told is None else quote(rfc3339(told)),
        }
    ).encode()


def _encode_tokens(page: Page, want: Want) -> bytes:
    rows = []
    for model, row in by_model(page.tokens).items():
        counts = write_tokens(row) | {"total_tokens": str(sum(row.values())), "requests": "null"}
        rows.append({"group": record({"model": or_null(model)}), "usage": record(counts)})
    return _items(rows, page, want)


def _encode_costs(page: Page, want: Want) -> bytes:
    return _items([_cost_row(line) for line in page.costs], page, want)


def _cost_row(line: CostLine) -> dict[str, str]:
    group = {"model": or_null(line.model), "cost_type": quote(line.item), "token_type": "null"}
    cost = {
        "amount": write_cents(line.nano),
        "list_amount": write_cents(line.nano),
        "currency": '"USD"',
        "requests": "null",
    }
    return {"group": record(group), "cost": record(cost)}


ANTHROPIC_ANALYTICS = Source(
    name="anthropic-analytics",
    provider="anthropic",
    key_variable=KEY_VARIABLE,
    base_url=BASE_URL,
    headers=lambda key: headers(key, BETA),
    tokens=Report(
        path="/v1/organizations/analytics/usage",
        ask=lambda want: _ask(("model",), want),
        want=_want_of,
        decode=_decode_tokens,
        encode=_encode_tokens,
    ),
    costs=Report(
        path="/v1/organizations/analytics/cost",
        ask=lambda want: _ask(("model", "cost_type"), want),
        want=_want_of,
        decode=_decode_costs,
        encode=_encode_costs,
    ),
    costs_by_key=True,
    encode_error=encode_error,
    decode_error=decode_error,
)
