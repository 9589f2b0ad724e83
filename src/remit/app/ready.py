"""Whether runs can work here: what is looked at when a process starts, and one line for each."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from remit.app.ready_doubts import doubts
from remit.app.ready_looks import Look, Looks, Sight
from remit.machine.spec import AgentSpec
from remit.runtime.cleaning import Cleaner
from remit.runtime.engine import Engine
from remit.values.account import OPERATOR

READY_S = 15.0
"""All looks together; a provider that is well tells of a model within a second."""
_AT_ONCE = 16  # requests to providers and tools at one time: looking must not be a load


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `remedy` says what to do where it is not well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    warning: bool = False
    """Runs can work, and somebody should think about it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether runs can work here, and why not. No secret stands in it."""

    checks: tuple[Check, ...]
    at_ms: int
    """When it was looked, in Unix milliseconds."""

    @property
    def ok(self) -> bool:
        """Everything is well."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """What is not."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def warnings(self) -> tuple[Check, ...]:
        """What works, and somebody should think about."""
        return tuple(check for check in self.checks if check.warning)


@dataclass(slots=True)
class Watchman:
    """Looks at everything at once, each thing for a bounded time."""

    engine: Engine
    where_key: Callable[[str], str]
    """Where people keep the key of a provider."""
    channels: int = 0
    """Ways in which people are told that something waits for them."""
    _last: Readiness | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(
        self, specs: tuple[AgentSpec, ...], *, max_age_s: float, timeout_s: float
    ) -> Readiness:
        """How things are; who asks while somebody looks gets what that one sees."""
        services = self.engine.services
        async with self._lock:
            known, now_ms = self._last, services.clock.now_ms()
            if known is not None and 0 <= now_ms - known.at_ms < max_age_s * 1000:
                return known
            looks = Looks(services, specs, self.where_key, self.channels)
            gate = asyncio.Semaphore(_AT_ONCE)
            until = asyncio.get_running_loop().time() + timeout_s
            seen = await asyncio.gather(
                *(_bounded(sight, look, gate, until) for sight, look in looks.all())
            )
            checks = tuple(self._checks([*looks.judged(seen), *doubts(specs)]))
            self._last = Readiness(checks, now_ms)
            return self._last

    def _checks(self, sights: Iterable[Sight]) -> Iterator[Check]:
        redactor = self.engine.redactor(OPERATOR)
        cleaner = Cleaner(redactor, self.engine.services.vault, OPERATOR, "")
        for sight in sights:
            detail, remedy = cleaner.error(sight.detail), cleaner.error(sight.remedy)
            name, ok = cleaner.error(sight.name), sight.wrong in ("", "doubtful")
            yield Check(name, ok, detail, remedy, sight.wrong == "doubtful")


async def _bounded(sight: Sight, look: Look, gate: asyncio.Semaphore, until: float) -> Sight:
    """What a look sees until then, whatever goes wrong."""
    try:
        async with asyncio.timeout_at(until), gate:
            return await look()
    except TimeoutError:
        remedy = "see whether what it looks at hangs"
        return replace(sight, wrong="passing", detail="nothing was heard in time", remedy=remedy)
    except Exception as exc:  # noqa: BLE001  # what is looked at is outside; its fault is a line
        remedy = "see the error"
        text = f"{type(exc).__name__}: {exc}"
        return replace(sight, wrong="lasting", detail=text, remedy=remedy)
