"""Buttons pressed in Slack: the signature says it is Slack, the roster says who pressed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from remit.app.answering import Answers
from remit.errors import NotAllowed, RemitError
from remit.wire.notices.slack import Pressed, read_pressed
from remit.wire.webhook import slack_signature

Reply = Callable[[str, str], Awaitable[None]]
_MAX_REPLIES = 64  # under way at once; of more, the pressers see it in the run only


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAnswers:
    """Takes what Slack posts when a button is pressed.

    A Slack account is a person by `also = ["slack:U024BE7LH"]`; nobody else has a say. secrets:
    signing secrets of the channels. reply: tells the one who pressed, at Slack's `response_url`.
    """

    answers: Answers
    secrets: Sequence[str]
    reply: Reply
    _replies: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, headers: Mapping[str, str], body: bytes) -> str:
        """Verify and carry out; what the one who pressed is told.

        Raises `WebhookRefused` for what Slack did not sign, or not now.
        """
        now_s = self.answers.clock.now_ms() // 1000
        slack_signature.verify(body, headers, self.secrets, now_s=now_s)
        pressed = read_pressed(body)
        if pressed is None:
            return ""
        said = await self._say(pressed)
        # Slack waits three seconds for an answer to its request; this is another one.
        if pressed.response_url and len(self._replies) < _MAX_REPLIES:
            task = asyncio.ensure_future(self.reply(pressed.response_url, said))
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)
        return said

    async def _say(self, pressed: Pressed) -> str:
        principal = f"slack:{pressed.user}"
        person = self.answers.person_of(principal)
        if person == principal:
            return (
                f"nothing was done: nobody is known as {principal}; an operator can write it into "
                "`also` of a person"
            )
        try:
            token = self.answers.read(pressed.token)
            if token.say != "decide":
                raise NotAllowed("this token belongs to no button")
            person, taken = await self.answers.put(
                token, pressed.action, principal, channel="slack", value=pressed.value
            )
        except RemitError as exc:
            return f"nothing was done: {exc}"
        return f"{person}: {pressed.action} " + ("was taken" if taken else "is kept for the run")
