"""An ASGI application that takes answers: links of notices, and buttons pressed in Slack."""

import json
from typing import Protocol
from urllib.parse import parse_qs

from remit.app.answer_page import confirm_page, refused_page, said_page
from remit.app.answering import Answers
from remit.app.asgi import Receive, Scope, Send, body_of, headers_of, respond
from remit.app.slack_answers import SlackAnswers
from remit.errors import NotAllowed, NotFound, RemitError, WebhookRefused
from remit.wire.webhook import slack_signature

_STATUS = {"signature": 403, "stale": 410, "malformed": 400, "too-large": 413}
_FIELDS = 8  # of the form: token, value or text, comment
_HTML = (
    (b"content-type", b"text/html; charset=utf-8"),
    # No script, no frame, no foreign form; no token in a Referer or a cache.
    (
        b"content-security-policy",
        b"default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Answerable(Protocol):
    """What takes answers: an open `App`."""

    @property
    def answers(self) -> Answers:
        """Reads links, and says what they stand for."""
        ...

    @property
    def slack_answers(self) -> SlackAnswers:
        """Reads buttons of Slack."""
        ...


class AnswerRoute:
    """`AnswerRoute(app)`: GET shows what a link is about and changes nothing; POST answers.

    Mail scanners and previews follow links, so a link alone decides nothing. ASGI 3; it knows no
    framework and ignores the path. The address that notices name is the setting `answer_url`.
    """

    def __init__(self, app: Answerable) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other protocols than HTTP are not spoken here."""
        if scope["type"] != "http":
            raise WebhookRefused(f"answers come over HTTP, not {scope['type']}", reason="malformed")
        if scope["method"] in ("GET", "HEAD"):
            status, page = await self._show(_query_token(scope))
            await respond(send, status, b"" if scope["method"] == "HEAD" else page, _HTML)
        elif scope["method"] == "POST":
            await self._post(scope, receive, send)
        else:
            page = _refused("answers are POSTed")
            await respond(send, 405, page, [*_HTML, (b"allow", b"GET, HEAD, POST")])

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        try:
            body = await body_of(receive)
        except WebhookRefused as exc:
            await respond(send, _STATUS[exc.reason], _refused(str(exc)), _HTML)
            return
        if body is None:
            return
        if slack_signature.SIGNATURE in headers:
            status, told = await self._slack(headers, body)
            await respond(send, status, told, [(b"content-type", b"application/json")])
        else:
            status, page = await self._say(body)
            await respond(send, status, page, _HTML)

    async def _slack(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        try:
            await self._app.slack_answers.take(headers, body)
        except WebhookRefused as exc:
            return _STATUS[exc.reason], json.dumps({"error": str(exc)}).encode()
        except RemitError as exc:
            return 503, json.dumps({"error": f"not taken ({type(exc).__name__})"}).encode()
        return 200, b""

    async def _show(self, token: str) -> tuple[int, bytes]:
        try:
            return 200, confirm_page(await self._app.answers.show(token), token).encode()
        except RemitError as exc:
            return _refusal(exc)

    async def _say(self, body: bytes) -> tuple[int, bytes]:
        try:
            form = parse_qs(body.decode(), max_num_fields=_FIELDS)
        except ValueError:
            return 400, _refused("the form cannot be read")
        field = {name: values[0] for name, values in form.items()}
        # A text is no JSON yet; everything else was written as JSON.
        value = json.dumps(field["text"]) if "text" in field else field.get("value", "")
        token = field.get("token", "")
        answers = self._app.answers
        try:
            say = answers.read(token).say
            if say == "answer" and not _is_json(value):
                return 400, _refused("the answer is not JSON; text goes in quotes")
            person, taken = await answers.say(
                token, channel="link", value=value, comment=field.get("comment", "")
            )
        except RemitError as exc:
            return _refusal(exc)
        return 200, said_page(say, person, taken=taken).encode()


def _query_token(scope: Scope) -> str:
    raw = scope.get("query_string", b"")
    try:
        query = parse_qs(raw.decode() if isinstance(raw, bytes) else "", max_num_fields=_FIELDS)
    except ValueError:
        return ""
    return query.get("token", [""])[0]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _refusal(exc: RemitError) -> tuple[int, bytes]:
    if isinstance(exc, WebhookRefused):
        return _STATUS[exc.reason], _refused(str(exc))
    if isinstance(exc, NotFound):
        return 410, _refused("nobody waits for this: it was answered, has expired, or is over")
    if isinstance(exc, NotAllowed):
        return 409, _refused(str(exc))
    return 503, _refused("this cannot be taken now; try again")


def _refused(reason: str) -> bytes:
    return refused_page(reason).encode()
