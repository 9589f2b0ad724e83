"""The decision tree tells what people were shown before they agreed, and what they reverted."""

import pytest

from remit.journal.facts_of_switches import Reverted
from remit.projections.tree import decision_tree
from remit.values.preview import Previewed
from tests.projections.facts import START_MS, answered, asked, clean, records, started
from tests.projections.test_tree import ASK, grown


@pytest.mark.requirement("OPS-1")
def test_a_revert_that_was_in_force_names_who_made_it() -> None:
    revert = Reverted(
        agent="clerk",
        what="model",
        to="fake:old-2025-01-01",
        target="agent:clerk/model=fake:old-2025-01-01",
        principal="otto",
        since_ms=START_MS,
    )
    root = decision_tree(records(started().model_copy(update={"reverts": (revert,)})))
    note = root.children[0]
    assert (note.kind, note.label, note.text, note.principal) == (
        "note",
        "model reverted",
        "clerk uses fake:old-2025-01-01",
        "otto",
    )


@pytest.mark.requirement("ORC-5", "APR-4")
def test_what_a_call_would_do_stands_below_what_is_asked() -> None:
    shown = Previewed(text=clean("@ f\n+new"), lines=2, added=1)
    cut = shown.model_copy(update={"lines": 9, "artifact": "a" * 64, "artifact_bytes": 90})
    for preview, more in (
        (shown, ""),
        (cut, f"\n[cut, 7 more lines; whole in the artifact {'a' * 16}]"),
    ):
        ask = ASK.model_copy(update={"preview": preview})
        found = grown(asked(), answered("", ("pay_bill", "{}")), ask)
        told = [line for depth, line in found if depth == 4]
        assert told[-1] == ("note", "would do +1 -0", "", f"@ f\n+new{more}")
