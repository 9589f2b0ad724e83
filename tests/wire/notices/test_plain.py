"""A notice as JSON and as lines of a ticket."""

import json

import pytest

from remit.values.clean import Clean
from remit.values.preview import Preview
from remit.values.preview_lines import drawn, kept
from remit.wire.notices.plain import encode_notice, instant, lines_of
from tests.wire.notices.specimens import APPROVAL, QUESTION, changed

pytestmark = pytest.mark.requirement("APR-2")


def test_an_instant_is_told_to_the_second_in_utc() -> None:
    assert instant(1_795_000_000_999) == "2026-11-18T11:06:40Z"


def test_an_approval_says_what_is_asked_and_by_when() -> None:
    tree = json.loads(encode_notice(APPROVAL))
    assert tree["type"] == "approval.requested"
    fields = tree["data"]
    assert fields["arguments"] == APPROVAL.text
    assert (fields["needed"], fields["given"], fields["rule"]) == (2, ["zoe"], "far")
    assert fields["links"] == {
        "approve": "https://r.example/a?token=1",
        "deny": "https://r.example/a?token=2",
    }
    assert fields["expires"] == instant(APPROVAL.expires_ms or 0)


def test_a_question_says_what_an_answer_is() -> None:
    tree = json.loads(encode_notice(QUESTION))
    assert tree["type"] == "question.requested"
    assert tree["data"]["question"] == "How many?"
    assert tree["data"]["answer_schema"] == '{"type":"integer"}'
    assert "expires" not in tree["data"]


def test_long_texts_are_cut_and_it_is_said() -> None:
    long = changed(APPROVAL, text="x" * 5_000)
    assert long.shown.endswith("… (3000 more characters)")
    assert len(encode_notice(long)) < 3_000


def test_a_ticket_says_how_to_answer() -> None:
    text = "\n".join(lines_of(APPROVAL))
    assert "clerk wants to call refund" in text
    assert "Approve: https://r.example/a?token=1" in text
    assert "agreed: zoe" in text
    asked = "\n".join(lines_of(QUESTION))
    assert "At the command line: remit answer run_1:c1-1:q1" in asked


@pytest.mark.requirement("APR-2")
def test_what_a_call_would_do_is_told_within_bounds() -> None:
    few, many = (
        kept(drawn(Preview.files({"a": (None, "x\n" * lines)}), Clean.vouch))[0]
        for lines in (1, 5_000)
    )
    fields = json.loads(encode_notice(changed(APPROVAL, preview=few)))["data"]
    assert fields["preview"] == {
        "text": "@ a (new)\n@@ -0,0 +1 @@\n+x",
        "lines": 3,
        "added": 1,
        "cut": 0,
        "missing": "",
    }
    lines = lines_of(changed(APPROVAL, preview=few))
    assert lines[5:10] == [
        "What it would do (+1 -0):",
        "| @ a (new)",
        "| @@ -0,0 +1 @@",
        "| +x",
        "",
    ]
    fields = json.loads(encode_notice(changed(APPROVAL, preview=many)))["data"]
    assert len(fields["preview"]["text"]) <= 1_500
    assert "look at the call before you agree" in fields["preview"]["missing"]
    assert "preview" not in json.loads(encode_notice(APPROVAL))["data"]
    cut = lines_of(changed(APPROVAL, preview=many))
    assert sum(line.startswith("not all of it is here (4,6") for line in cut) == 1
