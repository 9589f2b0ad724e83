"""The composition root: `App` puts store, models, keys and agents together and runs agents."""

import asyncio
import math
import os
import socket
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

from typing_extensions import Unpack, override

from remit.app.assemble import Parts, assemble
from remit.app.bills import Bills
from remit.app.budgets import Budgets
from remit.app.channels import OnApproval
from remit.app.config import FILE, read_settings
from remit.app.declared import by_name, read_prompt
from remit.app.duties import start_duties
from remit.app.following import follow_tree
from remit.app.launching import Wish, launch, wish_of
from remit.app.ledger_view import LedgerView, Wanted, ledger_filter, view_ledger
from remit.app.people import LOCAL_TENANT, LOCAL_USER, PeopleSay
from remit.app.permissions import governed
from remit.app.plan_desk import PlanDesk
from remit.app.plan_settings import plans_of
from remit.app.ready import READY_S, Readiness
from remit.app.run import Run, run_of
from remit.app.taking_in import Given
from remit.app.till import PaymentOutcome
from remit.app.undo import wish_to_undo, with_undoers
from remit.errors import NotAllowed, NotFound, SpecError
from remit.journal.admit import LIVE
from remit.journal.rows import RunRow
from remit.machine.agent import Agent
from remit.machine.hooks import Hook, hooks_by_name
from remit.machine.spec import AgentSpec
from remit.machine.state import State
from remit.policy.allowance import Budget
from remit.policy.plan import Plans, holder_name
from remit.policy.roster import Person
from remit.policy.secret_rule import SecretRule
from remit.ports import Credentials, Model, Prices, Sandbox, Store
from remit.runtime.books import Books
from remit.runtime.engine import Engine
from remit.runtime.hub import StreamItem
from remit.values.ids import root_of
from remit.values.ledger import FIELDS
from remit.values.price import ModelPrice

T = TypeVar("T")
_POLL_S = 0.25


