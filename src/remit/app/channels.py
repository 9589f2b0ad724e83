"""The channels of a process: adapters made of settings, and the lanes that deliver to them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, cast

from remit.app.answering import Answers
from remit.app.channel_settings import MAX_CHANNELS, ChannelConfig
from remit.app.config import Settings
from remit.app.load import named
from remit.app.run import PendingApproval, pending_approvals, pending_questions
from remit.app.speaking import Speakers
from remit.errors import ConfigError, IntegrityError, NotDelivered, NotFound, OutsideError
from remit.journal.events import NoticeFailed
from remit.machine.state import State
from remit.policy.approvers import is_among, same_person
from remit.policy.hours import Hours
from remit.policy.redact import Redactor
from remit.policy.roster import Person, Roster, quiet_until
from remit.ports import Clock, Dice, Notifier, Store
from remit.projections.asking import Asked
from remit.runtime.books import Books, Entry
from remit.runtime.cleaning import storable
from remit.runtime.notifying import Lane, watch_lane
from remit.runtime.reader import Reader
from remit.values.notice import Notice, notice_key
from remit.values.windows import Calendar

OnApproval = Callable[[Notice], Awaitable[None] | None]
"""Called with each request to humans; it may ask somebody, and answer by `App.approve` …"""

CALLABLE = "on_approval"
_REPLY_S = 5.0
_FLUSH_S = 5.0  # what a process that ends waits for its last notices; the next one tells the rest
_DUAL = 2


class _Replying(Protocol):
    async def reply(self, url: str, text: str, *, deadline_s: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel as it is used. people: who is told each by a notice of their own."""

    name: str
    notifier: Notifier
    people: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    quiet: tuple[Hours, ...] = ()
    buttons: bool = False
    signing_secret: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class Channels:
    """Tells people through all channels what waits for them."""

    channels: tuple[Channel, ...]
    store: Store
    reader: Reader
    clock: Clock
    dice: Dice
    books: Books
    speakers: Speakers
    answers: Answers
    calendar: Callable[[int], Calendar]
    redactor: Callable[[str], Redactor]
    lanes: tuple[Lane, ...] = ()

    def __post_init__(self) -> None:
        self.lanes = tuple(lane for channel in self.channels for lane in self._lanes(channel))

    # ------------------------------------------------------------ lanes

    def _lanes(self, channel: Channel) -> Iterator[Lane]:
        """One for who has no quiet hours but the channel's, and one for each of the others."""
        roster = self.speakers.roster
        quiet = {name: roster.quiet_of(name) for name in channel.people}
        loud = tuple(name for name in channel.people if not quiet[name])
        if loud or not channel.people:
            yield self._lane(channel, f"notify:{channel.name}", loud, channel.quiet)
        for name in channel.people:
            if quiet[name]:
                hours = (*channel.quiet, *quiet[name])
                yield self._lane(channel, f"notify:{channel.name}:{name}", (name,), hours)

    def _lane(
        self, channel: Channel, name: str, people: tuple[str, ...], quiet: tuple[Hours, ...]
    ) -> Lane:
        return Lane(
            name=name,
            channel=channel.name,
            notifier=channel.notifier,
            notices=partial(self.notices, channel, people),
            quiet_until=lambda now_ms: quiet_until(quiet, self.calendar(now_ms), now_ms),
            store=self.store,
            clock=self.clock,
            dice=self.dice,
            book=self,
        )

    def start(self) -> list[asyncio.Task[None]]:
        """Tasks that whoever opened the process must cancel."""
        return [asyncio.create_task(watch_lane(lane)) for lane in self.lanes]

    async def flush(self) -> None:
        """Deliver what is there, for a bounded time: for a process that is about to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await asyncio.gather(*(self._drain(lane) for lane in self.lanes))

    async def _drain(self, lane: Lane) -> None:
        # Whoever opens the journal next tells what could not be told here.
        with suppress(OutsideError, IntegrityError, ExceptionGroup):
            while await lane.turn():
                pass
            await lane.let_go()

    async def close(self) -> None:
        """Release connections."""
        for channel in self.channels:
            await channel.notifier.close()

    # ------------------------------------------------------------ notices

    async def notices(
        self, channel: Channel, people: tuple[str, ...], request: Asked
    ) -> list[Notice]:
        """What is to be told of a request now: nothing where it was answered."""
        if channel.tenants and request.tenant not in channel.tenants:
            return []
        try:
            state = (await self.reader.past_of(request.tenant, request.run)).state
        except NotFound:  # erased meanwhile
            return []
        if state.phase in ("stopping", "ended"):
            return []
        plain = self._of(channel, state, request)
        if plain is None:
            return []
        if not channel.people:
            return [plain(person="")]
        return [plain(person=name) for name in await self._who(state, request, people)]

    def _of(self, channel: Channel, state: State, request: Asked) -> Callable[..., Notice] | None:
        """Makes the notice of a request for a person; None where it waits no longer."""
        base = partial(
            self._notice, channel, tenant=state.tenant, agent=state.spec.name, user=state.user
        )
        for approval in pending_approvals(state):
            if approval.id == request.ref and self.clock.now_ms() < approval.expires_ms:
                return partial(
                    base,
                    kind="approval",
                    run=approval.run,
                    ref=approval.id,
                    tool=approval.tool,
                    text=approval.arguments,
                    digest=approval.digest,
                    needed=approval.needed,
                    given=approval.given,
                    rule=approval.rule,
                    reason=approval.reason,
                    expires_ms=approval.expires_ms,
                    preview=approval.preview,
                )
        for question in pending_questions(state):
            if question.id == request.ref:
                return partial(
                    base,
                    kind="question",
                    run=question.run,
                    ref=question.id,
                    tool=question.tool,
                    text=question.text,
                    answer_schema=question.answer_schema,
                )
        return None

    def _notice(self, channel: Channel, *, person: str, **fields: object) -> Notice:
        notice = Notice(**fields, key="", person=person)  # type: ignore[arg-type]  # named above
        token, answers = "", self.answers
        if channel.buttons:
            token = answers.token(
                "decide",
                tenant=notice.tenant,
                ref=notice.ref,
                expires_ms=notice.expires_ms,
                digest=notice.digest,
            )
        links = answers.links(
            tenant=notice.tenant,
            ref=notice.ref,
            expires_ms=notice.expires_ms,
            digest=notice.digest,
            person=person,
        )
        key = notice_key(channel.name, notice.tenant, notice.ref, person)
        changed = {"key": key, "links": links, "token": token}
        return Notice(**fields | changed, person=person)  # type: ignore[arg-type]  # as above

    async def _who(self, state: State, request: Asked, people: Sequence[str]) -> list[str]:
        """Of these people who may answer, and in whose name others may now."""
        if request.kind == "question":
            return list(people)
        call = next(each for each in pending_approvals(state) if each.id == request.ref)
        found: list[str] = []
        for name in people:
            if not is_among(call.approvers, name, self.speakers.roster.roles_of(name)):
                continue
            known = await self.speakers.delegation(state.tenant, name)
            found += [name] if known is None else [name, known.to]
        person_of = self.speakers.roster.person_of
        return [name for name in dict.fromkeys(found) if not _barred(state, call, name, person_of)]

    # ------------------------------------------------------------ failures

    async def failed(self, channel: str, notice: Notice, attempts: int, error: str) -> None:
        """Enter in the channel's book that a notice was given up; see `remit.runtime.notifying`."""
        text = self.redactor(notice.tenant).clean(storable(error)).text
        fact = NoticeFailed(
            channel=channel,
            run=notice.run,
            ref=notice.ref,
            person=notice.person,
            attempts=attempts,
            error=text,
        )
        holder = f"channel:{channel}"
        await self.books.enter(notice.tenant, holder, lambda _pages, _now: Entry(events=(fact,)))

    async def reply(self, url: str, text: str) -> None:
        """Tell the one who pressed a button of Slack; what could not be told is in the run."""
        for channel in self.channels:
            if channel.buttons:
                with suppress(NotDelivered):
                    notifier = cast("_Replying", channel.notifier)
                    await notifier.reply(url, text, deadline_s=_REPLY_S)
                    return

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """Of all channels of Slack."""
        return tuple(each.signing_secret for each in self.channels if each.signing_secret)


