"""Every event of the journal can be told in one plain line."""

import pytest

from remit.cli.telling import _WORDS, tell
from remit.journal.events import EVENT, Event, ToolCompleted, ToolResolved
from tests.journal.specimens import SPECIMENS
from tests.projections.facts import answered, clean, judged


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
    ],
)
def test_what_is_said(event: Event, line: str) -> None:
    assert tell(event) == line
