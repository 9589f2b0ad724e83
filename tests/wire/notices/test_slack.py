"""Slack's messages mention nobody, and what comes back is read with care."""

import json
from urllib.parse import urlencode

import pytest

from remit.errors import WebhookRefused
from remit.values.clean import Clean
from remit.values.preview import Preview, Previewed
from remit.values.preview_lines import drawn, kept
from remit.wire.notices.slack import choices, encode_message, encode_reply, read_pressed
from tests.wire.notices.specimens import APPROVAL, QUESTION, changed

pytestmark = pytest.mark.requirement("APR-2")


def posted(**fields: object) -> bytes:
    tree = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "response_url": "https://hooks.slack.com/x",
        "actions": [{"action_id": "remit_approve", "value": "tok"}],
    } | fields
    return urlencode({"payload": json.dumps(tree)}).encode()


def test_a_message_has_blocks_within_slacks_bounds_and_two_buttons() -> None:
    notice = changed(APPROVAL, token="tok", text="<" * 5_000)
    tree = json.loads(encode_message(notice))
    header, section, context, actions = tree["blocks"]
    assert header["text"]["text"] == "clerk wants to call refund"
    assert len(section["text"]["text"]) <= 3_000
    assert "<!" not in json.dumps(tree)
    assert "2 must agree, zoe has" in context["elements"][0]["text"]
    assert [each["action_id"] for each in actions["elements"]] == ["remit_approve", "remit_deny"]
    assert {each["value"] for each in actions["elements"]} == {"tok"}
    assert "channel" not in tree
    assert json.loads(encode_message(notice, "C1"))["channel"] == "C1"


def test_no_argument_ends_the_code_or_mentions_anybody() -> None:
    text = json.loads(encode_message(APPROVAL))["blocks"][1]["text"]["text"]
    assert text.startswith("```")
    assert text.count("```") == 2
    assert "&lt;!channel&gt; &amp; '''x'''" in text


def test_a_question_of_few_answers_has_a_button_for_each() -> None:
    asked = changed(QUESTION, token="tok", answer_schema='{"enum":["red","<b>"]}')
    actions = json.loads(encode_message(asked))["blocks"][3]["elements"]
    assert [each["action_id"] for each in actions] == ['remit_answer:"red"', 'remit_answer:"<b>"']
    none = json.loads(encode_message(changed(QUESTION, token="tok")))["blocks"]
    assert "remit answer run_1:c1-1:q1" in none[3]["text"]["text"]


@pytest.mark.parametrize(
    ("schema", "labels"),
    [
        ('{"type":"boolean"}', ["Yes", "No"]),
        ('{"enum":[1,2]}', ["1", "2"]),
        ('{"enum":[1,2,3,4,5,6]}', []),
        ('{"enum":[]}', []),
        ('{"type":"string"}', []),
        ("[]", []),
        ("no json", []),
    ],
)
def test_few_answers_are_told_from_the_schema(schema: str, labels: list[str]) -> None:
    assert [label for label, _ in choices(schema)] == labels


def test_a_pressed_button_is_read() -> None:
    pressed = read_pressed(posted())
    assert pressed is not None
    assert (pressed.user, pressed.action, pressed.token) == ("U1", "approve", "tok")
    answered = read_pressed(posted(actions=[{"action_id": 'remit_answer:"red"', "value": "t"}]))
    assert answered is not None
    assert (answered.action, answered.value) == ("answer", '"red"')
    assert read_pressed(posted(type="view_submission")) is None
    assert read_pressed(posted(actions=[{"action_id": "another", "value": "t"}])) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"payload=no",
        b"payload=[]",
        b"other=1",
        posted(actions=[]),
        posted(user="U1"),
        posted(user={"id": 7}),
        posted(actions=[{"action_id": 3, "value": "t"}]),
        posted(response_url=None),
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused, match="cannot be read"):
        read_pressed(body)


def test_a_reply_is_seen_by_one_and_mentions_nobody() -> None:
    tree = json.loads(encode_reply("<!here>"))
    assert (tree["response_type"], tree["text"]) == ("ephemeral", "&lt;!here&gt;")


def previewed(*lines: str) -> Previewed:
    text = "\n".join(lines)
    return kept(drawn(Preview.files({"a.py": (None, f"{text}\n")}), Clean.vouch))[0]


@pytest.mark.requirement("PERM-7")
def test_what_a_call_would_do_has_a_section_that_nothing_in_it_leaves() -> None:
    notice = changed(APPROVAL, preview=previewed("```", "<!channel> & <https://x|Approve>"))
    blocks = json.loads(encode_message(notice))["blocks"]
    text = blocks[2]["text"]["text"]
    assert text.startswith("What it would do (+2 -0):\n```@ a.py (new)\n@@ -0,0 +1,2 @@\n+'''")
    assert text.endswith("+&lt;!channel&gt; &amp; &lt;https://x|Approve&gt;```")
    assert text.count("```") == 2


@pytest.mark.parametrize("char", ["x", "&"])
def test_a_section_stays_within_slacks_bounds_and_says_what_is_missing(char: str) -> None:
    notice = changed(APPROVAL, preview=previewed(*[char * 90] * 300))
    text = json.loads(encode_message(notice))["blocks"][2]["text"]["text"]
    assert len(text) <= 3_000
    assert text.endswith("```\nThis is not all of it: look at the call before you agree.")
