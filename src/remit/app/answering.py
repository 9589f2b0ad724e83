"""Answers that come over channels: a token says who may say what, and the run is told."""

from collections.abc import Callable
from dataclasses import dataclass

from remit.app.desk import Desk
from remit.app.run import PendingApproval, PendingQuestion, pending_approvals, pending_questions
from remit.app.uptake import taken
from remit.errors import NotAllowed, NotFound
from remit.ports import Clock
from remit.values.notice import AnswerLinks
from remit.wire.webhook.answer_link import AnswerToken, Say, read_token, sign_token

QUESTION_MS = 7 * 24 * 3_600_000
"""How long a link to a question holds: it waits for ever, a link should not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an answer link is about, as it stands now."""

    token: AnswerToken
    approval: PendingApproval | None = None
    question: PendingQuestion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Makes answer tokens, and takes what their bearers say."""

    desk: Desk
    clock: Clock
    key: bytes
    url: str = ""
    """Where `AnswerRoute` is mounted; empty: notices carry no links."""
    person_of: Callable[[str], str] = str

    def token(
        self,
        say: Say,
        *,
        tenant: str,
        ref: str,
        expires_ms: int | None,
        digest: str = "",
        person: str = "",
    ) -> str:
        """A token for one word about one request. Raises `WebhookRefused` for endless names."""
        until_ms = self.clock.now_ms() + QUESTION_MS if expires_ms is None else expires_ms
        return sign_token(
            self.key,
            AnswerToken(
                say=say,
                tenant=tenant,
                ref=ref,
                until_s=until_ms // 1000,
                digest=digest,
                person=person,
            ),
        )

    def links(
        self, *, tenant: str, ref: str, expires_ms: int | None, digest: str, person: str
    ) -> AnswerLinks:
        """The links of a notice for one person; none where there is no place for answers."""
        if not (self.url and person):
            return AnswerLinks()

        def link(say: Say) -> str:
            mark = "&" if "?" in self.url else "?"
            token = self.token(
                say, tenant=tenant, ref=ref, expires_ms=expires_ms, digest=digest, person=person
            )
            return f"{self.url}{mark}token={token}"

        if digest:
            return AnswerLinks(approve=link("approve"), deny=link("deny"))
        return AnswerLinks(answer=link("answer"))

    def read(self, text: str) -> AnswerToken:
        """The token. Raises `WebhookRefused` for a forged, damaged or outdated one."""
        return read_token([self.key], text, self.clock.now_ms() // 1000)

    async def show(self, text: str) -> Shown:
        """What a link is about; nothing happens.

        Raises `WebhookRefused` for a link that is none, `NotFound` where nothing waits any more,
        `NotAllowed` where the call has changed since.
        """
        token = self.read(text)
        state = (await self.desk.reader.past_of(token.tenant, _run_of(token.ref))).state
        for question in pending_questions(state):
            if question.id == token.ref and token.say == "answer":
                return Shown(token=token, question=question)
        for approval in pending_approvals(state):
            if approval.id == token.ref and token.say != "answer":
                _check_digest(token, approval)
                return Shown(token=token, approval=approval)
        raise NotFound("nobody waits for this any more: it was answered, has expired, or is over")

    async def say(
        self, text: str, *, channel: str, value: str = "", comment: str = ""
    ) -> tuple[str, bool]:
        """Say what a link stands for; the person in it, and whether the run has taken it by now.

        Raises as `show`, and `NotAllowed` with the run's reason where it took the word and ignored
        it.
        """
        shown = await self.show(text)
        token = shown.token
        if token.say == "decide" or not token.person:
            raise NotAllowed("this token names no person; it belongs to a button")
        return await self.put(
            token, token.say, token.person, channel=channel, value=value, comment=comment
        )

    async def put(  # each is one word of what is said
        self,
        token: AnswerToken,
        say: Say,
        principal: str,
        *,
        channel: str,
        value: str = "",
        comment: str = "",
        arguments: str | None = None,
    ) -> tuple[str, bool]:
        """Say it in the name of somebody who was authenticated; as `say`.

        `arguments`: agree to the call with these instead.
        """
        tenant, ref = token.tenant, token.ref
        row = await self.desk.store.run(tenant, _run_of(ref))
        if row is None:
            raise NotFound("nobody waits for this any more")
        if say == "approve":
            await self.desk.approve(
                tenant,
                ref,
                principal=principal,
                channel=channel,
                digest=token.digest,
                comment=comment,
                arguments=arguments,
            )
        elif say == "deny":
            await self.desk.deny(tenant, ref, principal=principal, channel=channel, comment=comment)
        else:
            await self.desk.answer(tenant, ref, principal=principal, channel=channel, value=value)
        person = self.person_of(principal)
        return person, await taken(self.desk.store, row, ref, person)


def _run_of(ref: str) -> str:
    return ref.partition(":")[0]


def _check_digest(token: AnswerToken, approval: PendingApproval) -> None:
    if token.digest != approval.digest:
        raise NotAllowed("the call has changed since this was sent; a newer notice is on its way")