def _barred(
    state: State, call: PendingApproval, name: str, person_of: Callable[[str], str]
) -> bool:
    """They agreed already, or it is their own run, so telling them would be in vain."""
    own = same_person(name, person_of(state.user)) and (
        call.needed >= _DUAL or not (state.spec.self_approval or state.environment == "dev")
    )
    return own or any(same_person(name, person_of(given)) for given in call.given)


# ---------------------------------------------------------------- made of settings


def make_roster(settings: Settings, people: Mapping[str, Person]) -> Roster:
    """The people of settings and program. Raises `ConfigError` for who is two people."""
    roster = Roster({**settings.people, **people}, settings.roles)
    problem = roster.problem()
    if problem:
        raise ConfigError(f"{problem}; a principal is one person's")
    return roster


def make_channels(
    configs: Mapping[str, ChannelConfig],
    on_approval: OnApproval | None,
    roster: Roster,
    clock: Clock,
    read_secret: Callable[[str], str | None],
) -> tuple[Channel, ...]:
    """The channels. Raises `ConfigError` naming the channel, the key and the remedy."""
    if len(configs) > MAX_CHANNELS:
        raise ConfigError(f"channels: at most {MAX_CHANNELS}, and these are {len(configs)}")
    found = [_made(name, config, read_secret, roster, clock) for name, config in configs.items()]
    if on_approval is not None:
        make = cast("Callable[..., Notifier]", named(f"{_PLACE}.calling", "CallingNotifier", ""))
        found.append(Channel(name=CALLABLE, notifier=make(on_approval)))
    return tuple(found)


