"""Who a run is started for, and whether one may start now: for the API and for pages."""

from dataclasses import replace
from string import ascii_letters, digits, punctuation

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from remit.app.launching import Wish
from remit.app.once import Begun
from remit.app.once import Request as Once
from remit.errors import NotFound, RequestRefused
from remit.machine.agent import Agent
from remit.server.principal import Principal
from remit.server.route import Ask

_TERMINAL = "local:"  # before the name of a person at the command line
ONCE_HEADER = "idempotency-key"
AGAIN_HEADER = "idempotency-replayed"
MAX_ONCE = 255  # characters of a key, as others allow; a UUID has 36
_PLAIN = frozenset(ascii_letters + digits + punctuation)


def check_open(ask: Ask[BaseModel, BaseModel]) -> None:
    """Raise where the server is about to end: another process starts the run."""
    if ask.request.app.state.draining.is_set():
        raise RequestRefused(
            "the server is about to end and starts nothing any more",
            status=503,
            remedy="ask again: another process answers",
            headers={"retry-after": "2"},
        )


def agent_named(ask: Ask[BaseModel, BaseModel], name: str) -> Agent[object]:
    """An agent of this app. Raises `NotFound`."""
    found = ask.app.agents.get(name)
    if found is None:
        raise NotFound(f"there is no agent {name!r}; /api/v1/agents lists them")
    return found


def own_name(who: Principal) -> str:
    """The name under which a person's runs are kept; empty for a program of nobody's."""
    return who.person.removeprefix(_TERMINAL)


def user_of(ask: Ask[BaseModel, BaseModel], wanted: str | None) -> str:
    """For whom a run is: people run for themselves, a program says for whom.

    A program has authenticated its users by itself; whoever holds its key vouches for that.
    """
    who = ask.principal
    own = own_name(who)
    if who.how == "key":
        if wanted or own:
            return wanted or own
        raise RequestRefused(
            "this key is no person's: whose run is it?",
            status=422,
            remedy="say `user`, the name by which your program knows them",
            faults=[("body.user", "it is missing")],
        )
    if wanted not in (None, own):
        raise RequestRefused(
            f"{who.name} cannot run anything as {wanted!r}",
            status=403,
            remedy="leave `user` out; only a program with a key runs for others",
        )
    return own


def roles_of(ask: Ask[BaseModel, BaseModel], user: str) -> tuple[str, ...]:
    """The roles of a user in rules: those of the roster, never what a request claims."""
    speakers = ask.app.desk.speakers
    return () if speakers is None else tuple(speakers.roster.roles_of(user))


async def begin(
    ask: Ask[BaseModel, BaseModel], agent: Agent[object], wish: Wish, what: BaseModel
) -> Begun:
    """Start a run; once, where the request bears a key of its caller. It is durable then.

    `what`: all that makes it another request. Raises `RequestRefused` for a key that is none, or
    that stands for another request.
    """
    app = ask.app

    async def start(run: str) -> None:
        begun = await app.launch(agent, replace(wish, run=run))
        await app.engine.begun(ask.tenant, begun)

    key = once_key(ask.request)
    if key is None:
        run = await app.launch(agent, wish)
        await app.engine.begun(ask.tenant, run)
        return Begun(run=run, again=False)
    request = Once(
        tenant=ask.tenant,
        principal=ask.principal.name,
        key=key,
        body=f"{ask.request.url.path}\n{what.model_dump_json()}".encode(),
        session=wish.session,
    )
    return await app.once.begin(request, start)


def once_key(request: Request) -> str | None:
    """The `Idempotency-Key` of a request, None where there is none. Raises `RequestRefused`."""
    given = request.headers.getlist(ONCE_HEADER)
    if not given:
        return None
    if len(given) > 1 or not 0 < len(given[0]) <= MAX_ONCE or not set(given[0]) <= _PLAIN:
        raise RequestRefused(
            f"the header Idempotency-Key is 1 to {MAX_ONCE} letters, digits and signs, said once",
            status=400,
            remedy="send a UUID that you keep for every try of the same request",
        )
    return given[0]


def answer_begun(begun: Begun, view: BaseModel) -> BaseModel | Response:
    """The run; for a request that had come before a header says so."""
    if not begun.again:
        return view
    headers = {AGAIN_HEADER: "true"}
    return Response(
        view.model_dump_json(), status_code=201, headers=headers, media_type="application/json"
    )
