"""Outcomes of model calls: settle the holds, judge what was proposed, plan a retry."""

from remit.journal.events import ModelCompleted, ModelFailed, RetryPlanned, RunStopping
from remit.machine.draft import Draft
from remit.machine.inputs import Input
from remit.machine.judging import judge_calls
from remit.machine.state import ModelCall
from remit.policy.budget import posts_for, posts_in_full, voids, worst_case
from remit.policy.limits import backoff_ms
from remit.values.model import TRANSIENT

# The provider said no before it generated anything, or was not reached at all. Any other failure
# may have been billed, the ones we do not know included.
_UNBILLED = frozenset(
    {
        "rate_limited",
        "overloaded",
        "server",
        "connection",
        "auth",
        "bad_request",
        "not_found",
        "too_large",
        "billing",
    }
)


def _current(draft: Draft, call: str, attempt: int) -> ModelCall | None:
    model = draft.state.model
    if model is None or model.retry_at_ms is not None:
        return None
    return model if (model.call, model.attempt) == (call, attempt) else None


def on_model_completed(draft: Draft, fact: ModelCompleted, given: Input) -> None:
    """A model answered: settle, then judge every call it proposes."""
    model = _current(draft, fact.call, fact.attempt)
    if model is None:
        return
    price = draft.state.price()
    posts = posts_for(model.holds, price, fact.usage)
    over = any(post.amount > hold.amount for post, hold in zip(posts, model.holds, strict=True))
    settled = {"cost": price.cost(fact.usage), "posts": posts, "over_hold": over}
    draft.add(fact.model_copy(update=settled))
    judge_calls(draft, given.inspections)


def on_model_failed(draft: Draft, fact: ModelFailed, _given: Input) -> None:
    """A model call failed: settle from what is known, then try again or give up.

    What may have been answered and billed is posted in full, unless its usage is known.
    """
    model = _current(draft, fact.call, fact.attempt)
    if model is None:
        return
    price = draft.state.price()
    if fact.usage is not None:
        settled = {
            "posts": posts_for(model.holds, price, fact.usage),
            "cost": price.cost(fact.usage),
        }
    elif fact.kind not in _UNBILLED:
        worst = worst_case(price, model.input_bound, model.max_output_tokens)
        settled = {"posts": posts_in_full(model.holds), "cost": worst, "assumed": True}
    else:
        settled = {"posts": voids(model.holds)}
    draft.add(fact.model_copy(update=settled))
    if draft.state.phase != "stopping":
        _retry_or_stop(draft, fact)


def _retry_or_stop(draft: Draft, fact: ModelFailed) -> None:
    state, world = draft.state, draft.world
    in_doubt = fact.kind == "in_doubt"
    transient = in_doubt or fact.kind in TRANSIENT
    if not transient or state.failures >= state.spec.limits.model_attempts:
        draft.add(RunStopping(reason=f"provider.{fact.kind}", detail=fact.detail))
        return
    wait = 0 if in_doubt else backoff_ms(fact.attempt, world.jitter, fact.retry_after_ms)
    at_ms = world.now_ms + wait
    if world.now_ms < state.deadline_ms <= at_ms:
        draft.add(RunStopping(reason=f"provider.{fact.kind}", detail=fact.detail))
        return
    draft.add(RetryPlanned(call=fact.call, attempt=fact.attempt + 1, at_ms=at_ms))
