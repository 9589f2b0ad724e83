"""In whose name a request speaks when it approves, denies or answers: never one that it claims."""

from typing import Literal

from pydantic import BaseModel

from remit.errors import RequestRefused
from remit.server.route import Ask


def person_of(ask: Ask[BaseModel, BaseModel]) -> str:
    """The human behind who is signed in. Raises `RequestRefused` for a program without one."""
    person = ask.principal.person
    if not person:
        raise RequestRefused(
            f"{ask.principal.name} is a program and speaks for nobody",
            status=403,
            remedy="make its key with --person NAME, or sign in",
        )
    return person


def channel_of(ask: Ask[BaseModel, BaseModel]) -> Literal["api", "console"]:
    """How it came, for the journal."""
    return "api" if ask.principal.how == "key" else "console"
