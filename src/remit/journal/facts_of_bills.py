"""Facts about bills: what a provider reports, compared with the ledger, and what follows."""

from typing import Literal

from remit.journal.fact import Fact, Post
from remit.values.clean import Clean
from remit.values.tag import tag
from remit.values.usage import Usage


class ReconciledLine(Fact):
    """One model and token class, or its money, that is not the same on both sides."""

    model: Clean
    what: Clean
    unit: Literal["tokens", "nano"]
    here: int
    there: int
    state: Literal["missing_here", "missing_there", "differing"]
    why: str = ""
    """What explains it; then nobody must look at it."""


class ReconciliationFinished(Fact):
    """A day of a provider's report was compared with the ledger.

    It stands in the book of this provider's bills: the operator's, or a tenant's where the tenant
    was compared alone.
    """

    type: Literal["ReconciliationFinished"] = tag("ReconciliationFinished")
    provider: str
    source: str
    day: str
    """UTC, as `2026-11-19`."""
    closed: bool
    """False: provisional, rows may still have come after this."""
    keys: tuple[str, ...] = ()
    """The provider's ids of the API keys it was limited to; none: the whole organization."""
    matched: int = 0
    missing_here: int = 0
    missing_there: int = 0
    differing: int = 0
    beyond: int = 0
    """Lines beyond tolerance that nothing explains."""
    lines: tuple[ReconciledLine, ...] = ()
    """Those that do not match; the first of them where there are too many."""
    hints: tuple[Clean, ...] = ()


class ReconciliationFailed(Fact):
    """A closed day could not be compared; it is tried again every hour."""

    type: Literal["ReconciliationFailed"] = tag("ReconciliationFailed")
    provider: str
    day: str
    kind: str
    """A `FailureKind` of the provider, or the name of the error."""
    detail: Clean


class AssumptionCorrected(Fact):
    """A provider's report shows what a call in doubt was billed at; this adds the difference.

    It stands in the book of the call's tenant. The assumed post is never edited.
    """

    type: Literal["AssumptionCorrected"] = tag("AssumptionCorrected")
    provider: str
    day: str
    run: str
    call: str
    attempt: int = 1
    model: str
    """As it was asked for, with the provider's prefix."""
    assumed: int
    """Nano-dollars that were posted."""
    billed: int
    """Nano-dollars the provider billed; 0: it billed nothing."""
    usage: Usage = Usage()
    posts: tuple[Post, ...] = ()
    """What is added to the accounts the call was posted on, by their full names."""
