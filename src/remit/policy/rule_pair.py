"""Two sets of rules over one call: what they share is asked where a rule of one alone matched."""

from collections.abc import Sequence

from remit.policy.matching import Ready
from remit.policy.permission import Question, Rules, Verdict, rank, verdict_of
from remit.policy.phase import Phase
from remit.policy.predicate import Seen
from remit.policy.rule import Rule


class RulePair:
    """Two sets, old and new, split into what they share and what each has alone.

    A verdict is that of the strictest rule that matches. So where nothing matches that one set has
    alone, both decide by the strictest they share, whichever that is: nobody need look for it.
    """

    __slots__ = ("_new", "_old", "_shared")

    def __init__(self, old: Sequence[Rule], new: Sequence[Rule]) -> None:
        shared = {_what(rule) for rule in old} & {_what(rule) for rule in new}
        self._shared = Rules(rule for rule in new if _what(rule) in shared)
        self._old = Rules(rule for rule in old if _what(rule) not in shared)
        self._new = Rules(rule for rule in new if _what(rule) not in shared)

    def change(
        self, phase: Phase, question: Question, seen: Seen
    ) -> tuple[Verdict, Verdict] | None:
        """Both verdicts on a call; None where they come to the same.

        seen: the arguments of the call. Other words or another rule are no change: what may happen,
        and how many must agree, is.
        """
        old = self._old.deciding(phase, question, seen)
        new = self._new.deciding(phase, question, seen)
        if old is new is None:
            return None
        shared = self._shared.deciding(phase, question, seen)
        was = verdict_of(_stricter(shared, old), phase, question)
        now = verdict_of(_stricter(shared, new), phase, question)
        return None if (was.effect, was.needed) == (now.effect, now.needed) else (was, now)


def _what(rule: Rule) -> Rule:
    """What a rule says, wherever it stands and however it is tested."""
    return rule.model_copy(update={"source": "", "must_match": (), "must_not_match": ()})


def _stricter(one: Ready | None, other: Ready | None) -> Ready | None:
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda each: rank(each.rule))