_PLACE = "remit.adapters.notify"


def _made(
    name: str,
    config: ChannelConfig,
    read_secret: Callable[[str], str | None],
    roster: Roster,
    clock: Clock,
) -> Channel:
    where = f"channels.{name}"

    def secret(key: str, setting: str) -> str:
        found = (read_secret(key) or "").strip()
        if not found:
            raise ConfigError(f"{where}.{setting}: there is no secret {key}; set it")
        return found

    check = cast("Callable[..., str]", named(f"{_PLACE}.post", "check_address", ""))
    address = config.url or (secret(config.url_env, "url_env") if config.url_env else "")
    if address:
        address = check(address, where, plain_http=config.plain_http)
    token = secret(config.token_env, "token_env") if config.token_env else ""
    signing = secret(config.secret_env, "secret_env") if config.secret_env else ""
    unknown = [person for person in config.people if person not in roster.people]
    if unknown:
        raise ConfigError(f"{where}.people: {unknown[0]!r} is not declared: [people.{unknown[0]}]")
    people = tuple(dict.fromkeys((*config.people, *roster.having(config.roles))))
    if config.roles and not people:
        raise ConfigError(f"{where}.roles: nobody has the role {config.roles[0]!r}")
    base = partial(Channel, name=name, people=people, tenants=config.tenants, quiet=config.quiet)
    make = cast("Callable[..., Notifier]", named(*_ADAPTERS[config.kind], ""))
    if config.kind == "webhook":
        read = cast("Callable[[str, str], object]", named(*_SIGNING_KEY, ""))
        key = read(signing, f"{where}.secret_env")
        return base(notifier=make(address, [key], lambda: clock.now_ms() // 1000))
    if config.kind == "slack":
        # A bot posts to its API, whose address only a test changes.
        bot = {"api": address} if address and token else {}
        given = {"token": token, "channel": config.channel} | bot if token else {}
        hook = {} if token else {"webhook_url": address}
        return base(notifier=make(**given, **hook), buttons=True, signing_secret=signing)
    return base(
        notifier=make(
            config.kind,
            address,
            login=config.login,
            token=token,
            project=config.project,
            issue_type=config.issue_type or "Task",
        )
    )


# Its cryptography is 6 MB, which a process without webhooks does not load.
_SIGNING_KEY = "remit.wire.webhook.standard", "signing_key"
_ADAPTERS = {
    "webhook": (f"{_PLACE}.webhook", "WebhookNotifier"),
    "slack": (f"{_PLACE}.slack", "SlackNotifier"),
    "jira": (f"{_PLACE}.tickets", "TicketNotifier"),
    "zendesk": (f"{_PLACE}.tickets", "TicketNotifier"),
}
