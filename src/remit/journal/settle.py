"""Settle an append's posts and holds against the balances of the accounts they touch, all or none.

The three stores differ in how they lock and write; what a hold may do is decided here, once.
Posts are entered first, so that an outcome makes room for the next call in the same append; holds
are then checked together against what is left, account by account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from remit.journal.events import BudgetWarned, CostAlerted
from remit.journal.rows import Balance, Crossed, Exceeded, Letter
from remit.journal.transfers import HoldLine, PostLine
from remit.values.account import is_alert, is_rate, limit_names, scope_of

# BUD-4: the soft warning comes at four fifths of a limit.
_WARN_NUMERATOR, _WARN_DENOMINATOR = 4, 5

HoldKey = tuple[str, str]
"""(hold, account): one hold may reserve on several accounts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One limited account as the store keeps it; `limit` is 0 until a hold names one."""

    posted: int = 0
    held: int = 0
    limit: int = 0
    warned: bool = False
    """Its `Crossed` was given, and no limit has been set since that its use is well below of."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the store writes: whole new values, nothing relative."""

    standings: Mapping[str, Standing]
    open_holds: Mapping[HoldKey, HoldLine | None]
    """Holds after the append; None where one was released."""
    crossed: tuple[Crossed, ...]


def touched_accounts(holds: Sequence[HoldLine], posts: Sequence[PostLine]) -> list[str]:
    """The accounts to read (and lock, in this order) before `settle`."""
    return sorted({line.account for line in holds} | {line.account for line in posts})


def touched_holds(holds: Sequence[HoldLine], posts: Sequence[PostLine]) -> list[HoldKey]:
    """The open holds to read before `settle`."""
    held = {(line.hold, line.account) for line in holds}
    return sorted(held | {(line.hold, line.account) for line in posts})


def touched_limits(holds: Sequence[HoldLine]) -> list[str]:
    """The names under which an operator may have set a limit that these holds must keep.

    The limits of one run are its own and nobody sets them later; rates are declared.
    """
    names = (line.account for line in holds)
    shared = (name for name in names if scope_of(name) != "run" and not is_rate(name))
    return sorted({name for account in shared for name in limit_names(account)})


def limit_of(account: str, declared: int, set_limits: Mapping[str, int]) -> int:
    """The limit in force: what an operator set for the holder, else for each, else the declared."""
    for name in limit_names(account):
        if name in set_limits:
            return set_limits[name]
    return declared


def settle(
    holds: Sequence[HoldLine],
    posts: Sequence[PostLine],
    standings: Mapping[str, Standing],
    open_holds: Mapping[HoldKey, HoldLine],
    set_limits: Mapping[str, int] | None = None,
) -> Settled | Exceeded:
    """The accounts after an append, or `Exceeded` if a hold does not fit.

    `standings` and `open_holds` are what the store knows of the touched ones, `set_limits` what
    operators set (see `touched_limits`). The balances of `Exceeded` are those its holds were
    checked against: the append's own posts are entered.
    """
    if set_limits:
        holds = [
            replace(line, limit=limit_of(line.account, line.limit, set_limits)) for line in holds
        ]
    accounts = {name: standings.get(name, Standing()) for name in touched_accounts(holds, posts)}
    after: dict[HoldKey, HoldLine | None] = {
        key: open_holds[key] for key in touched_holds(holds, posts) if key in open_holds
    }
    opened_here = {(line.hold, line.account) for line in holds} - after.keys()
    early = [line for line in posts if (line.hold, line.account) not in opened_here]
    late = [line for line in posts if (line.hold, line.account) in opened_here]
    _post(early, accounts, after)
    refused = _hold(holds, accounts, after)
    if refused is not None:
        return refused
    _post(late, accounts, after)
    crossed = _cross(accounts)
    return Settled(accounts, after, tuple(crossed))


def _post(
    lines: Sequence[PostLine],
    accounts: dict[str, Standing],
    open_holds: dict[HoldKey, HoldLine | None],
) -> None:
    for line in lines:
        key = (line.hold, line.account)
        hold = open_holds.get(key)
        was = accounts[line.account]
        released = 0
        if hold is not None:
            released = hold.amount
            open_holds[key] = None
        accounts[line.account] = replace(
            was, posted=was.posted + line.amount, held=was.held - released
        )


def _hold(
    lines: Sequence[HoldLine],
    accounts: dict[str, Standing],
    open_holds: dict[HoldKey, HoldLine | None],
) -> Exceeded | None:
    before = dict(accounts)
    for line in lines:
        key = (line.hold, line.account)
        was = accounts[line.account]
        warned = was.warned
        if line.limit != was.limit and not is_near(line.account, was.posted, line.limit):
            warned = False
        accounts[line.account] = replace(
            was, held=was.held + line.amount, limit=line.limit, warned=warned
        )
        earlier = open_holds.get(key)
        amount = line.amount + (earlier.amount if earlier is not None else 0)
        open_holds[key] = replace(line, amount=amount)
    names = sorted({line.account for line in lines})
    if all(is_alert(name) or _fits(accounts[name]) for name in names):
        return None
    return Exceeded(
        tuple(
            Balance(name, before[name].posted, before[name].held, accounts[name].limit)
            for name in names
            if not is_alert(name)
        )
    )


def _fits(now: Standing) -> bool:
    return now.posted + now.held <= now.limit


def is_near(account: str, posted: int, limit: int) -> bool:
    """Whether somebody is to be told: at four fifths of a limit, at the whole of an alert."""
    if is_alert(account):
        return posted >= limit
    return posted * _WARN_DENOMINATOR >= limit * _WARN_NUMERATOR


def _cross(accounts: dict[str, Standing]) -> list[Crossed]:
    crossed = []
    for name, now in accounts.items():
        if is_rate(name):
            continue  # it fills up again and again, as it should
        if now.limit > 0 and not now.warned and is_near(name, now.posted, now.limit):
            accounts[name] = replace(now, warned=True)
            crossed.append(Crossed(name, now.posted, now.limit))
    return crossed


def crossed_letter(run: str, crossed: Crossed, time_ms: int) -> Letter:
    """The letter that tells `run` of a crossing, so that it outlives a crash."""
    told = CostAlerted if is_alert(crossed.account) else BudgetWarned
    warning = told(account=crossed.account, used=crossed.used, limit=crossed.limit)
    return Letter(
        run=run,
        key=f"crossed:{crossed.account}:{crossed.limit}",
        kind="crossed",
        body=warning.model_dump_json(exclude_defaults=True).encode(),
        time_ms=time_ms,
    )
