"""What a run gets when it starts: prices, accounts, environment; and whether the code fits it."""

import json
from typing import Literal, cast

from remit.errors import ConfigError, NotAllowed, SpecError
from remit.journal.events import AccountLimit
from remit.machine.agent import Agent
from remit.machine.spec import AgentSpec
from remit.machine.state import State
from remit.runtime.services import Services
from remit.values.account import OWN, account, resolve
from remit.values.clean import Clean
from remit.values.price import ModelPrice

Environment = Literal["dev", "ci", "production"]


def environment_of(services: Services) -> Environment:
    """The declared environment. Raises `ConfigError` for an unknown one."""
    if services.environment not in ("dev", "ci", "production"):
        raise ConfigError(
            f"environment {services.environment!r}: it is one of dev, ci and production"
        )
    return cast("Environment", services.environment)


def check_startable(services: Services, spec: AgentSpec) -> None:
    """Raise `UnpricedModel` or `ConfigError` unless all models of an agent can be paid and reached.

    Sub-agents too: what cannot work is said before anything is spent.
    """
    for agent in (spec, *spec.agents):
        prices_of(services, agent)
        services.model(agent.model.partition(":")[0])
        if agent is not spec:
            check_startable(services, agent)


def session_is_active(session: str, run: str) -> NotAllowed:
    """The error of whoever starts a second run in a session."""
    return NotAllowed(
        f"the session {session} has an active run, {run}: wait until it has ended, or cancel it"
    )


def prices_of(services: Services, spec: AgentSpec) -> tuple[ModelPrice, ...]:
    """The prices of the models a run may use, as of now. Raises `UnpricedModel`."""
    return (services.prices.price(spec.model),)


def accounts_of(
    spec: AgentSpec, session: str, parent: State | None = None
) -> tuple[AccountLimit, ...]:
    """The accounts a run draws on: its own, its session's, and all of its parent's."""
    limits = spec.limits
    own = [AccountLimit(account=account("run", OWN, "nano"), limit=limits.cost_nano)]
    if limits.tokens is not None:
        own.append(AccountLimit(account=account("run", OWN, "tokens"), limit=limits.tokens))
    if limits.session_cost_nano is not None:
        name = account("session", session, "nano")
        own.append(AccountLimit(account=name, limit=limits.session_cost_nano))
    if limits.session_tokens is not None:
        name = account("session", session, "tokens")
        own.append(AccountLimit(account=name, limit=limits.session_tokens))
    if parent is None:
        return tuple(own)
    known = {limit.account for limit in own}
    inherited = (
        AccountLimit(account=resolve(above.account, parent.run), limit=above.limit)
        for above in parent.accounts
    )
    return (*own, *(above for above in inherited if above.account not in known))


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
