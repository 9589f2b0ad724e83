"""The page Approvals: the exact call, why it asks, and the word of the person who is signed in."""

from collections.abc import Awaitable
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.app.uptake import taken
from remit.errors import ArgumentError, NotAllowed, NotFound, RequestRefused
from remit.runtime.inspecting import inspect_call
from remit.server.frame import linker
from remit.server.inbox.call_view import view_call
from remit.server.inbox.items import Item, waiting, why_not
from remit.server.inbox.schema_form import PREFIX, Filled, SchemaForm
from remit.server.inbox.states import states_of
from remit.server.route import Ask, Nothing, page
from remit.server.web import render
from remit.values.role import Role

CHANNEL = "console"
_MAX_ID = 600
_MAX_COMMENT = 2_000
Done = Literal["", "approved", "changed", "denied", "answered", "resolved", "recalled"]


class InboxQuery(BaseModel):
    """Which one is looked at, whether it is being changed, and what was done last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default="", max_length=_MAX_ID)
    edit: bool = False
    done: Done = ""
    kept: bool = False
    """Nobody drives the run now: the word is kept for whoever does."""


class WordForm(BaseModel):
    """A word about one call; `digest` is that of the call the person saw."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = Field(default="", max_length=128)
    comment: str = Field(default="", max_length=_MAX_COMMENT)
    every: bool = False
    """The person looks at all tenants."""


class FieldsForm(WordForm):
    """A word with fields of a schema beside it; their names begin with `arg.`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def given(self) -> dict[str, str]:
        """The fields of the schema."""
        extra = cast("dict[str, object]", self.model_extra or {})
        return {
            name: value
            for name, value in extra.items()
            if name.startswith(PREFIX) and isinstance(value, str)
        }


class DoubtForm(WordForm):
    """Whether a write in doubt happened."""

    happened: Literal["yes", "no"] = "yes"


AnyForm = Ask[Nothing, WordForm] | Ask[Nothing, FieldsForm] | Ask[Nothing, DoubtForm]
AnyAsk = Ask[InboxQuery, Nothing] | AnyForm


async def show_approvals(ask: Ask[InboxQuery, Nothing]) -> Response:
    """What waits for people, and one of it in full."""
    return await _page(ask, chosen=ask.query.id, editing=ask.query.edit, query=ask.query)


async def approve_call(ask: Ask[Nothing, WordForm]) -> Response:
    """Agree to a call exactly as it was seen."""
    approval, form = ask.path["approval"], ask.body
    if not form.digest:
        raise RequestRefused("say which call was seen", status=422, remedy="send its digest")
    saying = ask.app.desk.approve(
        ask.tenant,
        approval,
        principal=_person(ask),
        channel=CHANNEL,
        digest=form.digest,
        comment=form.comment,
    )
    return await _said(ask, approval, "approved", saying)


async def deny_call(ask: Ask[Nothing, WordForm]) -> Response:
    """Refuse a call, with a reason."""
    approval, form = ask.path["approval"], ask.body
    if not form.comment.strip():
        wrong = {"comment": "Say why: the model is told, and it is kept."}
        return await _page(ask, chosen=approval, wrong=wrong, status=422)
    saying = ask.app.desk.deny(
        ask.tenant, approval, principal=_person(ask), channel=CHANNEL, comment=form.comment
    )
    return await _said(ask, approval, "denied", saying)


async def change_call(ask: Ask[Nothing, FieldsForm]) -> Response:
    """Agree to a call with changed arguments."""
    approval, form = ask.path["approval"], ask.body
    item = await _item(ask, approval, "approval")
    schema = "" if item.tool is None else item.tool.parameters
    filled = SchemaForm(schema, "Arguments").read(form.given, item.arguments)
    fault = "" if not filled.fits else await _not_valid(ask, item, filled.text)
    if fault or not filled.fits:
        wrong = {"change": fault or filled.wrong}
        return await _page(
            ask, chosen=approval, editing=True, filled=filled, wrong=wrong, status=422
        )
    saying = ask.app.desk.approve(
        ask.tenant,
        approval,
        principal=_person(ask),
        channel=CHANNEL,
        digest=form.digest or None,
        comment=form.comment,
        arguments=filled.text,
    )
    return await _said(ask, approval, "changed", saying)


async def answer_question(ask: Ask[Nothing, FieldsForm]) -> Response:
    """Answer a question with a value of its type."""
    question = ask.path["question"]
    item = await _item(ask, question, "question")
    filled = SchemaForm(item.answer_schema).read(ask.body.given)
    if not filled.fits:
        wrong = {"answer": filled.wrong}
        return await _page(ask, chosen=question, filled=filled, wrong=wrong, status=422)
    saying = ask.app.desk.answer(
        ask.tenant, question, principal=_person(ask), channel=CHANNEL, value=filled.text
    )
    return await _said(ask, question, "answered", saying)


async def resolve_doubt(ask: Ask[Nothing, DoubtForm]) -> Response:
    """Say whether a write of which nobody knows took place."""
    item = await _item(ask, ask.path["doubt"], "doubt")
    saying = ask.app.desk.resolve(
        ask.tenant,
        item.row.run,
        item.call.call,
        happened=ask.body.happened == "yes",
        principal=_person(ask),
        text=ask.body.comment,
    )
    return await _said(ask, item.id, "resolved", saying, about=item.call.call)


async def recall_call(ask: Ask[Nothing, WordForm]) -> Response:
    """Call back a call that waits to leave."""
    item = await _item(ask, ask.path["delay"], "delay")
    saying = ask.app.desk.recall(
        ask.tenant,
        item.row.run,
        item.call.call,
        principal=_person(ask),
        reason=ask.body.comment,
    )
    return await _said(ask, item.id, "recalled", saying, about=item.call.call)


# ---------------------------------------------------------------- what they share


def _person(ask: AnyForm) -> str:
    """The human who is signed in: nobody else's name is ever taken."""
    if not ask.principal.person:
        raise RequestRefused(
            f"{ask.principal.name} is a program, and agrees to nothing",
            status=403,
            remedy="sign in as a person",
        )
    return ask.principal.person


