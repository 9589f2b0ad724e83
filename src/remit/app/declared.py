"""What users declare, as it is taken in: agents by name, prompts from their files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from remit.errors import SpecError
from remit.machine.agent import Agent

_MAX_PROMPT_BYTES = 1024 * 1024


def by_name(roots: Iterable[Agent[object]]) -> dict[str, Agent[object]]:
    """All agents, sub-agents too, by name. Raises `SpecError` where a name means two."""
    found: dict[str, Agent[object]] = {}
    todo: Sequence[Agent[object]] = list(roots)
    while todo:
        agent, *rest = todo
        if found.setdefault(agent.name, agent) is not agent:
            raise SpecError(f"two agents are named {agent.name!r}; give one another name")
        todo = [*rest, *(sub for sub in agent.agents if found.get(sub.name) is not sub)]
    return found


def read_prompt(path: str) -> str:
    """The text of a prompt file. Raises `SpecError` for one that cannot be read."""
    file = Path(path)
    try:
        if file.stat().st_size > _MAX_PROMPT_BYTES:
            raise SpecError(f"{path}: a prompt of more than {_MAX_PROMPT_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SpecError(f"the prompt {path!r} cannot be read: {exc}") from exc
