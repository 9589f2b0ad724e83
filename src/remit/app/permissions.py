"""What the settings add to agents: rules, delays, rates, modes; and what they refuse.

A run keeps its rules: they stand in the declaration that it was started with, so its decisions
can be made again from the journal alone.
"""

from remit.app.config import FILE, Settings
from remit.errors import ConfigError, SpecError
from remit.machine.authority import all_below, without_authority
from remit.machine.hooks import with_hooks
from remit.machine.spec import AgentSpec, HookSpec
from remit.policy.permission import Rule
from remit.policy.where import Where

BUILT_IN = "built in"
"""The source of the rules that every agent has unless the settings say otherwise."""

DEFAULT_RULES: tuple[Rule, ...] = (
    Rule(
        id="builtin.metadata",
        effect="deny",
        tool="*",
        where=(Where(name="*", danger=("metadata",)),),
        reason="a cloud's metadata service gives away the keys of the machine",
        source=BUILT_IN,
    ),
)
"""Safe for every agent: no task needs what they deny."""


def governed(spec: AgentSpec, settings: Settings, hooks: tuple[HookSpec, ...] = ()) -> AgentSpec:
    """The declaration with what settings and app add, for it and the agents below it.

    These are the rules, delays and rates of the settings, and the hooks of the app.

    Raises `SpecError` for an action without authority, `ConfigError` for a mode that this
    environment has not.
    """
    made = _with_rules(spec, settings, hooks)
    for each in all_below(made):
        _check_mode(each, settings)
        mode = each.mode or settings.modes.default
        for tool in without_authority(each.tools, each.rules, mode):
            raise SpecError(
                f"agent {each.name!r}: {tool.name!r} has no authority: write a rule for it into "
                f"{FILE}, or say Remit(approvals={{'{tool.name}': 1}})"
            )
    return made


def _with_rules(spec: AgentSpec, settings: Settings, hooks: tuple[HookSpec, ...]) -> AgentSpec:
    extra = (*(DEFAULT_RULES if settings.default_rules else ()), *settings.rules)
    return spec.model_copy(
        update={
            "rules": (*spec.rules, *(rule.bare for rule in extra)),
            "delays": (*spec.delays, *settings.delays),
            "set_rates": settings.rates,
            "hooks": with_hooks(spec.hooks, hooks),
            "agents": tuple(_with_rules(agent, settings, hooks) for agent in spec.agents),
        }
    )


def _check_mode(spec: AgentSpec, settings: Settings) -> None:
    if settings.environment != "production":
        return
    if spec.mode == "bypass":
        raise ConfigError(
            f"agent {spec.name!r}: production has no mode bypass; say mode='auto' with deny rules, "
            "or rules that allow what it needs"
        )
    if settings.modes.may_bypass:
        raise ConfigError(
            f"{FILE}: modes: production has no mode bypass; say auto, default or plan"
        )