async def _said(
    ask: AnyForm, ref: str, done: Done, saying: Awaitable[object], *, about: str = ""
) -> Response:
    """Say it, wait shortly for the run to take it, and go on to the next.

    `about` is what the run calls it, where that is not `ref`.
    """
    desk = ask.app.desk
    row = await desk.store.run(ask.tenant, ref.partition(":")[0])
    person = ask.principal.person if done == "resolved" else desk.person_of(ask.principal.person)
    try:
        await saying
        took = row is not None and await taken(desk.store, row, about or ref, person)
    except (NotAllowed, NotFound) as exc:
        return await _page(ask, chosen=ref, wrong={"": str(exc)}, status=409)
    tenant = "*" if ask.body.every else ask.request.query_params.get("tenant", "")
    kept = None if took else "true"
    target = linker(ask)("/approvals", tenant=tenant, done=done, kept=kept)
    return RedirectResponse(target, status_code=303)


async def _not_valid(ask: Ask[Nothing, FieldsForm], item: Item, arguments: str) -> str:
    """What the tool itself says against changed arguments."""
    agent = ask.app.agents.get(item.row.agent)
    if agent is None:
        return ""  # another process has it: the run judges
    found = await inspect_call(agent, item.call.call, item.call.tool, arguments)
    return found.error or ""


async def _item(ask: AnyForm, ref: str, kind: str) -> Item:
    for item in await waiting(ask.app.desk, states_of(ask), ask.tenant):
        if item.id == ref and item.kind == kind:
            return item
    raise NotFound(f"nothing waits as {ref}: it was answered, has expired, or is over")


async def _page(
    ask: AnyAsk,
    *,
    chosen: str,
    editing: bool = False,
    query: InboxQuery | None = None,
    filled: Filled | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    body = ask.body
    every = ask.tenants is None or (isinstance(body, WordForm) and body.every)
    items = await waiting(ask.app.desk, states_of(ask), None if every else ask.tenant)
    item = next((each for each in items if each.id == chosen), None)
    gone = bool(chosen) and item is None
    if item is None and not chosen:
        item = items[0] if items else None
    values: dict[str, object] = {
        "items": items,
        "item": item,
        "gone": gone,
        "every": every,
        "query": query or InboxQuery(),
        "wrong": wrong or {},
        "comment": body.comment if isinstance(body, WordForm) else "",
    }
    if item is not None:
        values |= await _details(ask, item, editing=editing, filled=filled)
    return render(ask, "approvals.html", values, status=status)


async def _details(
    ask: AnyAsk, item: Item, *, editing: bool, filled: Filled | None
) -> dict[str, object]:
    """What is shown of the one that is looked at."""
    person = ask.principal.person
    barred = ""
    if item.kind == "approval":
        barred = await why_not(ask.app.desk, item, person)
    role: Role = "approver" if item.kind == "approval" else "operator"
    if not ask.principal.may(role, item.row.tenant):
        barred = f"this needs the role {role} in the tenant {item.row.tenant}"
    fields = () if filled is None else filled.fields
    if filled is None and item.kind == "question":
        fields = SchemaForm(item.answer_schema).empty()
    elif filled is None and editing and item.kind == "approval":
        schema = "" if item.tool is None else item.tool.parameters
        try:
            fields = SchemaForm(schema, "Arguments").of(item.arguments)
        except ArgumentError:
            editing = False
    return {
        "view": view_call(item.arguments, item.state.messages, item.call.preview),
        "barred": barred,
        "editing": editing,
        "fields": fields,
    }


ROUTES = (
    page("GET", "/approvals", show_approvals, needs="viewer", tenant="any", query=InboxQuery),
    page("POST", "/approvals/{approval}/approve", approve_call, needs="approver", tenant="one",
         body=WordForm),
    page("POST", "/approvals/{approval}/deny", deny_call, needs="approver", tenant="one",
         body=WordForm),
    page("POST", "/approvals/{approval}/change", change_call, needs="approver", tenant="one",
         body=FieldsForm),
    page("POST", "/questions/{question}/answer", answer_question, needs="operator", tenant="one",
         body=FieldsForm),
    page("POST", "/doubts/{doubt}/resolve", resolve_doubt, needs="operator", tenant="one",
         body=DoubtForm),
    page("POST", "/delays/{delay}/recall", recall_call, needs="operator", tenant="one",
         body=WordForm),
)  # fmt: skip
