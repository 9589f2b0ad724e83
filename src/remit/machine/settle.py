"""Outcomes of model calls: settle the holds, judge what was proposed, plan a retry."""

from remit.journal.events import (
    ModelCompleted,
    ModelDrifted,
    ModelFailed,
    OutputEscalated,
    RetryPlanned,
    RunStopping,
)
from remit.machine.choosing import askable
from remit.machine.draft import Draft
from remit.machine.inputs import Input
from remit.machine.judging import judge_calls
from remit.machine.state import ModelCall
from remit.policy.budget import posts_for, posts_in_full, voids, worst_case
from remit.policy.pinning import drifted
from remit.policy.retrying import Failure, Means, next_try
from remit.values.usage import Usage

# Each step to a larger limit: two lead from what a short answer needs to what any needs.
_ESCALATION = 4
# A call that the run's own time cuts ends 50 ms before it, so that its outcome is still journalled
# (`remit.runtime.perform`); as long again for a busy machine.
_NEARLY_MS = 100
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
    """A model answered: settle, then judge every call it proposes.

    An answer that was cut is asked for again with a larger limit, before anything comes of it.
    """
    model = _current(draft, fact.call, fact.attempt)
    if model is None:
        return
    price = draft.state.price(model.model).served(fact.service_tier)
    posts = posts_for(model.holds, price, fact.usage)
    over = any(post.amount > hold.amount for post, hold in zip(posts, model.holds, strict=True))
    settled = {"cost": price.cost(fact.usage), "posts": posts, "over_hold": over}
    draft.add(fact.model_copy(update=settled))
    _note_drift(draft, model, fact)
    larger = _larger_limit(draft, model) if fact.stop == "max_tokens" else None
    if larger is None:
        judge_calls(draft, given.inspections)
    else:
        draft.add(OutputEscalated(call=fact.call, attempt=fact.attempt, max_output_tokens=larger))


def _note_drift(draft: Draft, model: ModelCall, fact: ModelCompleted) -> None:
    pair = (model.model, fact.model)
    if drifted(*pair) and pair not in draft.state.drifted:
        draft.add(ModelDrifted(call=fact.call, asked=model.model, answered=fact.model))


def _larger_limit(draft: Draft, model: ModelCall) -> int | None:
    """The next output limit of an answer that was cut; None where there is none."""
    state = draft.state
    limit = state.output_limit or state.spec.max_output_tokens
    if model.max_output_tokens < limit or draft.state.phase == "stopping":
        return None  # it was money that set the limit
    larger = min(limit * _ESCALATION, state.spec.output_ceiling)
    return larger if larger > limit else None


def on_model_failed(draft: Draft, fact: ModelFailed, _given: Input) -> None:
    """A model call failed: settle from what is known, then try again or give up.

    What may have been answered and billed is posted in full, unless its usage is known.
    """
    model = _current(draft, fact.call, fact.attempt)
    if model is None:
        return
    price = draft.state.price(model.model)
    settled: dict[str, object] = {"model": model.model}
    if fact.usage == Usage():
        settled["posts"] = voids(model.holds)  # it was not sent: no call was made either
    elif fact.usage is not None:
        settled["posts"] = posts_for(model.holds, price, fact.usage)
        settled["cost"] = price.cost(fact.usage)
    elif fact.kind not in _UNBILLED:
        settled["posts"] = posts_in_full(model.holds)
        settled["cost"] = worst_case(price, model.input_bound, model.max_output_tokens)
        settled["assumed"] = True
    else:
        settled["posts"] = voids(model.holds)
    draft.add(fact.model_copy(update=settled))
    if draft.state.phase == "stopping":
        return
    if _was_cut_by_the_clock(draft, fact):
        _wrap_up_or_stop(draft, fact)
    else:
        _retry_or_stop(draft, model, fact)


def _was_cut_by_the_clock(draft: Draft, fact: ModelFailed) -> bool:
    """It was the run's own time that was over, not the provider's patience."""
    state, now_ms = draft.state, draft.world.now_ms
    return fact.kind == "timeout" and not state.wrapping and now_ms + _NEARLY_MS >= state.soft_ms


def _wrap_up_or_stop(draft: Draft, fact: ModelFailed) -> None:
    """The time that was kept back is for a last answer: no backoff may use it up."""
    state, now_ms = draft.state, draft.world.now_ms
    if now_ms < state.deadline_ms - _NEARLY_MS and askable(draft):
        at_ms = max(now_ms, state.soft_ms)
        draft.add(RetryPlanned(call=fact.call, attempt=fact.attempt + 1, at_ms=at_ms))
    else:
        draft.add(RunStopping(reason="deadline", detail=fact.detail))


def _retry_or_stop(draft: Draft, model: ModelCall, fact: ModelFailed) -> None:
    state, world, limits = draft.state, draft.world, draft.state.spec.limits
    failure = Failure(
        kind=fact.kind,
        model=model.model,
        attempt=fact.attempt,
        tried=(*model.tried, model.model),
        retries=state.retries,
        retry_after_ms=fact.retry_after_ms,
    )
    means = Means(
        models=askable(draft),
        attempts=limits.model_attempts,
        retries=limits.model_retries,
        now_ms=world.now_ms,
        deadline_ms=state.deadline_ms,
        jitter=world.jitter,
        unattended=limits.unattended,
    )
    at_ms = next_try(failure, means)
    if at_ms is not None:
        draft.add(RetryPlanned(call=fact.call, attempt=fact.attempt + 1, at_ms=at_ms))
    elif state.wrapping:
        draft.add(RunStopping(reason="deadline", detail=fact.detail))
    else:
        draft.add(RunStopping(reason=f"provider.{fact.kind}", detail=fact.detail))
