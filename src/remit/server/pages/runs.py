"""The page Runs: the newest first, found by who, outcome, cost, tool, rule and text."""

from collections.abc import Iterable
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from remit.app.finding import Findings, Wish, find_runs
from remit.errors import ConfigError
from remit.journal.rows import RunStatus
from remit.server.api.shapes import Id, Words
from remit.server.route import Ask, Nothing, page
from remit.server.web import render
from remit.values.money import usd

_PAGE = 50
_MAX_NAME = 128
_MAX_TEXT = 200
_STATUSES: tuple[RunStatus, ...] = ("running", "waiting", "completed", "stopped")


class RunsQuery(BaseModel):
    """Which runs; what is empty does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(default="", max_length=_MAX_TEXT)
    status: str = Field(default="", max_length=16)
    agent: str = Field(default="", max_length=_MAX_NAME)
    user: str = Field(default="", max_length=_MAX_NAME)
    session: Words = Field(default="", max_length=_MAX_NAME)
    tool: str = Field(default="", max_length=_MAX_NAME)
    rule: str = Field(default="", max_length=_MAX_TEXT)
    least: str = Field(default="", max_length=32)
    most: str = Field(default="", max_length=32)
    before: Id = ""

    def wish(self) -> tuple[Wish, dict[str, str]]:
        """What is looked for, and what is wrong with the fields, by name."""
        wrong: dict[str, str] = {}
        status = next((each for each in _STATUSES if each == self.status), None)
        if self.status and status is None:
            wrong["status"] = f"One of {', '.join(_STATUSES)}."
        least, most = _nano("least", self.least, wrong), _nano("most", self.most, wrong)
        wish = Wish(
            agent=self.agent.strip(),
            user=self.user.strip(),
            session=self.session.strip(),
            status=status,
            least_nano=least,
            most_nano=most,
            text=self.text.strip(),
            tool=self.tool.strip(),
            rule=self.rule.strip(),
        )
        return wish, wrong

    def said(self, leave: Iterable[str] = ()) -> dict[str, str]:
        """The fields that were filled in."""
        fields: dict[str, str] = self.model_dump()
        return {name: value for name, value in fields.items() if value and name not in leave}


def _nano(name: str, text: str, wrong: dict[str, str]) -> int | None:
    if not text.strip():
        return None
    try:
        return usd(text.strip().removeprefix("$"))
    except ConfigError:
        wrong[name] = "An amount in US dollars, such as 0.25."
        return None


async def show_runs_page(ask: Ask[RunsQuery, Nothing]) -> Response:
    """Runs that fit, the newest first."""
    query = ask.query
    wish, wrong = query.wish()
    found = Findings(runs=(), next=None, looked_at=0, whole=True)
    if not wrong:
        found = await find_runs(
            ask.app.store, ask.tenants, wish, before=query.before or None, limit=_PAGE
        )
    filters = query.said(("before",))
    values = {
        "query": query,
        "wrong": wrong,
        "found": found,
        "filtered": bool(filters),
        "more": urlencode(filters),
        "statuses": [("", "any"), *((each, each) for each in _STATUSES)],
        "agents": sorted(ask.app.agents),
        "tools": sorted({tool.name for each in ask.app.agents.values() for tool in each.tools}),
        "chosen": ask.request.query_params.get("tenant", ""),
        "every": ask.tenants is None,
    }
    return render(ask, "runs.html", values, status=422 if wrong else 200)


ROUTES = (page("GET", "/runs", show_runs_page, needs="viewer", tenant="any", query=RunsQuery),)
