"""How templates write money, instants and durations: exact, and in UTC for the reader's zone."""

from datetime import UTC, datetime

from jinja2 import Environment
from markupsafe import Markup

from remit.values.money import format_amount, format_usd

_SPANS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_SHORT = 12  # characters of a digest that tell it from others of one page
_CENTS = 2


def money(nano: int) -> str:
    """Dollars, exact: `$1.50`, `$0.000003`."""
    return format_usd(nano, _CENTS)


def dollars(nano: int) -> str:
    """A plain decimal number of dollars, exactly: `1.5`, for charts."""
    return format_usd(nano, 0).replace("$", "")


def amount(number: int, unit: str) -> str:
    """What an account counts: dollars, tokens or calls."""
    return format_amount(unit, number)


def instant(ms: int) -> str:
    """An instant in UTC, to the second, as `<time datetime>` takes it."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(ms: int | None, shown: str = "") -> Markup | str:
    """A time element; scripts show it in the reader's zone, without them it is UTC.

    shown: empty for the instant, `ago` or `countdown` for the distance to it.
    """
    if ms is None:
        return "-"
    utc = instant(ms)
    plain = utc.replace("T", " ").replace("Z", " UTC")
    kind = Markup(' data-as="{}"').format(shown) if shown else ""
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(utc, plain, kind, plain)


def span(ms: int) -> str:
    """A duration in its two largest units: `2 h 5 min`."""
    for at, (size, word) in enumerate(_SPANS):
        if ms >= size:
            whole, rest = divmod(ms, size)
            below = _SPANS[at + 1] if at + 1 < len(_SPANS) else None
            if below is None or rest < below[0]:
                return f"{whole} {word}"
            return f"{whole} {word} {rest // below[0]} {below[1]}"
    return f"{ms} ms"


def short(text: str) -> str:
    """The beginning of a digest."""
    return text[:_SHORT]


def add_words(environment: Environment) -> None:
    """Make these filters known to templates."""
    environment.filters.update(
        money=money,
        dollars=dollars,
        amount=amount,
        moment=moment,
        span=span,
        short=short,
        instant=instant,
    )
