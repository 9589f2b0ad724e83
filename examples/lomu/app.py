"""Lomu, a coding agent for one git repository: planner, coder and auditor under one remit.

remit run examples/lomu/app.py:app "Fix the failing test" -i repo=PATH
"""

from lomu.prompts import AUDITOR, CODER, LEAD, PLANNER
from lomu.tools import make_tools
from remit import Agent, Remit

MODEL = "anthropic:claude-haiku-4-5-20251001"  # pinned: a run must not change under its feet
_OUTPUT_TOKENS = 16_000  # a whole file in one call of write_file


def app(
    repo: str,
    *,
    model: str = MODEL,
    tests: str = "",
    python: str = "",
    cost_usd: str = "3.00",
) -> Agent[str]:
    """Lomu for the repository whose top folder is `repo`.

    tests: the command that runs its tests; default: pytest where it is installed, else unittest.
    python: the interpreter for it; default: the one that runs Remit.
    cost_usd: the most that one run may cost, all roles together.

    Raises `ConfigError` when `repo` is no git repository.
    """
    tools = make_tools(repo, tests=tests, python=python)
    planner = Agent(
        "planner",
        model=model,
        instructions=PLANNER,
        description="Reads the repository and makes a plan. Changes nothing.",
        tools=[tools.list_files, tools.read_file],
        remit=Remit(cost_usd=cost_usd, tool_calls=30, timeout="10m"),
    )
    coder = Agent(
        "coder",
        model=model,
        instructions=CODER,
        description="Carries out a plan: changes files and runs the tests.",
        tools=[tools.list_files, tools.read_file, tools.write_file, tools.run_tests],
        remit=Remit(
            cost_usd=cost_usd, tool_calls=60, timeout="30m", approvals={tools.write_file: 0}
        ),
        max_output_tokens=_OUTPUT_TOKENS,
    )
    auditor = Agent(
        "auditor",
        model=model,
        instructions=AUDITOR,
        description="Scans and tests the changes; says whether they may be committed, with the "
        "id of the tree that was scanned.",
        tools=[tools.list_files, tools.read_file, tools.scan_code, tools.run_tests],
        remit=Remit(cost_usd=cost_usd, tool_calls=30, timeout="15m"),
    )
    return Agent(
        "lomu",
        model=model,
        instructions=LEAD,
        description="Changes a git repository: plans, codes, audits, commits.",
        tools=[tools.commit_changes],
        agents=[planner, coder, auditor],
        remit=Remit(
            cost_usd=cost_usd,
            tool_calls=12,  # three rounds of coder and auditor, and the commit
            timeout="1h",
            approvals={tools.commit_changes: 1},
            owner="whoever started the run",
            systems=["repository"],
        ),
    )
