"""A notice as a Slack message of Block Kit with buttons, and what comes back when one is pressed.

docs.slack.dev/reference/block-kit/blocks, /reference/interaction-payloads/block_actions-payload.
"""

import json
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

from remit.errors import WebhookRefused
from remit.values.notice import Notice
from remit.wire.notices.plain import instant

_SECTION = 3_000  # characters of a section's text, as Slack says
_HEADER = 150
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
APPROVE, DENY, SAY = "remit_approve", "remit_deny", "remit_answer"
_LABEL = 75  # characters of a button's text
_VALUE = 200  # of an answer in JSON: with its prefix it fits an action_id of 255
_MAX_CHOICES = 5  # buttons of one question; more are answered elsewhere
_PRESSED_FIELDS = 16  # of the form that Slack posts: it has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """Who pressed which button. `token` is what the button carries, `value` the answer in JSON."""

    user: str
    action: Literal["approve", "deny", "answer"]
    token: str
    value: str = ""
    response_url: str = ""


def encode_message(notice: Notice, channel: str = "") -> bytes:
    """The message; `channel` for `chat.postMessage`, empty for an incoming webhook."""
    tree: dict[str, object] = {"text": _escaped(notice.title)[:_SECTION], "blocks": _blocks(notice)}
    if channel:
        tree["channel"] = channel
        # Slack shows no preview of what a tool's arguments name.
        tree |= {"unfurl_links": False, "unfurl_media": False}
    return json.dumps(tree, ensure_ascii=False).encode()


def _blocks(notice: Notice) -> list[dict[str, object]]:
    about = [f"run `{notice.run}` of {_escaped(notice.user)}, tenant {_escaped(notice.tenant)}"]
    if notice.kind == "approval":
        agreed = _escaped(", ".join(notice.given)) or "nobody"
        about.append(f"{notice.needed} must agree, {agreed} has; rule {_escaped(notice.rule)}")
    if notice.expires_ms is not None:
        about.append(f"refused if nobody agrees before {instant(notice.expires_ms)}")
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _plain(notice.title[:_HEADER])},
        {"type": "section", "text": {"type": "mrkdwn", "text": _code(notice.shown)}},
        *_would_do(notice),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "\n".join(about)[:_SECTION]}]},
    ]
    buttons = _buttons(notice)
    if buttons:
        blocks.append({"type": "actions", "block_id": notice.key, "elements": buttons})
    else:
        verb = "approve" if notice.kind == "approval" else "answer"
        hint = f"At the command line: `remit {verb} {notice.ref}`"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": hint}})
    return blocks


def _would_do(notice: Notice) -> list[dict[str, object]]:
    if notice.preview is None:
        return []
    # A section of its own, which nothing in the lines can end.
    lines = notice.would_do.split("\n")
    while len(_escaped("\n".join(lines))) > _SECTION - 6 - _HEADER:
        lines.pop()
    short = notice.unshown or len(lines) < notice.would_do.count("\n") + 1
    code = _code("\n".join(lines))
    text = f"What it would do ({notice.preview.sums}):\n{code}"
    text += "\nThis is not all of it: look at the call before you agree." if short else ""
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]


def _buttons(notice: Notice) -> list[dict[str, object]]:
    if not notice.token:
        return []
    if notice.kind == "approval":
        return [
            _button("Approve", APPROVE, notice.token, style="primary"),
            _button("Deny", DENY, notice.token, style="danger"),
        ]
    return [
        _button(text, f"{SAY}:{value}", notice.token)
        for text, value in choices(notice.answer_schema)
    ]


def choices(schema: str) -> list[tuple[str, str]]:
    """(label, JSON) of each answer to a question that has few; none where it has more."""
    try:
        tree = json.loads(schema)
    except ValueError:
        return []
    if not isinstance(tree, dict):
        return []
    if tree.get("type") == "boolean":
        return [("Yes", "true"), ("No", "false")]
    values = tree.get("enum")
    if not isinstance(values, list) or not 0 < len(values) <= _MAX_CHOICES:
        return []
    texts = [json.dumps(each) for each in values]
    return [(text.strip('"')[:_LABEL], text) for text in texts if len(text) <= _VALUE]


def _button(text: str, action: str, token: str, *, style: str = "") -> dict[str, object]:
    button: dict[str, object] = {
        "type": "button",
        "text": _plain(text),
        "action_id": action,
        "value": token,
    }
    if style:
        button["style"] = style
    return button


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _code(text: str) -> str:
    """A text as code; three back quotes in it would end that."""
    safe = _escaped(text).replace("```", "'''")
    return f"```{safe[: _SECTION - 6]}```"


def _escaped(text: str) -> str:
    """No text of an agent mentions anybody or makes a link of Slack's own."""
    for char, entity in _ESCAPES:
        text = text.replace(char, entity)
    return text


# ---------------------------------------------------------------- what comes back


def read_pressed(body: bytes) -> Pressed | None:
    """The button that was pressed; None for what is no button of Remit's.

    Call it only with a body whose signature is right. Raises `WebhookRefused` for one that cannot
    be read.
    """
    bad = WebhookRefused("Slack's payload cannot be read", reason="malformed")
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=_PRESSED_FIELDS)
        tree = json.loads(form["payload"][0])
        if tree["type"] != "block_actions":
            return None
        action, user = tree["actions"][0], tree["user"]["id"]
        name, token = action["action_id"], action.get("value", "")
        reply = tree.get("response_url", "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as exc:
        raise bad from exc
    if not all(isinstance(each, str) for each in (name, token, user, reply)):
        raise bad
    verb, _, value = name.partition(":")
    known: dict[str, Literal["approve", "deny", "answer"]] = {
        APPROVE: "approve",
        DENY: "deny",
        SAY: "answer",
    }
    if verb not in known:
        return None
    return Pressed(user=user, action=known[verb], token=token, value=value, response_url=reply)


def encode_reply(text: str) -> bytes:
    """What is shown to the one who pressed, in answer to `response_url`."""
    tree = {"response_type": "ephemeral", "replace_original": False, "text": _escaped(text)}
    return json.dumps(tree, ensure_ascii=False).encode()
