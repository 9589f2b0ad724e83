"""A node of a run's decision tree."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from remit.values.usage import Usage

NodeKind = Literal[
    "run",
    "question",
    "thought",
    "call",
    "verdict",
    "approval",
    "answer",
    "error",
    "spend",
    "note",
]
"""run: one agent at work; question: what someone is asked, agent or human; thought: one answer of
a model, its calls below it; call: a proposed tool call, its fate below it; verdict: what rules, or
the success predicate, decided; approval: what humans were asked and said; answer: of a tool, a
human, a sub-run, or of the run itself; error: why something did not happen; spend: tokens and
money of one model call; note: anything else worth knowing."""


@dataclass(slots=True, kw_only=True)
class Node:
    """One node of the tree; what came later stands below or after it.

    `label` says who or what: agent, model, tool, rule, principal. `status` says how it stands;
    each kind has its own words. Sub-runs are nodes of kind `run` below the call that made them.
    """

    kind: NodeKind
    time_ms: int
    label: str = ""
    status: str = ""
    text: str = ""
    run: str = ""
    call: str = ""
    rule: str = ""
    principal: str = ""
    ref: str = ""
    """Id of the approval or the question."""
    labels: tuple[str, ...] = ()
    """Where the answer to a call came from."""
    ended_ms: int | None = None
    usage: Usage | None = None
    cost: int = 0
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """This node and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()
