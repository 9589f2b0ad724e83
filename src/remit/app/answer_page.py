"""The pages behind answer links: what is asked, one button, what became of it; no script."""

import html
import json

from remit.app.answering import Shown
from remit.values.preview import Previewed
from remit.wire.notices.plain import instant
from remit.wire.notices.slack import choices

_VERBS = {"approve": "Approve this call", "deny": "Refuse this call", "answer": "Send the answer"}
# The whole call is shown: who agrees must see what to. A megabyte is more than any model writes.
_MAX_TEXT = 1_000_000


def confirm_page(shown: Shown, token: str) -> str:
    """What is asked, and the button that answers it; looking changes nothing."""
    lines = _of_approval(shown) if shown.approval is not None else _of_question(shown)
    verb = _VERBS[shown.token.say]
    fields = [
        '<form method="post">',
        f'<input type="hidden" name="token" value="{html.escape(token)}">',
    ]
    if shown.question is not None:
        fields.append(_answer_field(shown.question.answer_schema))
    else:
        fields.append('<p><label>Comment <input name="comment" maxlength="2000"></label></p>')
    fields.append(f"<p>As {html.escape(shown.token.person)}: <button>{verb}</button></p></form>")
    return _page(verb, "\n".join([*lines, *fields]))


def _of_approval(shown: Shown) -> list[str]:
    call = shown.approval
    if call is None:
        return []
    text = call.arguments[:_MAX_TEXT]
    return [
        f"<h1>{html.escape(call.tool)}</h1>",
        f"<pre>{html.escape(_indented(text))}</pre>",
        *_would_do(call.preview),
        (
            f"<p>{html.escape(call.reason)} ({html.escape(call.rule)}). {call.needed} must agree; "
            f"{html.escape(', '.join(call.given)) or 'nobody'} has.</p>"
        ),
        (
            f"<p>Run {html.escape(call.run)}. Refused if nobody agrees before "
            f"{instant(call.expires_ms)}.</p>"
        ),
    ]


def _would_do(preview: Previewed | None) -> list[str]:
    if preview is None:
        return []
    found = [
        f"<h2>What it would do ({html.escape(preview.sums)})</h2>",
        f"<pre>{html.escape(preview.text)}</pre>",
    ]
    if preview.missing:
        found.append(f"<p>{html.escape(preview.missing)}.</p>")
    return found


def _of_question(shown: Shown) -> list[str]:
    question = shown.question
    if question is None:
        return []
    return [
        f"<h1>{html.escape(question.tool)} asks</h1>",
        f"<p>{html.escape(question.text[:_MAX_TEXT])}</p>",
        f"<p>Run {html.escape(question.run)}.</p>",
    ]


def _answer_field(schema: str) -> str:
    few = choices(schema)
    if few:
        options = "".join(
            f'<option value="{html.escape(value)}">{html.escape(text)}</option>'
            for text, value in few
        )
        return f'<p><label>Answer <select name="value">{options}</select></label></p>'
    try:
        kind = json.loads(schema).get("type")
    except (ValueError, AttributeError):
        kind = None
    if kind == "string":
        return '<p><label>Answer <input name="text" maxlength="10000" required></label></p>'
    if kind in ("integer", "number"):
        return '<p><label>Answer <input name="value" inputmode="decimal" required></label></p>'
    known = html.escape(schema[:2_000])
    return (
        '<p><label>Answer, as JSON <textarea name="value" required></textarea></label></p>'
        f"<pre>{known}</pre>"
    )


def said_page(say: str, person: str, *, taken: bool) -> str:
    """What was said, and whether the run has taken it."""
    fate = "The run has taken it." if taken else "It is kept until somebody drives the run."
    word = {"approve": "approved", "deny": "refused"}.get(say, "answered")
    return _page("Thank you", f"<h1>{html.escape(person)} {word}</h1><p>{fate}</p>")


def refused_page(reason: str) -> str:
    """Why nothing was done."""
    return _page("Nothing was done", f"<h1>Nothing was done</h1><p>{html.escape(reason)}</p>")


def _indented(text: str) -> str:
    """JSON over several lines where that changes nothing: no digit, no key that stands twice."""
    try:
        tree = json.loads(text)
        forms = ((",", ":"), (", ", ": "))
        same = text in [json.dumps(tree, ensure_ascii=False, separators=form) for form in forms]
    except ValueError:
        return text
    return json.dumps(tree, indent=2, ensure_ascii=False) if same else text


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{html.escape(title)}</title></head><body>{body}</body></html>"
    )
