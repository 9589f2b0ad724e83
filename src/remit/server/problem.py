"""Errors as problem details (RFC 9457): one JSON shape that says what is wrong and the remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict
from pydantic_core import ErrorDetails

from remit.errors import (
    IntegrityError,
    MissingExtra,
    NotAllowed,
    NotFound,
    OutsideError,
    RemitError,
    RequestRefused,
    StoreError,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"
_KIND = "urn:remit:problem:"
_MOST = 20  # faults of one request that are told; who makes more repairs these first


class Fault(BaseModel):
    """One field that does not fit; its value is not repeated, for it may be a secret."""

    model_config = ConfigDict(frozen=True)

    where: str
    problem: str


class ProblemDetails(BaseModel):
    """What every error of the API looks like (RFC 9457); `type` ends in the kind."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    errors: tuple[Fault, ...] = ()


_TITLES = {
    400: ("bad-request", "The request cannot be read"),
    401: ("unauthenticated", "Nobody is signed in"),
    403: ("forbidden", "This needs another role"),
    404: ("not-found", "There is no such thing"),
    405: ("method-not-allowed", "This is not done here"),
    409: ("conflict", "It cannot be done"),
    413: ("too-large", "The request is too large"),
    415: ("media-type", "The body is of another type"),
    422: ("invalid", "The request does not fit"),
    429: ("too-many", "Too much at once"),
    500: ("internal", "The server is at fault"),
    502: ("outside", "Something outside failed"),
    503: ("unavailable", "It cannot be done for now"),
    504: ("timeout", "It took too long"),
}
STATUSES: Mapping[int, str] = {status: title for status, (_, title) in _TITLES.items()}
"""What the server answers besides success, and its title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong with one request."""

    status: int
    detail: str
    remedy: str = ""
    errors: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A few words for people."""
        return _TITLES[self.status][1]

    @property
    def details(self) -> ProblemDetails:
        """The body."""
        kind, title = _TITLES[self.status]
        return ProblemDetails(
            type=f"{_KIND}{kind}",
            title=title,
            status=self.status,
            detail=self.detail,
            remedy=self.remedy,
            errors=self.errors,
        )


def problem_of(error: RemitError) -> Problem:
    """The problem that an error of Remit is; its text says what is wrong and what to do."""
    text = str(error)
    if isinstance(error, RequestRefused):
        return Problem(
            status=error.status,
            detail=text,
            remedy=error.remedy,
            headers=error.headers,
            errors=tuple(Fault(where=where, problem=what) for where, what in error.faults),
        )
    if isinstance(error, NotFound):
        return Problem(status=404, detail=text, remedy="look at the list it should be in")
    if isinstance(error, NotAllowed):
        return Problem(status=409, detail=text, remedy="look at how it stands now")
    if isinstance(error, MissingExtra):
        return Problem(status=503, detail=text, remedy="install it where the server runs")
    if isinstance(error, UsageError):
        # It fits the shape, and still cannot be: 422 is for what does not fit.
        return Problem(status=409, detail=text, remedy="change the request as the detail says")
    if isinstance(error, StoreError):
        # What the database says names hosts and files: it is for the log.
        return Problem(
            status=503,
            detail=f"the journal cannot be reached ({type(error).__name__})",
            remedy="try again; /readyz tells signed-in people more",
            headers={"retry-after": "1"},
        )
    if isinstance(error, OutsideError):
        return Problem(status=502, detail=text, remedy="try again later")
    if isinstance(error, IntegrityError):
        return Problem(status=500, detail=text, remedy="run remit verify, and tell your auditor")
    return Problem(status=409, detail=text, remedy="look at how it stands now")


def faults_of(errors: Sequence[ErrorDetails], place: str) -> list[tuple[str, str]]:
    """What pydantic found, without the values."""
    return [
        (
            ".".join([place, *(str(part) for part in each["loc"])]),
            each["msg"].removeprefix("Value error, "),
        )
        for each in errors[:_MOST]
    ]
