"""Asks a provider to count a request; whatever goes wrong, the answer is that nobody knows."""

import asyncio
from dataclasses import replace

from remit.errors import RemitError
from remit.journal.events import CountRequested, InputCounted
from remit.machine.conversation import with_results
from remit.machine.inputs import Input
from remit.machine.spec import schemas
from remit.machine.state import State
from remit.ports import InputCounter
from remit.runtime.cleaning import Cleaner
from remit.runtime.effort import effort_for
from remit.runtime.outcome import Outcome
from remit.runtime.services import Services
from remit.values.model import ModelRequest
from remit.values.usage import MOST_TOKENS


async def count_input(
    services: Services, cleaner: Cleaner, state: State, event: CountRequested
) -> Outcome:
    """The tokens of the request that comes next, by the provider's count."""
    started_ms = services.clock.now_ms()
    tokens, why = await _ask(services, state, event, started_ms)
    fact = InputCounted(
        call=event.call,
        tokens=tokens,
        detail=cleaner.error(why),
        latency_ms=services.clock.now_ms() - started_ms,
    )
    return Outcome(Input(kind="outcome", fact=fact), cleaner.rows)


async def _ask(
    services: Services, state: State, event: CountRequested, now_ms: int
) -> tuple[int | None, str]:
    """The count, or None and why there is none."""
    left_s = max(0.0, (event.until_ms - now_ms) / 1000)
    try:
        model = services.model(event.model.partition(":")[0])
        if not isinstance(model, InputCounter):
            return None, "the provider counts nothing"
        async with asyncio.timeout(left_s):
            request = await shown(services, state, request_of(state, event.model))
            tokens = await model.count(request, deadline_s=left_s)
    except asyncio.CancelledError:
        return None, "the run was stopped"
    except TimeoutError:
        return None, f"no count within {left_s:g} s"
    except RemitError as exc:
        return None, str(exc)
    except Exception as exc:  # noqa: BLE001  # an adapter's fault costs the count, not the run
        return None, f"{type(exc).__name__}: {exc}"
    if tokens is None:
        return None, "the provider counts nothing"
    if not 0 < tokens < MOST_TOKENS:
        return None, f"the provider counted {tokens} tokens, which cannot be"
    return tokens, ""


def request_of(state: State, model: str) -> ModelRequest:
    """What would be sent next: what is sent after the count has the same input.

    Without the bytes of images and documents.
    """
    spec = state.spec
    return ModelRequest(
        model=model.partition(":")[2],
        system=spec.instructions,
        messages=with_results(state).messages,
        tools=schemas(spec),
        max_output_tokens=spec.max_output_tokens,
        thinking_tokens=spec.thinking_tokens,
        effort=effort_for(model, spec.effort),
        stream=False,
    )


async def shown(services: Services, state: State, request: ModelRequest) -> ModelRequest:
    """The request with the bytes of the images and documents in its conversation.

    Raises `ProviderError` where they cannot be had.
    """
    if not state.shows:
        return request
    media = await services.media.of(services.store, state.tenant, request.messages)
    return replace(request, media=media)
