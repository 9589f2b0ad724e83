"""What an agent may do and with whose word: its tools under its rules."""

from dataclasses import dataclass

from remit.machine.spec import AgentSpec, ToolSpec
from remit.policy.permission import Question, Rule, Verdict, ready
from remit.policy.rule import covers


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
