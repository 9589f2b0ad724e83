"""Continuation analytics: what each answer was made of, and what came of every token of it.

An answer may take several model calls: cut ones that were dropped for a larger limit, and parts
that were continued. The tokens of all of them are those of the ledger, call by call.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from remit.journal.events import (
    ContinuationAsked,
    ModelCompleted,
    ModelRequested,
    OutputEscalated,
    RunStopping,
)
from remit.projections.timeline import Pair, timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One model call's share in an answer."""

    call: str
    tokens: int
    """Output tokens, as billed."""
    limit: int
    """The output limit it was asked under."""
    kept: bool
    """False: it was cut and dropped, and asked for again under a larger limit."""


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer of a model, from its first call to its last."""

    tenant: str
    run: str
    pieces: list[Piece] = field(default_factory=list)
    stopped: str = ""
    """Why it was not continued: `output-limit`, `diminishing-returns`; empty where it is whole."""

    @property
    def tokens(self) -> int:
        """All output tokens that were billed for it."""
        return sum(piece.tokens for piece in self.pieces)

    @property
    def kept_tokens(self) -> int:
        """Those that are in the answer."""
        return sum(piece.tokens for piece in self.pieces if piece.kept)

    @property
    def continuations(self) -> int:
        """How often it was continued."""
        return max(0, sum(piece.kept for piece in self.pieces) - 1)

    @property
    def escalations(self) -> int:
        """How often its limit was raised."""
        return sum(not piece.kept for piece in self.pieces)


@dataclass(slots=True)
class _Run:
    limit: int = 0
    open: Answer | None = None
    goes_on: bool = False


def answers(pairs: Iterable[Pair]) -> list[Answer]:
    """Every answer of these records, in the order of their first calls."""
    runs: dict[tuple[str, str], _Run] = {}
    found: list[Answer] = []
    for told in timeline(pairs):
        header, event = told.header, told.event
        run = runs.setdefault((header.tenant, header.run), _Run())
        match event:
            case ModelRequested():
                run.limit = event.max_output_tokens
            case ModelCompleted():
                if run.open is None or not run.goes_on:
                    run.open = Answer(tenant=header.tenant, run=header.run)
                    found.append(run.open)
                run.goes_on = False
                run.open.pieces.append(_piece(event, run.limit))
            case OutputEscalated() if run.open is not None:
                run.goes_on = True
                _drop(run.open.pieces)
            case ContinuationAsked():
                run.goes_on = True
            case RunStopping() if run.open is not None and event.reason in _SHORT:
                run.open.stopped = event.reason
            case _:
                pass
    return found


_SHORT = ("output-limit", "diminishing-returns")


def _piece(event: ModelCompleted, limit: int) -> Piece:
    return Piece(call=event.call, tokens=event.usage.output, limit=limit, kept=True)


def _drop(pieces: list[Piece]) -> None:
    last = pieces[-1]
    pieces[-1] = Piece(call=last.call, tokens=last.tokens, limit=last.limit, kept=False)


def lengthened(found: Sequence[Answer]) -> list[Answer]:
    """The answers that took more than one call, or were stopped short: those worth a look."""
    return [each for each in found if len(each.pieces) > 1 or each.stopped]
