"""The plan of a run: its accounts, what is outside it, and what happens when it changes."""

from remit.journal.events import (
    AccountLimit,
    InboxIgnored,
    PlanChanged,
    PlanRefused,
    RunStopping,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.machine.draft import Draft
from remit.machine.inputs import Input
from remit.machine.paging import read_result
from remit.machine.spec import AgentSpec, ToolSpec
from remit.machine.state import State
from remit.policy.permission import Verdict
from remit.policy.plan import includes
from remit.values.account import resolve
from remit.values.clean import Clean

UPGRADE = "upgrade-required"
"""The reason of a run that ends because its plan gives no more."""


def on_plan_changed(draft: Draft, fact: PlanChanged, _given: Input) -> None:
    """The holder has another plan; a letter that a newer one has overtaken says nothing."""
    known = draft.state.plan
    if known is not None and fact.plan.number <= known.number:
        reason = Clean.vouch("newer terms are in force already")
        draft.add(InboxIgnored(what="PlanChanged", ref=fact.plan.name, reason=reason))
        return
    draft.add(fact)


def refuse_outside(draft: Draft) -> bool:
    """Stop before anything is sent where the plan includes not this agent, or not its model."""
    plan, spec = draft.state.plan, draft.state.spec
    if plan is None:
        return False
    missing = _outside(plan, spec)
    if missing is None:
        return False
    draft.add(missing)
    text = f"the plan {plan.name} does not include the {missing.what} {missing.name}"
    draft.add(RunStopping(reason=UPGRADE, detail=Clean.vouch(text)))
    return True


def _outside(plan: PlanTerms, spec: AgentSpec) -> PlanRefused | None:
    if not includes(plan.agents, spec.name):
        return PlanRefused(plan=plan.name, what="agent", name=spec.name)
    if not any(includes(plan.models, each.model) for each in spec.candidates):
        return PlanRefused(plan=plan.name, what="model", name=spec.model)
    return None


def denied_by_plan(state: State, tool: ToolSpec) -> Verdict | None:
    """The verdict on a tool that is outside the plan, or hands over to an agent that is.

    Reading on in a result and giving the final answer are no tools that a plan could sell.
    """
    plan = state.plan
    if plan is None or tool.kind == "final" or tool.name == read_result.name:
        return None
    if tool.kind == "agent":
        below = state.spec.agent(tool.agent)
        missing = None if below is None else _outside(plan, below)
        what = "" if missing is None else f"the {missing.what} {missing.name}"
    else:
        what = "" if includes(plan.tools, tool.name) else "this tool"
    if not what:
        return None
    return Verdict("deny", f"plan.{plan.name}", f"the plan {plan.name} does not include {what}")


def plan_below(parent: State) -> PlanTerms | None:
    """The plan as a sub-run has it: what it limits of a run are the parent's accounts."""
    plan = parent.plan
    if plan is None:
        return None
    accounts = tuple(
        AccountLimit(account=resolve(each.account, parent.run), limit=each.limit, plan=each.plan)
        for each in plan.accounts
    )
    return plan.model_copy(update={"accounts": accounts})


def was_turned_away(state: State) -> bool:
    """The run ended at the gate: its prompt was never sent, so no conversation holds it."""
    return state.reason == UPGRADE and state.turns == 0
