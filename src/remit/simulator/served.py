"""What the simulator keeps of the requests it served: bounded, for tests and reconciliation."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from remit.simulator.scenario import Fault
from remit.values.model import ModelAnswer, ModelRequest
from remit.values.usage import Usage
from remit.wire.jsontext import array, quote, record

# Requests kept for tests to look at: so many, or so many bytes of their bodies.
MAX_SERVED = 1000
MAX_SERVED_BYTES = 16 * 1024**2
MAX_MODELS = 1000  # names usage is counted by


@dataclass(frozen=True, slots=True)
class Served:
    """One request and what was done with it, for tests and reconciliation."""

    request_id: str
    status: int
    request: ModelRequest | None = None
    """None if it could not be read."""
    answer: ModelAnswer | None = None
    fault: Fault | None = None
    error: str = ""
    size: int = 0
    """Bytes that keeping it costs: the request's body, and a giant answer."""


@dataclass(slots=True)
class Memory:
    """The newest requests, and the tokens answered by model."""

    served: deque[Served] = field(default_factory=deque)
    usage: dict[str, Usage] = field(default_factory=dict)
    _bytes: int = 0

    def keep(self, served: Served) -> None:
        """Remember a request; the oldest are forgotten."""
        self.served.append(served)
        self._bytes += served.size
        while len(self.served) > MAX_SERVED or self._bytes > MAX_SERVED_BYTES:
            self._bytes -= self.served.popleft().size

    def bill(self, answer: ModelAnswer) -> None:
        """Count what an answer is billed, also where it broke off on its way."""
        full = len(self.usage) >= MAX_MODELS and answer.model not in self.usage
        name = "other models" if full else answer.model
        self.usage[name] = self.usage.get(name, Usage()) + answer.usage

    def report(self) -> bytes:
        """What was served, as JSON: usage by model, and the last requests."""
        usage = {name: used.model_dump_json() for name, used in self.usage.items()}
        return record({"usage": record(usage), "served": array(_rows(self.served))}).encode()


def _rows(served: Iterable[Served]) -> list[str]:
    return [
        record(
            {
                "request_id": quote(one.request_id),
                "status": str(one.status),
                "model": quote(one.request.model if one.request else ""),
                "fault": quote(one.fault.kind if one.fault else ""),
                "error": quote(one.error),
            }
        )
        for one in served
    ]
