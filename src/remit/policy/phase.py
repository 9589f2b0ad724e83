"""How far an agent is trusted: off, shadow, supervised, autonomous."""

from typing import Literal, get_args

Phase = Literal["off", "shadow", "supervised", "autonomous"]
"""off: nothing runs; shadow: writes are only recorded; supervised: each write asks a human;
autonomous: low-risk writes follow the rules, high-risk ones always ask a human."""

_ORDER: tuple[Phase, ...] = get_args(Phase)


def least(first: Phase, second: Phase) -> Phase:
    """The phase of less trust."""
    return min(first, second, key=_ORDER.index)
