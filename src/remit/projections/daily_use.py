"""Tokens and cost per model of one UTC day, summed while records pass by in feed order."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from remit.journal.events import (
    AssumptionCorrected,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
)
from remit.journal.fact import Post
from remit.projections.timeline import Pair, Told, timeline
from remit.values.statement import TokenClass, day_of, token_classes
from remit.values.usage import Usage

# Calls whose answer has not passed yet: more than ever wait at once. Runs that were left for ever
# would else be kept for ever.
MAX_OPEN = 100_000
MAX_DOUBTS = 1_000  # calls in doubt of one day that are told one by one; the sums hold all

_NONE = Usage()

CallKey = tuple[str, str, str, int]
"""Tenant, run, call, attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A call of which nobody knew whether it was billed; it was posted at its worst case."""

    tenant: str
    run: str
    call: str
    attempt: int
    model: str
    """Without the provider's prefix."""
    asked: str
    """As it was asked for, with the prefix."""
    nano: int
    """What was posted."""
    input_bound: int
    output_bound: int
    posts: tuple[Post, ...] = ()


@dataclass(slots=True, kw_only=True)
class ModelUse:
    """What one model was used for on the day."""

    calls: int = 0
    """Settled by known usage."""
    tokens: dict[TokenClass, int] = field(default_factory=dict)
    nano: int = 0
    """Cost of these calls; what was assumed is not in it."""
    assumed_calls: int = 0
    assumed_nano: int = 0
    assumed_input: int = 0
    """Upper bound of the tokens that calls in doubt may have been billed for."""
    assumed_output: int = 0
    midnight_calls: int = 0
    """Calls under way at midnight: the provider may count them on the other day."""


@dataclass(slots=True, kw_only=True)
class DayUse:
    """Our side of a reconciliation."""

    day: date
    models: dict[str, ModelUse] = field(default_factory=dict)
    """By the provider's own name, without its prefix."""
    doubts: dict[CallKey, Doubt] = field(default_factory=dict)
    """Those that no correction has settled since."""
    unplaced: int = 0
    """Settled calls whose request could not be read: nobody can say of which model they were."""
    erased: int = 0
    """Records of these days whose content was erased: what they say of use is lost."""


class DailyUse:
    """Sums the calls of one provider that were settled on one day.

    Memory: one entry a call under way, and one a model. Feed it every record in feed order, or
    those from a day before to a day after.
    """

    def __init__(self, day: date, prefixes: Collection[str]) -> None:
        """`prefixes`: the provider's names in the ledger, as `anthropic`."""
        self.use = DayUse(day=day)
        self._prefixes = frozenset(prefixes)
        self._open: OrderedDict[CallKey, tuple[int, ModelRequested]] = OrderedDict()

    def add(self, pairs: Iterable[Pair]) -> None:
        """Take in the next records."""
        for told in timeline(pairs):
            event = told.event
            if isinstance(event, ModelRequested):
                self._open[_key(told, event)] = (told.time_ms, event)
                if len(self._open) > MAX_OPEN:
                    self._open.popitem(last=False)
            elif isinstance(event, ModelCompleted | ModelFailed):
                self._settled(told, event)
            elif isinstance(event, AssumptionCorrected):
                self._corrected(told, event)

    def _settled(self, told: Told, event: ModelCompleted | ModelFailed) -> None:
        began, request = self._open.pop(_key(told, event), (told.time_ms, None))
        today = day_of(told.time_ms) == self.use.day
        if not today and day_of(began) != self.use.day:
            return
        if request is None:
            self.use.unplaced += event.cost > 0
            return
        prefix, _, asked = request.model.partition(":")
        if prefix not in self._prefixes:
            return
        # The provider bills what answered, which an alias does not name.
        name = event.model if isinstance(event, ModelCompleted) and event.model else asked
        name = name.removeprefix(f"{prefix}:")
        billed = event.cost > 0 or event.usage is not None
        if not billed:
            return  # refused before anything was generated
        model = self.use.models.setdefault(name, ModelUse())
        model.midnight_calls += day_of(began) != day_of(told.time_ms)
        if today:
            self._add(model, name, told, request, event)

    def _add(
        self,
        model: ModelUse,
        name: str,
        told: Told,
        request: ModelRequested,
        event: ModelCompleted | ModelFailed,
    ) -> None:
        if isinstance(event, ModelFailed) and event.assumed:
            model.assumed_calls += 1
            model.assumed_nano += event.cost
            model.assumed_input += request.input_bound
            model.assumed_output += request.max_output_tokens
            if len(self.use.doubts) < MAX_DOUBTS:
                self.use.doubts[_key(told, event)] = _doubt(name, told, request, event)
            return
        model.calls += 1
        model.nano += event.cost
        _count(model, event.usage or _NONE)

    def _corrected(self, told: Told, event: AssumptionCorrected) -> None:
        """A call in doubt is one no longer: what was billed is known."""
        key = (told.header.tenant, event.run, event.call, event.attempt)
        doubt = self.use.doubts.pop(key, None)
        if doubt is None:
            return  # of another day
        model = self.use.models[doubt.model]
        model.assumed_calls -= 1
        model.assumed_nano -= doubt.nano
        model.assumed_input -= doubt.input_bound
        model.assumed_output -= doubt.output_bound
        model.calls += 1
        model.nano += event.billed
        _count(model, event.usage)


def _count(model: ModelUse, usage: Usage) -> None:
    for token_class, count in token_classes(usage).items():
        model.tokens[token_class] = model.tokens.get(token_class, 0) + count


def _key(told: Told, event: ModelRequested | ModelCompleted | ModelFailed) -> CallKey:
    return (told.header.tenant, told.header.run, event.call, event.attempt)


def _doubt(name: str, told: Told, request: ModelRequested, event: ModelFailed) -> Doubt:
    return Doubt(
        tenant=told.header.tenant,
        run=told.header.run,
        call=event.call,
        attempt=event.attempt,
        model=name,
        asked=request.model,
        nano=event.cost,
        input_bound=request.input_bound,
        output_bound=request.max_output_tokens,
        posts=event.posts,
    )
