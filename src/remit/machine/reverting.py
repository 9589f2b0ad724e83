"""What a declaration becomes under reverts: another prompt, another model, nothing else."""

from collections.abc import Iterable, Mapping

from remit.journal.facts_of_switches import Reverted
from remit.machine.spec import AgentSpec
from remit.policy.routing import Candidate


def agents_in(spec: AgentSpec) -> frozenset[str]:
    """The names of an agent and of all below it."""
    return frozenset({spec.name}.union(*(agents_in(each) for each in spec.agents)))


def concerning(reverts: Iterable[Reverted], spec: AgentSpec) -> tuple[Reverted, ...]:
    """Those of an agent and of the agents below it."""
    names = agents_in(spec)
    return tuple(each for each in reverts if each.agent in names)


def reverted(
    spec: AgentSpec, prompts: Mapping[str, AgentSpec], models: Mapping[str, str]
) -> AgentSpec:
    """The declaration with the prompts of earlier ones and with other models, by agent.

    Tools, rules, limits and phase stay those that are declared now, whatever the earlier
    declaration had. A model takes the place of those that share the calls; the declared fallbacks
    stay behind it.
    """
    changed: dict[str, object] = {}
    old = prompts.get(spec.name)
    if old is not None:
        changed |= {"instructions": old.instructions, "prompt": old.prompt}
    model = models.get(spec.name)
    if model is not None:
        candidates = _with_model(spec, model)
        changed |= {"model": model, "models": candidates if len(candidates) > 1 else ()}
    if spec.agents:
        changed["agents"] = tuple(reverted(each, prompts, models) for each in spec.agents)
    return spec.model_copy(update=changed) if changed else spec


def _with_model(spec: AgentSpec, model: str) -> tuple[Candidate, ...]:
    fallbacks = (each for each in spec.candidates if each.weight == 0 and each.model != model)
    return (Candidate(model=model), *fallbacks)
