"""Which names of two lists mean the same model: dated versions, previews and their short forms."""

import re
from collections.abc import Collection, Mapping

# `-20251001`, `@20251001`, `-2025-08-07`, `-0613`, `-001`, `-latest`, `-preview`, `-preview-05-20`.
_TAIL = re.compile(
    r"(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2}|-\d{3,4}|-latest|-(?:preview|exp)(?:-[\d-]+)?)$", re.ASCII
)


def family(name: str) -> str:
    """The name without its date, release number or stage."""
    short = _TAIL.sub("", name)
    while short != name and short:
        name, short = short, _TAIL.sub("", short)
    return name


def same_names(left: Collection[str], right: Collection[str]) -> Mapping[str, str]:
    """For each name the one it is shown under; names that mean one model share it.

    A name that both lists know stays apart. Two dated versions are never the same: a provider
    that bills another version than the one that was used is something to be seen. Symmetric.
    """
    shown = {name: name for name in (*left, *right)}
    for mine, theirs in ((left, right), (right, left)):
        others = set(theirs)
        for name in sorted(set(mine) - others):
            twin = _twin(name, others)
            if twin is not None:
                _join(shown, name, twin)
    return shown


def _twin(name: str, others: Collection[str]) -> str | None:
    short = family(name)
    if short != name:
        return short if short in others else None
    dated = [other for other in others if family(other) == name]
    return dated[0] if len(dated) == 1 else None


def _join(shown: dict[str, str], one: str, other: str) -> None:
    """Show both groups under the shorter name."""
    best, worse = sorted((shown[one], shown[other]), key=lambda name: (len(name), name))
    for name, now in shown.items():
        if now == worse:
            shown[name] = best
