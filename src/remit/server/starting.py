"""Who a run is started for, and whether one may start now: for the API and for pages."""

from pydantic import BaseModel

from remit.errors import NotFound, RequestRefused
from remit.machine.agent import Agent
from remit.server.principal import Principal
from remit.server.route import Ask

_TERMINAL = "local:"  # before the name of a person at the command line


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
