"""Puts the parts of one process together: store, keys, models, prices, sandbox, engine, desk."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from remit.app.answering import Answers
from remit.app.bills import Bills
from remit.app.budgets import Budgets
from remit.app.calendars import Calendars
from remit.app.channels import Channel, Channels, OnApproval, make_channels, make_roster
from remit.app.config import Settings
from remit.app.credentials import declared_credentials
from remit.app.desk import Desk
from remit.app.drift import Drift
from remit.app.housing import house_of, settle
from remit.app.keyring import Keyring, open_keys
from remit.app.lazy import LazySandbox, ModelShelf, SystemDice, WallClock
from remit.app.load import (
    key_names,
    make_model,
    make_prices,
    make_sandbox,
    make_store,
    make_undoer,
)
from remit.app.once import Once
from remit.app.plan_desk import PlanDesk
from remit.app.ready import Watchman
from remit.app.reconcile import Reconciler
from remit.app.secrets import Secrets, make_secrets
from remit.app.speaking import Speakers
from remit.app.till import Till
from remit.app.upgrade import Gate
from remit.errors import ConfigError
from remit.machine.agent import Agent
from remit.machine.hooks import Hook, hooks_by_name
from remit.policy.allowance import Budget
from remit.policy.plan import Plans
from remit.policy.roster import Person, Roster
from remit.policy.secret_rule import SecretRule
from remit.ports import Credentials, Model, Prices, Sandbox
from remit.runtime.books import Books
from remit.runtime.credentials import CredentialDesk
from remit.runtime.engine import Engine
from remit.runtime.health import HealthBoard
from remit.runtime.hub import Hub
from remit.runtime.ledger import Ledger
from remit.runtime.own_runs import OwnRuns
from remit.runtime.reader import Reader
from remit.runtime.services import Services
from remit.runtime.switchboard import Switchboard
from remit.values.price import ModelPrice
from remit.wire.webhook.answer_link import answer_key


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running process."""

    engine: Engine
    desk: Desk
    shelf: ModelShelf
    books: Books
    plans: PlanDesk
    gate: Gate
    till: Till
    bills: Bills
    watchman: Watchman
    channels: Channels
    keys: Keyring
    drift: Drift
    once: Once

    @property
    def ledger(self) -> Ledger:
        """What was used by whom."""
        return Ledger(self.engine.services.store)

    @property
    def budgets(self) -> Budgets:
        """Limits as operators see and set them."""
        services = self.engine.services
        return Budgets(
            store=services.store,
            books=self.books,
            clock=services.clock,
            declared=services.budgets,
            calendar=services.calendar,
            redactor=self.engine.redactor,
            plans=self.plans,
        )

    async def close(self) -> None:
        """Let go of runs, connections and the journal, in this order."""
        services = self.engine.services
        await self.engine.close()
        await self.channels.flush()
        await self.channels.close()
        await self.shelf.close()
        if services.credentials is not None:
            await services.credentials.close()
        # Several tools share a source; closing it again does nothing.
        for agent in services.agents.values():
            for each in agent.tools:
                if each.source is not None:
                    await each.source.close()
        await self.drift.close()
        await self.engine.services.store.close()


