"""A model of rules in place of a provider's: it reads prompt and tool results, and decides.

Nothing is remembered between requests: what it does next follows from the conversation alone, so a
run that was cut goes on with it as with any other model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

from rehearsal.plan import Plan, plan_of
from rehearsal.reading import Reading, read
from remit.simulator.compose import compose
from remit.values.message import ResultPart
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawPart, RawText


@dataclass(frozen=True, slots=True)
class Heard:
    """The results of this task's tools, the last of each."""

    results: Mapping[str, ResultPart]

    @classmethod
    def of(cls, request: ModelRequest) -> Self:
        """Those since the newest task."""
        found: dict[str, ResultPart] = {}
        for message in request.messages:
            if message.role == "assistant":
                continue
            parts = [part for part in message.parts if isinstance(part, ResultPart)]
            found = {**found, **{part.tool: part for part in parts}} if parts else {}
        return cls(found)

    def __contains__(self, tool: str) -> bool:
        return tool in self.results

    def failed(self, tool: str) -> str:
        """Why a call failed; empty if it did not."""
        part = self.results.get(tool)
        return str(part.text) if part is not None and part.is_error else ""

    def tree(self, tool: str) -> dict[str, object]:
        """What a tool found; empty where it found nothing or failed."""
        found = self._json(tool)
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}

    def rows(self, tool: str) -> list[dict[str, object]]:
        """The list that a tool found."""
        found = self._json(tool)
        return cast("list[dict[str, object]]", found) if isinstance(found, list) else []

    def _json(self, tool: str) -> object:
        part = self.results.get(tool)
        if part is None or part.is_error:
            return None
        found: object = json.loads(part.text)
        return found


def clerk(request: ModelRequest) -> ModelAnswer:
    """What the model says next; a scenario for `SimulatedProvider`."""
    return compose(request, *_next(request, Heard.of(request)))


def _next(request: ModelRequest, heard: Heard) -> list[RawPart]:
    if "read_ticket" not in heard:
        return [_call("read_ticket")]
    ticket = heard.tree("read_ticket")
    if not ticket:
        return [RawText(f"The ticket cannot be read: {heard.failed('read_ticket')}")]
    reading = read(str(ticket["subject"]), str(ticket["body"]))
    wanted = [call for call in _lookups(reading) if call.tool not in heard]
    if wanted:
        return [*wanted]
    plan = plan_of(request.system, ticket, reading, heard)
    return [_act(ticket, reading, heard, plan)]


def _lookups(reading: Reading) -> list[RawCall]:
    """What it needs to know, asked for at once."""
    if reading.category == "spam":
        return []
    if not reading.orders:
        return [_call("list_orders")]
    order = reading.orders[0]
    return [_call("search_tickets", words=order), _call("find_order", order=order)]


def _act(ticket: dict[str, object], reading: Reading, heard: Heard, plan: Plan) -> RawCall:
    """The first thing of the plan that is not done yet."""
    if plan.refund and "refund" not in heard:
        return _call("refund", order=plan.order, amount=plan.refund, reason=plan.reason)
    if plan.article and "find_article" not in heard:
        return _call("find_article", topic=plan.article, language=reading.language)
    if plan.team and "escalate" not in heard:
        body = {
            "external_id": ticket["ticket"],
            "subject": f"{reading.category}: {ticket['ticket']}",
            "comment": {"body": f"{plan.note} Order: {plan.order or 'none named'}."},
            "priority": "urgent" if plan.team == "safety" else "normal",
            "tags": [plan.team],
        }
        return _call("escalate", body={"ticket": body})
    if plan.text and "reply" not in heard:
        article = str(heard.results["find_article"].text) if plan.article else ""
        text = f"{plan.text}{article}\n\n{_signature(ticket)}"
        return _call("reply", language=reading.language, text=text)
    answer = {"outcome": plan.outcome, "category": reading.category, "note": plan.note}
    return _call("final_answer", answer=answer)


def _signature(ticket: dict[str, object]) -> str:
    return f"Ticket {ticket['ticket']}"


def _call(tool: str, **arguments: object) -> RawCall:
    return RawCall("", tool, json.dumps(arguments, ensure_ascii=False))
