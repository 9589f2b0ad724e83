"""The model of undo runs: it asks for the steps of a plan, one after another, and reports."""

import asyncio
from collections.abc import Callable

from remit.projections.undoing import Step, read_plan
from remit.values.message import Message, ResultPart, TextPart
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawCall, RawText
from remit.values.usage import Usage

UNDONE = "undone"
NOT_UNDONE = "not undone"


class Undoer:
    """No model at all: our own code in a model's place, so that undoing is governed like acting.

    The plan is the newest text of the user. A step that fails does not keep the others from being
    tried; one in doubt is left to a human. The answer names what was not undone.
    """

    provider = "remit"

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The next compensation, or the report. Raises `ProviderError` for what is no plan."""
        del deadline_s, emit  # it answers at once, and nobody reads along
        await asyncio.sleep(0)
        plan, told = _progress(request.messages)
        due = [step for step in plan if not step.doubt]
        if len(told) < len(due):
            step = due[len(told)]
            call = RawCall(f"undo_{len(told)}", step.tool, step.arguments)
            return _answer(request, call)
        return _answer(request, RawText(_report(plan, told)))

    async def close(self) -> None:
        """Nothing to release."""


def _progress(messages: tuple[Message, ...]) -> tuple[tuple[Step, ...], list[ResultPart]]:
    """The plan, and what came of its steps so far."""
    for number in range(len(messages) - 1, -1, -1):
        for part in messages[number].parts:
            if isinstance(part, TextPart) and part.origin.kind == "user":
                told = [
                    each
                    for message in messages[number + 1 :]
                    for each in message.parts
                    if isinstance(each, ResultPart)
                ]
                return read_plan(part.text), told
    return (), []


def _report(plan: tuple[Step, ...], told: list[ResultPart]) -> str:
    failed = [f"{step.of} by {step.tool}: {step.doubt}" for step in plan if step.doubt]
    due = (step for step in plan if not step.doubt)
    failed += [
        f"{step.of} by {step.tool}: {result.text}"
        for step, result in zip(due, told, strict=True)
        if result.is_error
    ]
    done = len(plan) - len(failed)
    if not failed:
        return f"{UNDONE}: {done} of {len(plan)}"
    return "\n".join([f"{NOT_UNDONE}: {len(failed)} of {len(plan)}", *failed])


def _answer(request: ModelRequest, part: RawCall | RawText) -> ModelAnswer:
    wants = isinstance(part, RawCall)
    return ModelAnswer(
        parts=(part,), stop="tools" if wants else "end", usage=Usage(), model=request.model
    )
