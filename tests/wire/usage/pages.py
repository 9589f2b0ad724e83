"""Pages of reports that tests and properties draw from."""

from datetime import date

from hypothesis import strategies as st

from remit.values.statement import (
    OUTPUT,
    READ,
    TOKENS,
    UNCACHED,
    WRITE,
    WRITE_1H,
    WRITE_5M,
    CostLine,
    TokenLine,
)
from remit.wire.usage.report import Page, Want

DAY = date(2026, 11, 19)
WANT = Want(day=DAY)

counts = st.integers(0, 10**12)
models = st.from_regex(r"[a-z]{1,9}(-[0-9.]{1,4}){0,2}", fullmatch=True)
tokens_pages = st.sampled_from(["", "page_MjAyNS0wNS0xNFQwMDowMDowMFo="])
nanos = st.integers(-(10**15), 10**15)


def rows(*classes: str) -> st.SearchStrategy[tuple[TokenLine, ...]]:
    """Every class of some models: what a report has in each of its rows."""
    row = st.tuples(*(counts for _ in classes))

    def lines(found: dict[str, tuple[int, ...]]) -> tuple[TokenLine, ...]:
        return tuple(
            TokenLine(model=model, token_class=name, tokens=count)
            for model, values in found.items()
            for name, count in zip(classes, values, strict=True)
        )

    return st.dictionaries(models, row, max_size=4).map(lines)


anthropic_rows = rows(UNCACHED, READ, WRITE_5M, WRITE_1H, OUTPUT)
openai_rows = rows(UNCACHED, READ, WRITE, OUTPUT)
costs = st.lists(
    st.builds(CostLine, model=models, item=st.sampled_from([TOKENS, "web_search"]), nano=nanos),
    max_size=5,
).map(tuple)


def usage_page(lines: tuple[TokenLine, ...], next_page: str = "") -> Page:
    return Page(tokens=lines, next_page=next_page)


def line(model: str, token_class: str, tokens: int) -> TokenLine:
    return TokenLine(model=model, token_class=token_class, tokens=tokens)
