"""Ways in which a simulated usage report is wrong, late, or cannot be had."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from remit.errors import ProviderError
from remit.simulator.usage_ledger import Billed
from remit.values.statement import token_classes

DistortionKind = Literal[
    "drop_call",
    "alter",
    "late",
    "unknown_model",
    "pages",
    "garbage",
    "rate_limited",
    "server_error",
    "absent",
]
DISTORTION_KINDS: tuple[DistortionKind, ...] = get_args(DistortionKind)
STRANGER = "claude-unheard-of-1"
"""The model that `unknown_model` adds where no other name is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distortion:
    """One thing that is wrong with the reports.

    `first` = n: only for the first n questions of a report, so that asking again helps.
    """

    kind: DistortionKind
    model: re.Pattern[str] | None = None
    """Only models in whose name this is found."""
    name: str = STRANGER
    what: str = "output"
    """Of `alter`: a token class, or `cost`."""
    add: int = 0
    """Tokens, or nano-dollars of `cost`; may be negative."""
    first: int | None = None
    retry_after_s: float | None = None
    path: re.Pattern[str] | None = None
    """Only reports in whose path this is found."""
    field: str = "output_tokens"
    """Of `garbage`: the member that becomes a word."""

    def applies(self, path: str, seen: int) -> bool:
        """Whether it does at the (`seen` + 1)-th question of the report at this path."""
        if self.first is not None and seen >= self.first:
            return False
        return self.path is None or self.path.search(path) is not None

    def _hits(self, model: str) -> bool:
        return self.model is None or self.model.search(model) is not None


def refusal(distortions: Sequence[Distortion]) -> ProviderError | None:
    """The error that a report is refused with, None if it is not."""
    for one in distortions:
        wait = None if one.retry_after_s is None else round(one.retry_after_s * 1000)
        if one.kind == "rate_limited":
            return ProviderError(
                "Number of requests has exceeded your rate limit",
                kind="rate_limited",
                retry_after_ms=wait,
            )
        if one.kind == "server_error":
            return ProviderError("Internal server error", kind="server")
        if one.kind == "absent":
            return ProviderError("Not found", kind="not_found")
    return None


def distorted(models: dict[str, Billed], distortions: Sequence[Distortion]) -> dict[str, Billed]:
    """The models as the report tells them."""
    told = {name: replace(row, tokens=dict(row.tokens)) for name, row in models.items()}
    for one in distortions:
        if one.kind == "unknown_model":
            told[one.name] = Billed(tokens={"uncached_input": 100, "output": 10}, nano=1_000_000)
        hit = [name for name in told if one._hits(name)]  # noqa: SLF001  its own module
        if one.kind == "late":
            for name in hit:
                del told[name]
        elif one.kind == "drop_call":
            for name in hit[:1]:
                _drop(told[name])
        elif one.kind == "alter":
            for name in hit:
                _alter(told[name], one)
    return {name: row for name, row in told.items() if any(row.tokens.values()) or row.nano}


def _drop(row: Billed) -> None:
    for name, count in token_classes(row.last).items():
        row.tokens[name] = row.tokens.get(name, 0) - count
    row.nano = None if row.nano is None else row.nano - row.last_nano
    row.calls -= 1


def _alter(row: Billed, one: Distortion) -> None:
    if one.what == "cost":
        row.nano = None if row.nano is None else row.nano + one.add
    else:
        row.tokens[one.what] = max(0, row.tokens.get(one.what, 0) + one.add)


def spoiled(body: bytes, distortions: Sequence[Distortion]) -> bytes:
    """The report with a word where a number should be."""
    for one in distortions:
        if one.kind == "garbage":
            pattern = re.compile(rb'("' + re.escape(one.field).encode() + rb'":)("?)[^,}"]*("?)')
            body = pattern.sub(rb'\1"many"', body)
    return body
