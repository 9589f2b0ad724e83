"""Hooks as a run that is driven by hand knows them: what they said stands in the inspection."""

from dataclasses import replace
from typing import Literal

from remit.journal.events import HookAnswered
from remit.machine.inputs import Inspection
from tests.machine.bench import Bench
from tests.machine.people import clean

Word = Literal["changed", "held", "refused"]
MADE = {
    "look_up": '{"path":"made"}',
    "read_doc": '{"path":"made"}',
    "write_doc": '{"path":"made"}',
    "send_mail": '{"to":"made"}',
    "set_flag": '{"name":"made"}',
    "pay_bill": '{"amount":"3"}',
    "commit_tree": '{"name":"made"}',
}
"""What the hook that changes makes of the arguments of a tool."""


def said(found: Inspection, word: Word, hook: str = "guard", reason: str = "so") -> HookAnswered:
    return HookAnswered(
        call=found.call, hook=hook, word=word, reason=clean(reason), before=found.digest
    )


def holds(_: Bench, __: str, found: Inspection) -> Inspection:
    return replace(found, hooked=(said(found, "held"),))


def refuses(_: Bench, __: str, found: Inspection) -> Inspection:
    return replace(found, hooked=(said(found, "refused"),))


def changes(bench: Bench, tool: str, found: Inspection) -> Inspection:
    """Makes one call of all calls of a tool."""
    if tool not in MADE:
        return found
    made = bench.inspect(found.call, tool, MADE[tool], hooked=False)
    word = said(found, "changed").model_copy(
        update={"after": made.digest, "arguments": clean(made.arguments)}
    )
    return replace(made, hooked=(word,))


def holds_and_changes(bench: Bench, tool: str, found: Inspection) -> Inspection:
    made = changes(bench, tool, found)
    return replace(made, hooked=(said(found, "held", "first"), *made.hooked))


def lets_go(_: Bench, __: str, found: Inspection) -> Inspection:
    return found