async def assemble(  # noqa: PLR0913  # each is one word of what a process is made of
    settings: Settings,
    *,
    agents: Mapping[str, Agent[object]],
    models: Mapping[str, Model],
    prices: Prices | Mapping[str, ModelPrice] | None,
    secrets: Mapping[str, str],
    secret_rules: Sequence[SecretRule | str | Path],
    sandbox: Sandbox | None,
    budgets: tuple[Budget, ...],
    plans: Plans | None,
    people: Mapping[str, Person],
    on_approval: OnApproval | None,
    credentials: Mapping[str, Credentials],
    hooks: Mapping[str, Hook],
    owner: str,
) -> Parts:
    """Open the journal and make the parts. Raises `ConfigError` for what cannot work."""
    if settings.environment == "production" and settings.url.startswith("memory:"):
        raise ConfigError("production refuses a journal in memory: set a sqlite or postgresql URL")
    keys = open_keys(settings, dict(os.environ))
    known = {**secrets, **keys.texts}
    shown = make_secrets(settings, os.environ, known, rules=secret_rules, agents=agents.values())
    declared = declared_credentials(settings.credentials, credentials, shown, os.environ)
    own_hooks = (hook for agent in agents.values() for hook in agent.remit.hooks)
    all_hooks = hooks_by_name((*hooks.values(), *own_hooks))
    table = make_prices(prices)
    roster = make_roster(settings, people)
    walls = LazySandbox(make_sandbox) if sandbox is None else sandbox
    drift = Drift()
    settle(agents.values(), house_of(walls, keys.hidden, settings.environment, drift))
    channels = make_channels(settings.channels, on_approval, roster, WallClock(), shown.read)
    store = make_store(settings.url)
    await store.open()  # after everything that may be refused: whoever opens it must close it
    clock, dice = WallClock(), SystemDice()
    make = partial(make_model, settings=settings, variables=dict(os.environ), secret=shown.read)
    shelf = ModelShelf({**models, "remit": make_undoer()}, make)
    services = Services(
        store=store,
        clock=clock,
        dice=dice,
        vault=keys.vault,
        signer=keys.signer,
        prices=table,
        model=shelf.get,
        agents=agents,
        hub=Hub(),
        health=HealthBoard(clock),
        switchboard=Switchboard(store, clock),
        owner=f"{owner}-{dice.entropy(4).hex()}",
        environment=settings.environment,
        secret_rules=shown.rules,
        credentials=CredentialDesk(declared, clock),
        sandbox=walls,
        hidden=keys.hidden,
        budgets=(*settings.budgets, *budgets),
        floating_models=settings.floating_models,
        modes=settings.modes,
        hooks=all_hooks,
        attachments=settings.attachments,
        calendar=Calendars(settings.timezone, settings.timezones).of,
    )
    own = OwnRuns(settings.memory.runs, settings.memory.idle_s)
    engine = Engine(services, Reader(store), mine=own)
    return _parts(engine, settings, shelf, keys, shown, plans, (roster, channels), drift)


def _parts(  # what the parts are made of
    engine: Engine,
    settings: Settings,
    shelf: ModelShelf,
    keys: Keyring,
    shown: Secrets,
    plans: Plans | None,
    people: tuple[Roster, tuple[Channel, ...]],
    drift: Drift,
) -> Parts:
    """What stands around the engine."""
    services, (roster, channels) = engine.services, people
    store, clock = services.store, services.clock
    drift.books = books = Books(store, clock, services.dice, keys.signer)
    speakers = Speakers(roster=roster, books=books, clock=clock, redactor=engine.redactor)
    desk = Desk(
        store=store,
        reader=engine.reader,
        clock=clock,
        dice=services.dice,
        redactor=engine.redactor,
        vault=keys.vault,
        wake=engine.wake,
        speakers=speakers,
    )
    plan_desk = _plan_desk(engine, books, plans)
    macs = tuple(keys.macs.values())
    answer = answer_key(keys.head)
    return Parts(
        engine,
        desk,
        shelf,
        books,
        plan_desk,
        Gate(plans=plans, clock=clock, secret=keys.signer.key),
        Till(desk=plan_desk, clock=clock, read_secret=shown.read, macs=macs),
        Bills(settings, Reconciler(store, books, clock, engine.redactor), clock, shown.read),
        Watchman(engine, partial(_where_key, shown, settings), len(channels)),
        _channels(channels, speakers, desk, settings, answer),
        keys,
        drift,
        Once(store=store, books=books, dice=services.dice, secret=answer),
    )


def _channels(
    channels: tuple[Channel, ...], speakers: Speakers, desk: Desk, settings: Settings, key: bytes
) -> Channels:
    """What tells people, and takes what they say."""
    calendars = Calendars(settings.timezone, {})
    return Channels(
        channels=channels,
        store=desk.store,
        reader=desk.reader,
        clock=desk.clock,
        dice=desk.dice,
        books=speakers.books,
        speakers=speakers,
        answers=Answers(
            desk=desk,
            clock=desk.clock,
            key=key,
            url=settings.answer_url,
            person_of=speakers.roster.person_of,
        ),
        calendar=partial(calendars.of, ""),
        redactor=desk.redactor,
    )


def _plan_desk(engine: Engine, books: Books, plans: Plans | None) -> PlanDesk:
    """Who has which plan."""
    return PlanDesk(
        store=engine.services.store,
        books=books,
        clock=engine.services.clock,
        redactor=engine.redactor,
        plans=plans,
        ring=engine.ring,
    )


def _where_key(shown: Secrets, settings: Settings, provider: str) -> str:
    """Where people keep the key of a provider."""
    return " or ".join(map(shown.where, key_names(provider, settings))) or "it needs none"