class App(PeopleSay):
    """Runs agents on one journal.

    url: `sqlite:///path`, `postgresql://…` or `memory:`; default: `REMIT_URL`, `remit.toml`, else
    `.remit/journal.db`. models: adapters by provider for those Remit does not make itself.
    prices: prices by hand, by model name or pattern. environment: dev, ci or production.
    worker: also take over runs that other processes left behind. secrets: the app's own secret
    values by name, never to appear anywhere. secret_rules: rules of what else is secret, or files
    of them. budgets: limits beside those of the agents and of `remit.toml`. plans: the price list,
    in place of the one in `remit.toml`. credentials: what tools show to the systems they call,
    beside those of `remit.toml`. people: who approves, beside those of `remit.toml`. on_approval:
    called with a `Notice` of each request to humans. hooks: beside those of the agents, after them.

    Use it as `async with App(...) as app`. Raises `ConfigError` and `SpecError` for what cannot
    work, before anything runs.
    """

    readers_may_come = False  # what serves it says so before opening it: then answers are streamed

    def __init__(  # noqa: PLR0913  # each is one word of what a process is made of
        self,
        url: str | None = None,
        *,
        agents: Iterable[Agent[object]] = (),
        models: Mapping[str, Model] | None = None,
        prices: Prices | Mapping[str, ModelPrice] | None = None,
        environment: str | None = None,
        worker: bool = False,
        secrets: Mapping[str, str] | None = None,
        secret_rules: Sequence[SecretRule | str | Path] = (),
        sandbox: Sandbox | None = None,
        budgets: Iterable[Budget] = (),
        plans: Plans | None = None,
        credentials: Mapping[str, Credentials] | None = None,
        people: Mapping[str, Person] | None = None,
        on_approval: OnApproval | None = None,
        hooks: Iterable[Hook] = (),
    ) -> None:
        self._settings = read_settings(url=url, environment=environment, variables=dict(os.environ))
        given = with_undoers(agents)
        self._agents = by_name(given)
        self._roots = {agent.name: agent for agent in given}
        self._models = dict(models or {})
        self._prices = prices
        self._worker = worker
        self._secrets = dict(secrets or {})
        self._secret_rules = tuple(secret_rules)
        self._sandbox = sandbox
        self._budgets = tuple(budgets)
        self._credentials = dict(credentials or {})
        self._people = dict(people or {})
        self._on_approval = on_approval
        self._hooks = hooks_by_name(hooks)
        self._plans = plans or plans_of(self._settings.billing, self._settings.plans, FILE)
        self._parts: Parts | None = None
        self.specs: dict[str, AgentSpec] = {}
        self._duties: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------ opening

    async def __aenter__(self) -> Self:
        """Open the journal, read the prompts, start the duties of this process."""
        wide = tuple(hook.spec for hook in self._hooks.values())
        self.specs = {
            name: governed(agent.spec(read_prompt), self._settings, wide)
            for name, agent in self._roots.items()
        }
        self._parts = await assemble(
            self._settings,
            agents=self._agents,
            models=self._models,
            prices=self._prices,
            secrets=self._secrets,
            secret_rules=self._secret_rules,
            sandbox=self._sandbox,
            budgets=self._budgets,
            plans=self._plans,
            people=self._people,
            on_approval=self._on_approval,
            credentials=self._credentials,
            hooks=self._hooks,
            owner=f"{socket.gethostname()}-{os.getpid()}",
        )
        engine = self._parts.engine
        engine.services.hub.always = self.readers_may_come
        await engine.services.switchboard.refresh()
        self._duties = start_duties(self._parts, self._may_drive, worker=self._worker)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of everything; runs under way are recovered by whoever resumes them."""
        for duty in self._duties:
            duty.cancel()
        await asyncio.gather(*self._duties, return_exceptions=True)
        if self._parts is not None:
            await self._parts.close()
            self._parts = None

    @property
    @override
    def _open(self) -> Parts:
        if self._parts is None:
            raise NotAllowed("the app is not open: use it as `async with App(...) as app`")
        return self._parts

    @property
    def store(self) -> Store:
        """The journal's store."""
        return self._open.engine.services.store

    @property
    def agents(self) -> Mapping[str, Agent[object]]:
        """By name: sub-agents too, and those that undo."""
        return self._agents

    @property
    def engine(self) -> Engine:
        """The drivers of this process."""
        return self._open.engine

    @property
    def books(self) -> Books:
        """What operators and payment providers did to tenants and users."""
        return self._open.books

    @property
    def bills(self) -> Bills:
        """Providers' bills, compared with the ledger."""
        return self._open.bills

    @property
    def budgets(self) -> Budgets:
        """What is left of budgets and where their limits are from; set them."""
        return self._open.budgets

    async def ledger(
        self, *by: str, tenant: str | None = LOCAL_TENANT, limit: int = 1000, **only: Unpack[Wanted]
    ) -> LedgerView:
        """What was used, summed by these: tenant, day, user, agent, model or session.

        `tenant=None` is for operators. Raises `UsageError`, `StoreError`, `IntegrityError`.
        """
        where = ledger_filter(tenant, **only)
        return await view_ledger(self._open.ledger, by or FIELDS, where, limit)

    async def ready(self, *, max_age_s: float = 0, timeout_s: float = READY_S) -> Readiness:
        """Whether runs can work here: journal, clock, models, prices, tools, sandbox.

        Nothing is billed and nothing raised: a failed check is a line. `max_age_s`: how old an
        answer may be; everything ends within `timeout_s` seconds.
        """
        specs = tuple(self.specs.values())
        return await self._open.watchman.look(specs, max_age_s=max_age_s, timeout_s=timeout_s)

    def _may_drive(self, tenant: str, run: str) -> bool:
        return self._worker or (tenant, root_of(run)) in self.engine.mine

    # ------------------------------------------------------------ running

    async def run(
        self,
        agent: Agent[T],
        text: Given,
        *,
        tenant: str = LOCAL_TENANT,
        user: str = LOCAL_USER,
        session: str | None = None,
        labels: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> Run[T]:
        """Run an agent on an input until it ends or only humans can move it on.

        The input is a text, or a list of texts, `Image` and `Document` (`AttachmentRefused`).
        `labels` are free names, such as a team's, that budgets may limit. `roles` are those of the
        user, whom this program has authenticated; rules may name them.

        Governed endings are values: `Run.status` is completed, stopped or waiting. Raises
        `NotAllowed` while another run of the session is active, `StoreError` when the journal
        fails.
        """
        run = await self.launch(agent, wish_of(text, tenant, user, session, labels, roles))
        return await self._outcome(agent, tenant, run)

    async def start(
        self,
        agent: Agent[T],
        text: Given,
        *,
        tenant: str = LOCAL_TENANT,
        user: str = LOCAL_USER,
        session: str | None = None,
        labels: Sequence[str] = (),
        roles: Sequence[str] = (),
        interactive: bool = False,
    ) -> str:
        """Start a run and return its id once it is durable; it goes on in the background.

        `interactive`: somebody follows it and waits. Raises as `run` does.
        """
        wish = wish_of(text, tenant, user, session, labels, roles, interactive=interactive)
        run = await self.launch(agent, wish)
        await self.engine.begun(tenant, run)
        return run

    async def launch(self, agent: Agent[T], wish: Wish) -> str:
        """Hand a new run to a driver; its id, before it is durable. Raises as `run` does."""
        engine, spec = self.engine, self._spec_of(agent)
        return await launch(engine, cast("Agent[object]", agent), spec, wish, self._open.plans)

    async def stream(
        self,
        agent: Agent[T],
        text: Given,
        *,
        tenant: str = LOCAL_TENANT,
        user: str = LOCAL_USER,
        session: str | None = None,
        labels: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> AsyncGenerator[StreamItem | Run[T], None]:
        """Run an agent and follow it: events in journal order, deltas between, the run last."""
        wish = wish_of(text, tenant, user, session, labels, roles, interactive=True)
        run = await self.launch(agent, wish)
        async with aclosing(self.follow(run, tenant=tenant)) as items:
            async for item in items:
                yield item
        yield await self._outcome(agent, tenant, run)

    def follow(self, run: str, *, tenant: str = LOCAL_TENANT) -> AsyncGenerator[StreamItem, None]:
        """A run from its beginning, sub-runs included, until it ends or waits.

        Of what happened before only events are left; deltas come of what happens now, in this
        process. Raises what broke a driver here.
        """
        return follow_tree(self.engine, tenant, root_of(run))

    async def resume(self, run: str, *, tenant: str = LOCAL_TENANT) -> Run[object]:
        """Take a run up again, after a crash or an answer, until it ends or waits."""
        row, agent = await self._known(tenant, run)
        self.engine.mine.add((tenant, row.run))
        for state in await self.desk.tree(tenant, row.run):
            self.engine.wake(tenant, state.run)
        return await self._outcome(agent, tenant, row.run)

    async def wait(
        self, run: str, *, tenant: str = LOCAL_TENANT, timeout_s: float | None = None
    ) -> Run[object]:
        """Wait until a run has ended, answers of humans included, or the time is over."""
        row, agent = await self._known(tenant, run)
        self.engine.mine.add((tenant, row.run))
        loop = asyncio.get_running_loop()
        until = math.inf if timeout_s is None else loop.time() + timeout_s
        while loop.time() < until:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if timeout_s is None else until):
                    await self.engine.settled(tenant, row.run)
            row, agent = await self._known(tenant, run)
            if row.status not in LIVE:
                return await self._outcome(agent, tenant, row.run)
            await asyncio.sleep(_POLL_S)
        return self._run_of(agent, await self.desk.tree(tenant, row.run))

    async def get(self, run: str, *, tenant: str = LOCAL_TENANT) -> Run[object]:
        """A run as it stands now. Raises `NotFound`."""
        row, agent = await self._known(tenant, run)
        return self._run_of(agent, await self.desk.tree(tenant, row.run))

    # ------------------------------------------------------------ plans and payments

    @property
    def plans(self) -> PlanDesk:
        """Who has which plan."""
        return self._open.plans

    async def payment_event(self, headers: Mapping[str, str], body: bytes) -> PaymentOutcome:
        """Take a webhook of a payment provider: the body byte for byte as it came.

        It is verified and carried out once, however often it comes; runs under way are told. Raises
        `WebhookRefused` for a forged, stale or damaged one, `ConfigError` where plans or secrets
        are missing, `StoreError` when the journal fails: then it must be sent again.
        """
        return await self._open.till.receive(headers, body)

    async def checkout_url(
        self, plan: str, *, tenant: str = LOCAL_TENANT, user: str = LOCAL_USER
    ) -> str | None:
        """Where a user buys a plan: its payment link with a signed reference; None if not sold.

        Raises `ConfigError` where the plan is not declared.
        """
        holder = holder_name(self.plans.declared, tenant, user)
        await self.plans.introduce(tenant, holder)
        return self._open.gate.checkout_url(tenant, holder, plan)

    async def undo(
        self,
        run: str,
        *,
        principal: str = LOCAL_USER,
        tenant: str = LOCAL_TENANT,
        doubtful: Collection[str] = (),
    ) -> Run[str]:
        """Take back what an ended run did, newest first, in a run of its own.

        Each compensation is judged and journalled like any call. Only `success` is True when all
        took place; the output names those that did not. What is in doubt is taken back only where
        `doubtful` names it (RUN/CALL). Raises `NotFound`, `SpecError`, `NotAllowed`.
        """
        reader = self.engine.reader
        agent, wish = await wish_to_undo(reader, tenant, run, self._agents, principal, doubtful)
        return await self._outcome(agent, tenant, await self.launch(agent, wish))

    async def _outcome(self, agent: Agent[T], tenant: str, run: str) -> Run[T]:
        await self.engine.settled(tenant, run)
        state = self.engine.final.pop((tenant, run), None)
        if state is not None and state.phase == "ended":
            return self._run_of(agent, [state])
        return self._run_of(agent, await self.desk.tree(tenant, run))

    def _run_of(self, agent: Agent[T], tree: list[State]) -> Run[T]:
        return run_of(agent, tree, self._open.gate.upgrade_of)

    async def _known(self, tenant: str, run: str) -> tuple[RunRow, Agent[object]]:
        """The row of a run's root, and its agent. Raises `NotFound`, `SpecError`."""
        row = await self.store.run(tenant, root_of(run))
        if row is None:
            raise NotFound(f"there is no run {run} of tenant {tenant}")
        agent = self._agents.get(row.agent)
        if agent is None:
            raise SpecError(f"run {run}: its agent {row.agent!r} is not registered with this app")
        return row, agent

    def _spec_of(self, agent: Agent[T]) -> AgentSpec:
        spec = self.specs.get(agent.name)
        if spec is None or self._roots[agent.name] is not agent:
            raise SpecError(
                f"the agent {agent.name!r} is not registered: App(agents=[{agent.name}])"
            )
        return spec
