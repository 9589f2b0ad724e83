"""Which of its models a run asks next, from what is known of their health, its plan and itself."""

from remit.journal.events import ModelSwitched
from remit.machine.counting import counted_for
from remit.machine.draft import Draft
from remit.machine.state import ModelCall, State
from remit.policy.plan import includes
from remit.policy.routing import ranked


def affordable_by_plan(state: State) -> tuple[str, ...]:
    """The models that the run's plan includes."""
    names = (each.model for each in state.spec.candidates)
    return tuple(name for name in names if state.plan is None or includes(state.plan.models, name))


def askable(draft: Draft) -> tuple[str, ...]:
    """The models that may be asked now, the first choice first; what is open comes last."""
    state, world = draft.state, draft.world
    if not state.spec.models and state.plan is None:  # there is only one, and most have no plan
        return () if state.spec.model in state.lost else (state.spec.model,)
    included = affordable_by_plan(state)
    outside = [each.model for each in state.spec.candidates if each.model not in included]
    return ranked(
        state.spec.candidates,
        world.jitter,
        favourite=state.favourite,
        health=world.health,
        lost=(*state.lost, *outside),
    )


def choose(draft: Draft, again: ModelCall | None) -> str | None:
    """The model to ask; `again` is the call that failed before. None: there is none left.

    Each is asked as often as the others, before one is asked more often. Of those that are as
    good, the one whose request was counted: the dice would choose another, to be counted in turn.
    """
    order = askable(draft)
    if not order:
        return None
    health, counted = draft.world.health, counted_for(draft.state, again)
    if again is None and not counted:
        return order[0]
    tried = () if again is None else again.tried

    def rank(model: str) -> tuple[bool, int, bool, int]:
        is_open = health.get(model) == "open"
        return is_open, tried.count(model), model != counted, order.index(model)

    return min(order, key=rank)


def say_switch(draft: Draft, call: str, attempt: int, model: str, again: ModelCall | None) -> None:
    """Journal that another model is asked than before, and why."""
    before = draft.state.favourite if again is None else again.model
    if not before or model == before:
        return
    reason = again.failed_by if again is not None else _why_not(draft, before)
    draft.add(
        ModelSwitched(call=call, attempt=attempt, model=model, instead_of=before, reason=reason)
    )


def _why_not(draft: Draft, model: str) -> str:
    """Why the model that answered last is not asked again."""
    return "open" if draft.world.health.get(model) == "open" else "lost"
