"""What a model call may cost at most, and what a budget still affords."""

from collections.abc import Iterable, Mapping

from remit.journal.events import AccountLimit, Hold, Post
from remit.values.account import dated, unit_of
from remit.values.money import TOKENS_PER_PRICE
from remit.values.price import ModelPrice
from remit.values.usage import Usage
from remit.values.windows import UTC, Calendar

# Below this an answer is cut before it says anything of use; better to refuse.
OUTPUT_FLOOR_TOKENS = 256
# Plain, cached and stored input are each rounded up to a nano-dollar, a bound of them only once.
_ROUNDING_NANO = 2


def amount_of(account: str, nano: int, tokens: int, calls: int = 1) -> int:
    """The part of a cost that an account counts."""
    return {"nano": nano, "tokens": tokens, "calls": calls}[unit_of(account)]


def worst_case(price: ModelPrice, input_bound: int, output: int) -> int:
    """Nano-dollars that no call within these bounds can exceed."""
    return price.worst_case(input_bound, output) + _ROUNDING_NANO


def open_accounts(
    accounts: Iterable[AccountLimit], now_ms: int, calendar: Calendar = UTC
) -> tuple[AccountLimit, ...]:
    """The accounts of the windows that are open now; a hold settles in the window it opened in."""
    return tuple(
        limit.model_copy(update={"account": dated(limit.account, now_ms, calendar)})
        for limit in accounts
    )


def holds_for(
    accounts: Iterable[AccountLimit], price: ModelPrice, input_bound: int, output: int
) -> tuple[Hold, ...]:
    """One hold per account for the worst case of a call."""
    nano = worst_case(price, input_bound, output)
    tokens = input_bound + output
    return tuple(
        Hold(account=a.account, amount=amount_of(a.account, nano, tokens), limit=a.limit)
        for a in accounts
    )


def posts_for(holds: Iterable[Hold], price: ModelPrice, usage: Usage) -> tuple[Post, ...]:
    """One post per hold for real usage."""
    nano = price.cost(usage)
    return tuple(
        Post(account=h.account, amount=amount_of(h.account, nano, usage.total)) for h in holds
    )


def posts_in_full(holds: Iterable[Hold]) -> tuple[Post, ...]:
    """Posts of the whole hold: for a call of which nobody knows whether it happened."""
    return tuple(Post(account=h.account, amount=h.amount) for h in holds)


def voids(holds: Iterable[Hold]) -> tuple[Post, ...]:
    """Posts of nothing: the call did not happen, its holds are released."""
    return tuple(Post(account=h.account, amount=0) for h in holds)


def affordable_output(
    available: Mapping[str, int], price: ModelPrice, input_bound: int, wanted: int
) -> int:
    """The largest output limit, at most `wanted`, whose worst case fits every balance.

    `available` maps accounts to what may still be held; 0 or less when not even the input fits.
    """
    best = wanted
    for account, room in available.items():
        if unit_of(account) == "tokens":
            fits = room - input_bound
        elif unit_of(account) == "calls":
            fits = wanted if room > 0 else 0
        else:
            left = room - worst_case(price, input_bound, 0)
            rate = price.dearest_output(input_bound)
            if left < 0:
                fits = 0
            elif rate == 0:
                fits = wanted
            else:
                fits = left * TOKENS_PER_PRICE // rate
        best = min(best, fits)
    return best
