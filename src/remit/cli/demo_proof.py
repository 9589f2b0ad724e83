"""What the demo claims at its end, each claim checked against journal, repository and tests."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from remit.app.audit import verify_journal
from remit.app.lazy import WallClock
from remit.app.pairs import pairs_of
from remit.app.people import LOCAL_TENANT
from remit.app.run import status_of
from remit.app.verification import Verification
from remit.cli.demo_play import CAP_USD
from remit.cli.demo_stage import Stage, git, run_tests
from remit.cli.journal import Journal
from remit.errors import SandboxUnavailable
from remit.journal.events import ApprovalGiven, ModelCompleted, RunStarted, ToolCompleted
from remit.journal.rows import RunRow
from remit.machine.state import State
from remit.projections.timeline import Pair, timeline
from remit.values.command import Finished
from remit.values.message import CallPart
from remit.values.money import format_usd, usd

KEY = "Remit-Call"
COMMIT_TOOL = "commit_changes"
Calls = dict[tuple[str, str], tuple[str, CallPart]]
"""(run, call) -> (agent's name, the call as the model wrote it)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must hold, and what was seen."""

    what: str
    holds: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is there after a run of the demo."""

    state: State
    pairs: list[Pair]
    calls: Calls
    commits: tuple[str, ...]
    tests: Finished | None
    verification: Verification

    @property
    def agreed(self) -> bool:
        """A human agreed to a commit."""
        return any(isinstance(told.event, ApprovalGiven) for told in timeline(self.pairs))


async def gather(journal: Journal, stage: Stage) -> Proof | None:
    """The facts about the run of a stage; None where it never began."""
    rows = await journal.store.runs(LOCAL_TENANT, session=stage.session)
    row = next((row for row in rows if row.parent is None), None)
    if row is None:
        return None
    found = await verify_journal(
        journal.store,
        journal.keys.head,
        journal.keys.macs,
        tenants=(LOCAL_TENANT,),
        now_ms=WallClock().now_ms(),
    )
    try:
        tests: Finished | None = await run_tests(stage.repo)
    except SandboxUnavailable:
        tests = None
    pairs = await pairs_of(journal.store, row)
    return Proof(
        state=(await journal.reader.past(row)).state,
        pairs=pairs,
        calls=proposed_calls(pairs),
        commits=commits_of(stage, row),
        tests=tests,
        verification=found[0],
    )


def commits_of(stage: Stage, row: RunRow) -> tuple[str, ...]:
    """The commits on any branch that carry a call of this run."""
    shape = f"--format=%H %(trailers:key={KEY},valueonly,separator=%x2C)"
    found = [line.partition(" ") for line in git(stage.repo, "log", "--all", shape).splitlines()]
    return tuple(commit for commit, _, key in found if key.startswith(f"{row.root}:"))


def claims_of(stage: Stage, proof: Proof) -> Iterator[Claim]:
    """What must hold in every mode."""
    status = status_of(proof.state)
    yield Claim("the run came to its end", status == "completed", status)
    count = len(proof.commits)
    more = int(git(stage.repo, "rev-list", "--count", "--all")) - 1  # the stage's own is one
    wanted = 1 if proof.agreed else 0
    what = "exactly one commit" if proof.agreed else "no commit, for nobody agreed"
    yield Claim(what, count == wanted == more, f"{more} since the beginning, {count} by this run")
    if count == 1:
        tree = git(stage.repo, "rev-parse", f"{proof.commits[0]}^{{tree}}")
        yield Claim("it is the tree that the scan passed on", tree in scanned(proof.pairs), tree)
        passed = proof.tests is not None and proof.tests.exit_code == 0
        yield Claim("its tests pass, run confined", passed, outcome_of(proof.tests))
    cap = usd(CAP_USD)
    spent = f"{format_usd(proof.state.cost)} of {format_usd(cap, 2)}"
    yield Claim("the spend stayed under the cap", proof.state.cost <= cap, spent)
    checked = proof.verification
    damage = str(checked.damages[0]) if checked.damages else ""
    sound = damage or f"{checked.records} records, head {checked.size}:{checked.root.hex()}"
    yield Claim("the journal is what was written", not checked.damages, sound)


def outcome_of(tests: Finished | None) -> str:
    """How the tests ended, in a line."""
    if tests is None:
        return "not run: nothing confines programs here"
    said = (tests.stdout + tests.stderr).decode(errors="replace")
    lines = [line for line in said.splitlines() if line.strip()]
    return f"{lines[-1] if lines else tests.ended} ({tests.confinement})"


def scanned(pairs: Iterable[Pair]) -> set[str]:
    """The trees that a scan of this run passed on."""
    found = set()
    for told in timeline(pairs):
        if isinstance(told.event, ToolCompleted) and told.event.text.startswith('{"tree":"'):
            report = json.loads(told.event.text)
            if report.get("passed") is True:
                found.add(str(report["tree"]))
    return found


def proposed_calls(pairs: Iterable[Pair]) -> Calls:
    """The calls that models proposed."""
    names: dict[str, str] = {}
    found: Calls = {}
    for told in timeline(pairs):
        run = told.header.run
        if isinstance(told.event, RunStarted):
            names[run] = told.event.agent
        if isinstance(told.event, ModelCompleted):
            for part in told.event.parts:
                if isinstance(part, CallPart):
                    found[(run, part.call)] = (names[run], part)
    return found
