"""Every event of the journal can be told in one plain line."""

import pytest

from remit.cli.telling import _WORDS, tell
from remit.journal.events import (
    EVENT,
    Event,
    ProbeCompleted,
    ToolCompleted,
    ToolFailed,
    ToolResolved,
    ToolUnknown,
)
from remit.values.media import described, image
from remit.values.message import Origin
from tests.journal.specimens import SPECIMENS
from tests.projections.facts import answered, clean, judged, started


@pytest.mark.parametrize("name", SPECIMENS)
def test_every_event_has_its_line(name: str) -> None:
    line = tell(EVENT.validate_python(SPECIMENS[name]))
    assert len(line.splitlines()) <= 1
    assert set(_WORDS) == set(SPECIMENS)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (answered("Hm.", ("look_up", "{}")), "c1 $0.00000003 wants look_up: Hm."),
        (judged(), "c1-1 look_up: allow by builtin.read (because)"),
        (ToolCompleted(call="c1-1", text=clean("a\x1b[31m\nb")), "c1-1: a b"),
        (
            ToolResolved(call="c1-1", happened=False, principal="boss"),
            "c1-1 did not happen, says boss:",
        ),
        (ToolCompleted(call="c1-1", text=clean("ok"), cost=13_000_000), "c1-1 $0.0130: ok"),
        (
            ToolUnknown(call="c1-1", reason=clean("cut"), cost=10**9, assumed=True),
            "c1-1 $1.0000 assumed: cut",
        ),
        (ToolFailed(call="c1-1", kind="limit", text=clean("no")), "c1-1 limit: no"),
        (ProbeCompleted(call="c1-1", verdict="absent", cost=-(10**9)), "c1-1 absent -$1.0000:"),
    ],
)
def test_what_is_said(event: Event, line: str) -> None:
    assert tell(event) == line


def test_an_image_that_was_given() -> None:
    part = image(b"bytes", "image/png", Origin(kind="user", name="ann"))
    event = started(text="Look.").model_copy(update={"input": (part,)})
    assert tell(event).endswith(described(part))
