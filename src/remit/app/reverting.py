"""Reverts an agent's prompt or model while the program runs, and takes that back."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from remit.app.desk import Desk
from remit.app.prompt_versions import PromptVersion, models, prompts, rows_of
from remit.app.switching import tenant_of
from remit.errors import NotAllowed, NotFound, UsageError
from remit.journal.facts_of_switches import Reverted
from remit.journal.rows import Blob, RunRow
from remit.machine.agent import Agent
from remit.machine.reverting import agents_in, reverted
from remit.machine.spec import AgentSpec, canonical
from remit.policy.pinning import unpinned
from remit.policy.revert import MAX_TO, InForce, Revert, What, in_force, revert_of
from remit.ports import Store
from remit.runtime.reader import Reader
from remit.runtime.services import Services
from remit.runtime.starting import OWN_PROVIDER
from remit.values.account import OPERATOR
from remit.values.ids import check_name

_SHORTEST = 6  # characters of a digest: what tools show of it, or more
_DECLARATIONS = 1_000  # of one agent, in all its tenants, that are looked through for a prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverts:
    """Reverts of prompts and models: switches, in the book of switches, for all processes.

    `tenant=None` is for everybody. New runs follow within a second; those under way keep what
    they started with.
    """

    desk: Desk
    agents: Mapping[str, Agent[object]] | None
    """The agents of this program; None: those that the journal knows."""
    check: Callable[[str], None]
    """Raises for a model that could not serve a run: unpriced, floating, without a provider."""

    async def revert_prompt(
        self,
        agent: str,
        version: str,
        *,
        principal: str,
        reason: str,
        tenant: str | None = None,
        until_ms: int | None = None,
    ) -> InForce:
        """Use the prompt of an earlier run again.

        `version` is the digest of the declaration that the run recorded, or of the prompt's text,
        or the beginning of one; or the prompt's name and version as they were declared. Raises
        `NotFound`, `UsageError` where it means several, `NotAllowed` where the text was erased.
        """
        rows = await self._rows(agent, tenant)
        spec = await self._recorded(agent, rows, version)
        revert = Revert(agent=agent, what="prompt", to=spec.digest, tenant=tenant or "")
        # Whoever starts a run finds the text where the revert's book is, for every tenant.
        holder = tenant_of(revert.target)
        await self.desk.store.put_blob(holder, Blob(spec.digest, canonical(spec)))
        return await self._enter(revert, principal, reason, until_ms)

    async def revert_model(
        self,
        agent: str,
        model: str,
        *,
        principal: str,
        reason: str,
        tenant: str | None = None,
        until_ms: int | None = None,
    ) -> InForce:
        """Use another model, `provider:name`, in place of those that share the calls.

        Raises `NotFound` for an unknown agent, `NotAllowed` for a model that could not serve.
        """
        await self._check_agent(agent)
        if tenant is not None:
            check_name("tenant", tenant)
        revert = Revert(agent=agent, what="model", to=model, tenant=tenant or "")
        provider, _, name = model.partition(":")
        if not (provider and name) or model.startswith(OWN_PROVIDER):
            raise NotAllowed(
                f"{model!r} names no model: write it as 'anthropic:claude-haiku-4-5-20251001'"
            )
        if revert_of(revert.target) is None:
            raise NotAllowed(
                f"the name of a model is up to {MAX_TO} printable characters without spaces"
            )
        try:
            self.check(model)
        except UsageError as exc:
            raise NotAllowed(f"agent {agent!r} cannot be reverted to {model!r}: {exc}") from exc
        return await self._enter(revert, principal, reason, until_ms)

    async def lift(
        self,
        agent: str,
        what: What | None = None,
        *,
        principal: str,
        reason: str = "",
        tenant: str | None = None,
    ) -> tuple[Revert, ...]:
        """Use what is deployed again; which reverts there were. Without `what` both are lifted."""
        found = []
        for switch in await self.desk.store.switches():
            revert = revert_of(switch.target)
            if (
                revert is not None
                and (revert.agent, revert.tenant) == (agent, tenant or "")
                and what in (None, revert.what)
            ):
                await self.desk.switch_on(switch.target, principal=principal, reason=reason)
                found.append(revert)
        return tuple(found)

    async def current(self, tenant: str, agent: str | None = None) -> tuple[InForce, ...]:
        """What counts now for a tenant; `*`: what counts for everybody."""
        switches = await self.desk.store.switches()
        found = in_force(switches, tenant, self.desk.clock.now_ms())
        return tuple(each for each in found if agent in (None, each.revert.agent))

    async def versions(self, agent: str, tenant: str | None = None) -> tuple[PromptVersion, ...]:
        """The prompts that its runs recorded, the newest first. Raises `NotFound`."""
        return await prompts(self.desk.reader, await self._rows(agent, tenant))

    async def models(self, agent: str, tenant: str | None = None) -> tuple[str, ...]:
        """The models that its runs were declared with, the newest first."""
        return await models(self.desk.reader, await self._rows(agent, tenant))

    async def _rows(self, agent: str, tenant: str | None) -> list[RunRow]:
        """The runs of an agent that is known. Raises `NotFound`, `ConfigError`."""
        await self._check_agent(agent)
        if tenant is not None:
            check_name("tenant", tenant)
        return await rows_of(self.desk.store, tenant, agent)

    async def _check_agent(self, agent: str) -> None:
        if self.agents is None:
            if not await rows_of(self.desk.store, None, agent):
                raise NotFound(f"the journal knows no agent {agent!r}: no run of it is recorded")
            return
        here = self.agents.get(agent)
        if here is None:
            raise NotFound(f"this program has no agent {agent!r}")
        if here.model.startswith(OWN_PROVIDER):
            raise NotAllowed(f"the agent {agent!r} takes back what others did; it has no prompt")

    async def _recorded(self, agent: str, rows: Sequence[RunRow], version: str) -> AgentSpec:
        """The recorded declaration whose prompt a version names."""
        given = version.strip()
        distinct = _distinct(rows)
        meant = [row for row in distinct if _names(given, row.spec)]
        found = await self._stored(meant)
        if {row.spec for row in meant} - {spec.digest for spec in found}:
            raise NotAllowed(
                f"the prompt {given!r} of agent {agent!r} cannot be used again: its text was erased"
            )
        if not meant:
            found = [
                spec
                for spec in await self._stored(distinct)
                if _names(given, spec.prompt_digest) or given == spec.prompt
            ]
        texts = {spec.prompt_digest: spec for spec in reversed(found)}
        if not texts or not given:
            raise NotFound(
                f"no run of agent {agent!r} recorded a prompt {given!r}; "
                "`remit revert versions` lists those that are recorded"
            )
        if len(texts) > 1:
            names = ", ".join(sorted(digest[:12] for digest in texts))
            raise UsageError(f"{given!r} means several prompts: {names}; say one by its digest")
        return next(iter(texts.values()))

    async def _stored(self, rows: Sequence[RunRow]) -> list[AgentSpec]:
        """The declarations of runs as they lie in the store now; without those erased since."""
        found = []
        for row in rows:
            with suppress(NotFound):
                found.append(await Reader(self.desk.store).spec(row.tenant, row.spec))
        return found

    async def _enter(
        self, revert: Revert, principal: str, reason: str, until_ms: int | None
    ) -> InForce:
        """Put the switch on record, then take away what it replaces.

        In this order two operators at once may leave two, of which the newest counts, never none.
        """
        before = await self.desk.store.switches()
        made = await self.desk.enter(
            revert.target, principal=principal, reason=reason, until_ms=until_ms
        )
        for switch in before:
            known = revert_of(switch.target)
            if known is not None and known.place == revert.place and known.to != revert.to:
                await self.desk.switch_on(
                    switch.target, principal=principal, reason=f"replaced: {reason}"
                )
        return InForce(revert, made)


async def under_reverts(
    services: Services, spec: AgentSpec, tenant: str
) -> tuple[AgentSpec, tuple[Reverted, ...]]:
    """What a run that starts now is declared with, and the reverts that made it so.

    Raises `StoreError` where the switches cannot be read, `NotAllowed` where a prompt that counts
    is not there any more: what an operator took back does not come into use by itself.
    """
    names = agents_in(spec)
    counting = [
        each
        for each in await services.switchboard.reverts(tenant)
        if each.revert.agent in names and not spec.model.startswith(OWN_PROVIDER)
    ]
    if not counting:
        return spec, ()
    old: dict[str, AgentSpec] = {}
    models: dict[str, str] = {}
    for each in counting:
        if each.revert.what == "model":
            models[each.revert.agent] = each.revert.to
        else:
            old[each.revert.agent] = await _prompt_of(services.store, each)
    facts = tuple(
        Reverted(
            agent=each.revert.agent,
            what=each.revert.what,
            to=each.revert.to,
            target=each.switch.target,
            principal=each.switch.principal,
            since_ms=each.switch.since_ms,
        )
        for each in counting
    )
    return reverted(spec, old, models), facts


async def _prompt_of(store: Store, each: InForce) -> AgentSpec:
    revert = each.revert
    try:
        return await Reader(store).spec(revert.tenant or OPERATOR, revert.to)
    except NotFound as exc:
        raise NotAllowed(
            f"the prompt of agent {revert.agent!r} is reverted to {revert.to[:12]} by "
            f"{each.switch.principal}, and that text was erased: revert it to another, or lift it "
            f"with `remit revert lift {revert.agent} prompt`"
        ) from exc


def check_model(services: Services, model: str) -> None:
    """Raise unless a model is pinned, priced, and its provider is set up here."""
    problem = unpinned(model, services.floating_models)
    if problem is not None:
        raise NotAllowed(problem)
    services.prices.price(model)
    services.model(model.partition(":")[0])


def _distinct(rows: Sequence[RunRow]) -> list[RunRow]:
    """The newest run of each declaration in each tenant: erased in one, it may lie in another."""
    found: dict[tuple[str, str], RunRow] = {}
    for row in rows:
        if len(found) < _DECLARATIONS:
            found.setdefault((row.tenant, row.spec), row)
    return list(found.values())


def _names(given: str, digest: str) -> bool:
    return len(given) >= _SHORTEST and digest.startswith(given.lower())
