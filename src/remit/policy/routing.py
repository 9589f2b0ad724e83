"""Which of an agent's models is asked: by weight, the healthy first, fallbacks last."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate

from pydantic import BaseModel, ConfigDict, Field

from remit.policy.breaker import Unwell
from remit.policy.limits import JITTER_SCALE


class Candidate(BaseModel):
    """A model and its share of the calls; 0 means only where every other one has failed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    weight: int = Field(default=1, ge=0)


def drawn(candidates: Sequence[Candidate], dice: int) -> str:
    """The model that `dice` (0 to `JITTER_SCALE`) falls on, each with its weight as its chance."""
    sums = list(accumulate(each.weight for each in candidates))
    if sums[-1] == 0:
        return candidates[0].model
    mark = min(dice, JITTER_SCALE - 1) * sums[-1] // JITTER_SCALE
    return candidates[bisect_right(sums, mark)].model


def ranked(
    candidates: Sequence[Candidate],
    dice: int,
    *,
    favourite: str = "",
    health: Mapping[str, Unwell] | None = None,
    lost: Collection[str] = (),
) -> tuple[str, ...]:
    """All models that may be asked, the first choice first.

    `favourite` is the one that answered last: a conversation stays with it (its cache is warm, its
    signed reasoning is worth nothing elsewhere). `health` names breakers that are not closed; what
    is open comes last, for there may be nothing else. `lost` are models that cannot answer at all
    (retired, wrong key) and are left out.
    """
    known = health or {}
    left = [each for each in candidates if each.model not in lost]
    if not left:
        return ()
    first = favourite if any(each.model == favourite for each in left) else drawn(left, dice)

    def rank(each: Candidate) -> tuple[bool, bool, int]:
        return known.get(each.model) == "open", each.model != first, -each.weight

    return tuple(each.model for each in sorted(left, key=rank))
