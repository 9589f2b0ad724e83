"""What a scenario can see of a conversation: the newest task, and the results since then."""

from dataclasses import dataclass
from typing import Self

from remit.values.message import Message, ResultPart
from remit.values.model import ModelRequest


@dataclass(frozen=True, slots=True)
class View:
    """The state of a conversation, read from its content alone.

    The *task* is the newest user message without tool results. What comes after it is the model's
    own work: `results` counts the tool results since then, `latest` holds those being answered
    now, and `note` is text that stands beside them.
    """

    model: str
    system: str
    task: str
    note: str
    results: int
    latest: tuple[ResultPart, ...]
    tools: frozenset[str]

    @classmethod
    def of(cls, request: ModelRequest) -> Self:
        """The view of a request."""
        task, note, results = "", "", 0
        latest: tuple[ResultPart, ...] = ()
        for message in request.messages:
            found = _results(message)
            if message.role == "assistant":
                continue
            latest = found
            results = results + len(found) if found else 0
            if found:
                note = message.text
            else:
                task, note = message.text, ""
        return cls(
            model=request.model,
            system=request.system,
            task=task,
            note=note,
            results=results,
            latest=latest,
            tools=frozenset(tool.name for tool in request.tools),
        )

    def describe(self) -> str:
        """One line for an error: which situation no rule covers."""
        last = self.latest[-1] if self.latest else None
        return (
            f"model {self.model!r}, task {self.task[:80]!r}, {self.results} tool results since"
            + (f", last result of {last.tool!r}: {last.text[:80]!r}" if last else "")
        )


def _results(message: Message) -> tuple[ResultPart, ...]:
    return tuple(part for part in message.parts if isinstance(part, ResultPart))
