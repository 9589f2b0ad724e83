"""What an agent may do and with whose word: tools under its rules, and its prompts over time."""

from collections.abc import Iterable
from dataclasses import dataclass

from remit.errors import IntegrityError, NotFound, StoreCorrupt
from remit.journal.rows import RunRow
from remit.machine.spec import AgentSpec, ToolSpec
from remit.policy.permission import Question, Rule, Verdict, ready
from remit.policy.rule import covers
from remit.runtime.reader import Reader

_VERSIONS = 20  # prompts shown; older ones are in the journal


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSheet:
    """A tool and what becomes of a call of it."""

    tool: ToolSpec
    verdict: Verdict
    """Of a call about whose arguments no rule says anything."""
    rules: tuple[Rule, ...]
    """All that are about this tool; some look at arguments."""
    approvers: tuple[str, ...]
    """Who may agree where it asks; empty: who has the role approver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersion:
    """Instructions that runs were started with."""

    digest: str
    """Of the declaration they stand in, the newest with them."""
    name: str
    text: str
    first_ms: int
    last_ms: int
    runs: int


def sheet_of(spec: AgentSpec, tenant: str, environment: str) -> tuple[ToolSheet, ...]:
    """Every tool of an agent under its rules, what asks and what is of high risk first."""
    rules = ready(spec.rules)
    found = []
    for tool in spec.tools:
        question = Question(
            tool=tool.name,
            access=tool.access,
            risk=tool.risk,
            arguments="{}",
            server=tool.server,
            personal_data=tool.personal_data,
            agent=spec.name,
            tenant=tenant,
            mode=spec.mode or "default",
            environment=environment,
        )
        verdict = rules.judge(spec.phase, question)
        found.append(
            ToolSheet(
                tool=tool,
                verdict=verdict,
                rules=tuple(each for each in spec.rules if covers(each, tool.name, tool.server)),
                approvers=spec.who_agrees(tool.name, verdict.rule),
            )
        )
    return tuple(sorted(found, key=lambda it: (not it.tool.acts, it.tool.risk != "high")))


async def prompts(reader: Reader, tenant: str, rows: Iterable[RunRow]) -> tuple[PromptVersion, ...]:
    """The instructions of these runs, the newest first; runs with equal ones are one version."""
    found: dict[str, PromptVersion] = {}
    for row in rows:
        try:
            spec = await reader.spec(tenant, row.spec)
        except (IntegrityError, NotFound, StoreCorrupt):
            continue  # `remit verify` tells of it
        known = found.get(spec.instructions)
        if known is None and len(found) == _VERSIONS:
            continue
        found[spec.instructions] = PromptVersion(
            digest=row.spec if known is None else known.digest,
            name=spec.prompt if known is None else known.name,
            text=spec.instructions,
            first_ms=row.created_ms,
            last_ms=row.created_ms if known is None else known.last_ms,
            runs=1 if known is None else known.runs + 1,
        )
    return tuple(found.values())
