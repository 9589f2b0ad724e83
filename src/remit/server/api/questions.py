"""The API of what only people know: answers to questions, and whether a write happened."""

from typing import Literal

from pydantic import Field, JsonValue
from pydantic_core import to_json

from remit.server.api.approvals import MOST, living
from remit.server.api.run_shapes import (
    DelayView,
    DoubtView,
    QuestionView,
    delays_of,
    doubts_of,
    questions_of,
)
from remit.server.api.shapes import Shape, Words
from remit.server.route import Ask, Nothing, api
from remit.server.speaking import channel_of, person_of
from remit.wire.webhook.answer_link import AnswerToken


class Questions(Shape):
    """Questions that wait, the oldest first."""

    questions: tuple[QuestionView, ...]


class Doubts(Shape):
    """Writes in doubt."""

    doubts: tuple[DoubtView, ...]


class Delays(Shape):
    """Calls that can still be called back."""

    delays: tuple[DelayView, ...]


class AnswerBody(Shape):
    """The answer; one that does not fit the question's schema is asked again."""

    value: JsonValue = Field(description="As `answer_schema` says.")


class Answered(Shape):
    """Who answered; `taken`: the run has read it by now."""

    question: str
    person: str
    taken: bool


class ResolveBody(Shape):
    """Whether the write took place; if not, it may go again."""

    happened: bool
    text: Words = ""


class Resolved(Shape):
    """The run was told."""

    run: str
    call: str
    told: Literal[True] = True


async def list_questions(ask: Ask[Nothing, Nothing]) -> Questions:
    """Typed questions that wait for an answer."""
    found = [each async for state in living(ask) for each in questions_of(state)]
    return Questions(questions=tuple(found[:MOST]))


async def answer_question(ask: Ask[Nothing, AnswerBody]) -> Answered:
    """Answer a question, in the name of who is signed in."""
    question = ask.path["question"]
    token = AnswerToken(say="answer", tenant=ask.tenant, ref=question, until_s=0)
    person, taken = await ask.app.answers.put(
        token,
        "answer",
        person_of(ask),
        channel=channel_of(ask),
        value=to_json(ask.body.value).decode(),
    )
    return Answered(question=question, person=person, taken=taken)


async def list_doubts(ask: Ask[Nothing, Nothing]) -> Doubts:
    """Writes of which nobody knows whether they happened."""
    found = [each async for state in living(ask) for each in doubts_of(state)]
    return Doubts(doubts=tuple(found[:MOST]))


async def list_delays(ask: Ask[Nothing, Nothing]) -> Delays:
    """Calls that were let through and have not left yet."""
    found = [each async for state in living(ask) for each in delays_of(state)]
    return Delays(delays=tuple(found[:MOST]))


async def resolve_doubt(ask: Ask[Nothing, ResolveBody]) -> Resolved:
    """Say of a write in doubt whether it happened."""
    run, call = ask.path["run"], ask.path["call"]
    await ask.app.desk.resolve(
        ask.tenant,
        run,
        call,
        happened=ask.body.happened,
        principal=person_of(ask),
        text=ask.body.text,
    )
    return Resolved(run=run, call=call)


ROUTES = (
    api("GET", "/api/v1/questions", list_questions, needs="viewer", tenant="any", gives=Questions),
    api(
        "POST",
        "/api/v1/questions/{question}/answer",
        answer_question,
        needs="operator",
        tenant="one",
        body=AnswerBody,
        gives=Answered,
    ),
    api("GET", "/api/v1/doubts", list_doubts, needs="viewer", tenant="any", gives=Doubts),
    api("GET", "/api/v1/delays", list_delays, needs="viewer", tenant="any", gives=Delays),
    api(
        "POST",
        "/api/v1/runs/{run}/doubts/{call}",
        resolve_doubt,
        needs="operator",
        tenant="one",
        body=ResolveBody,
        gives=Resolved,
        status=202,
    ),
)
