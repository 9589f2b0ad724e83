"""The journal that a run driven by hand would have left, through the bytes it is stored as."""

from remit.journal.codec import decode_body, encode_body
from remit.journal.record import Header
from remit.machine.decide import ENGINE
from remit.projections.timeline import Pair
from remit.runtime.decisions import fold_decisions
from tests.machine.bench import Bench


def pairs_of(bench: Bench) -> list[Pair]:
    """One record per decision, written as the driver writes it and read back."""
    found: list[Pair] = []
    for before, given, world, events in bench.inputs:
        if not events:
            continue
        _, body = fold_decisions(before, [given], world)
        header = Header(
            tenant="acme",
            run="run_1",
            version=len(found) + 1,
            epoch=1,
            time_ms=world.now_ms,
            engine=ENGINE,
        )
        found.append((header, decode_body(encode_body(body))))
    return found
