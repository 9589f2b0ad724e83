"""Notes below a tool call: what hooks did to it, and what stood in for its tool."""

from collections.abc import Iterable

from remit.journal.events import HookAnswered, ResultHooked, ToolDegraded
from remit.machine.hooks import hook_rule
from remit.projections.branch import Branch
from remit.projections.node import Node


def hooked(to: Branch, event: HookAnswered) -> None:
    """What a hook said of a call."""
    text = event.reason if event.arguments is None else event.arguments
    node = to.call(event.call)
    to.add(node, "note", hook_rule(event.hook), text, status=event.word, call=event.call)


def result_hooked(to: Branch, node: Node, hooks: Iterable[ResultHooked]) -> None:
    """What hooks did to what came of it."""
    for each in hooks:
        to.add(node, "note", hook_rule(each.hook), f"result {each.word}", status=each.word)


def degraded(to: Branch, event: ToolDegraded) -> None:
    """What is tried because its tool does not work."""
    node = to.call(event.call)
    node.status = "degraded"
    instead = event.to or "its last good answer"
    text = f"{event.tool} does not work ({event.reason}): {instead} is tried"
    to.add(node, "note", "degraded", text, call=event.call)
