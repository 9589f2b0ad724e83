"""Names of limited accounts: who, over which window, in which unit.

A limit is declared for a window of a kind, `user:ann|day|nano`; what is spent stands on the account
of one such window, `user:ann|day:2026-11-21|nano`. The tenant stands beside the name; the accounts
of scope `global` belong to `OPERATOR`, in whichever tenant a run draws on them.

The accounts of rates (`rate:send_mail,ann|minute|calls`) count calls of tools; they are no budgets.
"""

from typing import Literal, get_args

from remit.values.windows import UTC, Calendar, ShortKind, WindowKind

Unit = Literal["nano", "tokens", "calls"]
"""Nano-dollars, tokens in and out, or calls: of models, and of tools where a rate counts them."""
Scope = Literal["run", "session", "user", "agent", "tenant", "global", "label"]
Window = Literal["total", "hour", "day", "month", "alert"]
"""`alert` counts as `total` does and never refuses: at its limit somebody is told."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
WINDOWS: tuple[WindowKind, ...] = get_args(WindowKind)
_DATED: tuple[WindowKind | ShortKind, ...] = (*WINDOWS, *get_args(ShortKind))
_RATE, _GLOBAL_RATE = "rate", "global-rate"
_EVERYWHERE = ("global", _GLOBAL_RATE)

OWN = "."
"""In a run's own events the run names itself so: its id would be stored with every call."""

EVERYONE = "*"
"""In place of a name: a limit for each user, each agent … that has none of its own."""

OPERATOR = "*"
"""The tenant of what belongs to no tenant; no tenant can be named so."""

WORLD = "all"
"""The name of the one holder of scope `global`."""


def account(scope: Scope, name: str, unit: Unit, window: Window = "total") -> str:
    """The account of `name`, for example `run:run_01J…|total|nano`."""
    return f"{scope}:{name}|{window}|{unit}"


def rate_account(what: str, window: WindowKind | ShortKind, *, everywhere: bool) -> str:
    """The account of a rate that counts calls of `what`; `everywhere`: of all tenants together."""
    return f"{_GLOBAL_RATE if everywhere else _RATE}:{what}|{window}|calls"


def is_rate(name: str) -> bool:
    """It counts calls of tools for a rate: it makes calls wait, and nobody is warned of it."""
    return scope_of(name) in (_RATE, _GLOBAL_RATE)


def resolve(name: str, run: str) -> str:
    """The full name of an account that stands in the events of `run`."""
    return name.replace(f"run:{OWN}|", f"run:{run}|", 1)


def own_name(name: str, run: str) -> str:
    """The name that the events of `run` have for an account: the reverse of `resolve`."""
    return name.replace(f"run:{run}|", f"run:{OWN}|", 1)


def unit_of(name: str) -> str:
    """The unit an account counts in: `nano` (nano-dollars), `tokens` or `calls`."""
    return name.rpartition("|")[2]


def scope_of(name: str) -> str:
    """The scope an account belongs to, such as `run` or `session`."""
    return name.partition(":")[0]


def holder_of(name: str) -> str:
    """Whose account it is: `user:ann`."""
    return name.partition("|")[0]


def window_of(name: str) -> str:
    """The kind of an account's window: `day`, of `user:ann|day:2026-11-21|nano`."""
    return name.split("|")[1].partition(":")[0]


def is_alert(name: str) -> bool:
    """Its limit only tells; it never refuses."""
    return "|alert|" in name


def keeper(tenant: str, name: str) -> str:
    """The tenant under which a store keeps an account that a run of `tenant` draws on."""
    return OPERATOR if scope_of(name) in _EVERYWHERE else tenant


def dated(name: str, now_ms: int, calendar: Calendar) -> str:
    """The account of the window that is open now; windows of scope `global` are those of UTC."""
    holder, window, unit = name.split("|")
    for kind in _DATED:
        if window == kind:
            open_now = _zone(name, calendar).window(kind, now_ms)
            return f"{holder}|{kind}:{open_now}|{unit}"
    return name


def resets_ms(name: str, now_ms: int, calendar: Calendar) -> int | None:
    """When the next window of an account begins; None where there is none."""
    for kind in _DATED:
        if window_of(name) == kind:
            return _zone(name, calendar).ends_ms(kind, now_ms)
    return None


def _zone(name: str, calendar: Calendar) -> Calendar:
    return UTC if scope_of(name) in _EVERYWHERE else calendar


def undated(name: str) -> str:
    """The account a limit is declared for, from that of one window."""
    holder, window, unit = name.split("|")
    return f"{holder}|{window.partition(':')[0]}|{unit}"


def limit_names(name: str) -> tuple[str, str]:
    """Where the limit of an account may be set: for its holder, else for each of its scope."""
    own = undated(name)
    return own, f"{scope_of(own)}:{EVERYONE}|{own.partition('|')[2]}"
