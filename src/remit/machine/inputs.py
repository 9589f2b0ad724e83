"""What a decision is made from: one thing that happened, and a snapshot of the world."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from remit.journal.events import Event, HookAnswered
from remit.journal.rows import Blob
from remit.policy.breaker import Unwell
from remit.values.preview import Previewed

Kind = Literal["start", "recover", "outcome", "letter", "wake"]
"""start: a new run; recover: taken over from a dead driver; outcome: of something released;
letter: from the inbox; wake: only time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the tool itself says about one exact call, before anything is decided.

    `digest` covers the tool's contract, the validated arguments, what the call depends on and what
    its preview shows.
    """

    call: str
    arguments: str = ""
    digest: str = ""
    resources: tuple[str, ...] = ()
    error: str | None = None
    """Why the arguments are not valid, for the model to mend."""
    preview: Previewed | None = None
    """What it would do, where its tool tells that."""
    whole: Blob | None = None
    """All of the preview, where an event carries the beginning of it."""
    unseen: str = ""
    """Why its tool cannot tell what it would do: then nobody can agree to it."""
    hooked: tuple[HookAnswered, ...] = ()
    """What hooks said of the call, where they did not let it go on as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One thing that happened: `fact` says what, `inspections` what the tools say of its calls."""

    kind: Kind
    fact: Event | None = None
    inspections: Mapping[str, Inspection] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Facts of the world at one instant; the journal keeps those that were used."""

    now_ms: int
    jitter: int = 500_000
    off: frozenset[str] = frozenset()
    """Targets switched off that concern this run."""
    stale_switches: bool = False
    """The switches could not be read within their second: new effects are refused."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """What each account still affords, after the store refused this decision's holds."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Limits that operators set since the run started, of the accounts in `refused`."""
    health: Mapping[str, Unwell] = field(default_factory=dict)
    """Breakers that are not closed, of the run's models and (as `tool:name`) tools."""
    since: Mapping[str, int] = field(default_factory=dict)
    """Since when those of them that are open have not worked."""
    last_try: bool = False
    """The store refused often enough: do not reserve again."""
