"""A branch: the tree of one run while it grows, with the nodes that later facts refer to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from remit.journal.events import InputRequested, ProbeCompleted, ToolResolved
from remit.journal.facts_of_tools import Settled
from remit.projections.node import Node, NodeKind
from remit.projections.timeline import Pair
from remit.values.usage import Usage


@dataclass(slots=True)
class Branch:
    """One run's tree while it grows."""

    run: str
    runs: Mapping[str, list[Pair]]
    now_ms: int = 0
    top: Node = field(init=False)
    thought: Node | None = None
    calls: dict[str, Node] = field(default_factory=dict)
    waiting: dict[str, Node] = field(default_factory=dict)
    """Calls by the approval or the question they wait for."""

    def __post_init__(self) -> None:
        first = self.runs[self.run][0][0]
        self.top = Node(kind="run", time_ms=first.time_ms, run=self.run, status="running")

    def add(  # a node has that many words
        self,
        to: Node,
        kind: NodeKind,
        label: str = "",
        text: str = "",
        *,
        status: str = "",
        call: str = "",
        rule: str = "",
        principal: str = "",
    ) -> Node:
        """A new node below another."""
        node = Node(
            kind=kind,
            time_ms=self.now_ms,
            label=label,
            text=str(text),
            status=status,
            run=self.run,
            call=call,
            rule=rule,
            principal=principal,
        )
        to.children.append(node)
        return node

    def spend(self, to: Node, usage: Usage | None, cost: int, status: str = "") -> None:
        """What a model call used and cost, below its node."""
        node = self.add(to, "spend", status=status)
        node.usage, node.cost = usage, cost
        to.usage, to.cost = usage, cost

    def mark(self, to: Node, event: Settled, labels: tuple[str, ...]) -> None:
        """Where the answer to a call came from, and the hosts that its program was refused."""
        to.labels = labels
        for host in event.refused_hosts:
            self.add(to, "note", "network", host, status="refused", call=to.call)

    def pay(
        self, to: Node, event: Settled | ProbeCompleted | ToolResolved | InputRequested
    ) -> None:
        """What a priced call cost, below its node; several attempts add up."""
        if not event.cost:
            return
        status = "taken back" if event.cost < 0 else ""
        if isinstance(event, Settled):
            status = "assumed" if event.assumed else "above the price" if event.over_hold else ""
        self.add(to, "spend", status=status, call=to.call).cost = event.cost
        to.cost += event.cost

    def call(self, call: str) -> Node:
        """The node of a call; of one whose proposal was erased, a new one."""
        if call not in self.calls:
            self.calls[call] = self.add(self.top, "call", "(erased)", call=call)
        return self.calls[call]

    def waiter(self, ref: str) -> Node:
        """The node of the call that waits for an approval or an answer."""
        return self.waiting.get(ref, self.top)

    def settle(self, call: str, status: str) -> Node:
        """The node of a call that is over now."""
        node = self.call(call)
        node.status, node.ended_ms = status, self.now_ms
        return node
