"""What a run gets when it starts: prices, accounts, environment; and whether the code fits it."""

import json
from collections.abc import Iterable, Iterator
from typing import Literal, cast

from remit.errors import ConfigError, NotAllowed, SpecError
from remit.journal.events import AccountLimit
from remit.journal.rows import LimitLine
from remit.machine.agent import Agent
from remit.machine.spec import AgentSpec
from remit.machine.state import State
from remit.policy.allowance import Budget, Spender, accounts_for, strictest
from remit.policy.pinning import unpinned
from remit.runtime.services import Services
from remit.values.account import EVERYONE, OWN, account, resolve
from remit.values.clean import Clean
from remit.values.price import ModelPrice

OWN_PROVIDER = "remit:"
"""The prefix of what stands in a model's place and is none."""

Environment = Literal["dev", "ci", "production"]


def environment_of(services: Services) -> Environment:
    """The declared environment. Raises `ConfigError` for an unknown one."""
    if services.environment not in ("dev", "ci", "production"):
        raise ConfigError(
            f"environment {services.environment!r}: it is one of dev, ci and production"
        )
    return cast("Environment", services.environment)


def check_startable(services: Services, spec: AgentSpec) -> None:
    """Raise unless all models of an agent can be paid and reached, and are pinned to a version.

    `UnpricedModel`, `ConfigError` and `SpecError` say which is not.

    Sub-agents too: what cannot work is said before anything is spent.
    """
    for agent in (spec, *spec.agents):
        prices_of(services, agent)
        for each in agent.candidates:
            services.model(each.model.partition(":")[0])
            problem = unpinned(each.model, services.floating_models)
            if problem is not None:
                raise SpecError(f"agent {agent.name!r}: {problem}")
        if agent is not spec:
            check_startable(services, agent)


def session_is_active(session: str, run: str) -> NotAllowed:
    """The error of whoever starts a second run in a session."""
    return NotAllowed(
        f"the session {session} has an active run, {run}: wait until it has ended, or cancel it"
    )


def prices_of(services: Services, spec: AgentSpec) -> tuple[ModelPrice, ...]:
    """The prices of the models a run may use, as of now. Raises `UnpricedModel`."""
    return tuple(_price(services, each.model) for each in spec.candidates)


def _price(services: Services, model: str) -> ModelPrice:
    if model.startswith(OWN_PROVIDER):  # our own code: nobody bills it
        return ModelPrice(model=model, input=0, output=0, cache_read=0, cache_write=0)
    return services.prices.price(model)


def accounts_of(
    spec: AgentSpec,
    spender: Spender,
    *,
    budgets: Iterable[Budget] = (),
    set_limits: Iterable[LimitLine] = (),
    parent: State | None = None,
) -> tuple[AccountLimit, ...]:
    """The accounts a run draws on, each with the strictest of the limits declared for it.

    They are declared by its agent and by the settings (`budgets`), and set by operators; a sub-run
    draws on all of its parent's too.
    """
    above: tuple[AccountLimit, ...] = ()
    if parent is not None:
        above = tuple(
            limit.model_copy(update={"account": resolve(limit.account, parent.run)})
            for limit in parent.declared
        )
    declared = strictest(
        _own_limits(spec, spender),
        accounts_for(spender, spec.budgets),
        accounts_for(spender, budgets),
        above,
    )
    known = {limit.account for limit in declared}
    return (
        *declared,
        *(each for each in _set_for(spender, set_limits) if each.account not in known),
    )


def _own_limits(spec: AgentSpec, spender: Spender) -> Iterator[AccountLimit]:
    """What the agent's remit says of a run and its session."""
    limits, session = spec.limits, spender.session
    amounts: tuple[tuple[str, int | None], ...] = (
        (account("run", OWN, "nano"), limits.cost_nano),
        (account("run", OWN, "tokens"), limits.tokens),
        (account("session", session, "nano"), limits.session_cost_nano),
        (account("session", session, "tokens"), limits.session_tokens),
        (account("session", session, "nano", "alert"), limits.session_alert_nano),
    )
    for name, amount in amounts:
        if amount is not None:
            yield AccountLimit(account=name, limit=amount)


def _set_for(spender: Spender, set_limits: Iterable[LimitLine]) -> Iterator[AccountLimit]:
    """Accounts that only an operator limited: the run draws on them too."""
    lines = {line.account: line.limit for line in set_limits if line.limit is not None}
    for line in sorted(lines):
        scope, _, rest = line.partition(":")
        name, _, tail = rest.partition("|")
        for kind, holder in spender.holders:
            own = f"{kind}:{holder}|{tail}"
            if scope == kind and (name == holder or (name == EVERYONE and own not in lines)):
                yield AccountLimit(account=own, limit=lines[line])


def spender_of(state: State, agent: str) -> Spender:
    """Who pays for a sub-run: as its parent, and the agent it is one of."""
    return Spender(
        tenant=state.tenant,
        user=state.user,
        session=state.session,
        agent=agent,
        run=OWN,
        labels=state.labels,
    )


def limit_prefixes(spender: Spender) -> tuple[str, ...]:
    """Beginnings of the names under which operators may have set limits for a run."""
    return tuple(f"{scope}:{name}|" for scope, own in spender.holders for name in (own, EVERYONE))


def brief_of(arguments: str) -> Clean:
    """The brief in the arguments of a call to a sub-agent."""
    return Clean.vouch(str(json.loads(arguments).get("brief", "")))


def check_compatible(stored: AgentSpec, agent: Agent[object]) -> None:
    """Raise `SpecError` unless today's code can carry out what the stored declaration promises.

    The stored prompt, limits and rules stay in force; only the tools' contracts must be the same.
    """
    for tool in stored.tools:
        if tool.kind != "function":
            continue
        today = agent.tool(tool.name)
        if today is None or today.spec.contract != tool.contract:
            state = "is gone" if today is None else "has another contract"
            raise SpecError(
                f"agent {stored.name!r}: the tool {tool.name!r} {state} since the run started; "
                "deploy the old version to finish the run, or cancel it"
            )
