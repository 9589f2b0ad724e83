"""How the demo ends: decision tree, commit, tests, claims that hold or not, what comes next."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from remit.app.run import status_of
from remit.cli.demo_attack import Attempt
from remit.cli.demo_play import CAP_USD
from remit.cli.demo_proof import Claim, Proof, outcome_of
from remit.cli.demo_stage import Stage, git, lomu_folder
from remit.cli.drawing import draw, plain_answer
from remit.cli.journal import short
from remit.cli.output import cell
from remit.cli.plain import one_line
from remit.cli.verify import verification_json
from remit.projections.tree import decision_tree
from remit.values.money import usd

_ARGUMENT_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Everything that is told at the end."""

    mode: str
    seed: int | None
    url: str
    stage: Stage
    proof: Proof
    claims: tuple[Claim, ...]
    doubts: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Everything that was claimed holds."""
        return all(claim.holds for claim in self.claims)


def ending_json(ending: Ending) -> dict[str, object]:
    """The stable keys of the summary."""
    proof = ending.proof
    return {
        "mode": ending.mode,
        "holds": ending.holds,
        "seed": ending.seed,
        "run": proof.state.run,
        "status": status_of(proof.state),
        "answer": _answer(proof),
        "repository": str(ending.stage.repo),
        "journal": ending.url,
        "agreed": proof.agreed,
        "commits": list(proof.commits),
        "tests": {
            "passed": proof.tests is not None and proof.tests.exit_code == 0,
            "confinement": "" if proof.tests is None else proof.tests.confinement,
        },
        "cost_nano": proof.state.cost,
        "cap_nano": usd(CAP_USD),
        "verification": verification_json(proof.verification),
        "claims": [
            {"what": each.what, "holds": each.holds, "seen": each.seen} for each in ending.claims
        ],
        "in_doubt": list(ending.doubts),
        "attempts": [
            {
                "role": each.role,
                "tool": each.tool,
                "arguments": each.arguments,
                "rule": each.rule,
                "why": each.why,
            }
            for each in ending.attempts
        ],
        "seconds": round(ending.seconds, 1),
    }


def _answer(proof: Proof) -> str:
    return "" if proof.state.output is None else plain_answer(proof.state.output)


def print_ending(out: Console, ending: Ending) -> None:
    """Print it for people."""
    proof = ending.proof
    heading(out, "the decision tree")
    tree = draw(decision_tree(proof.pairs, proof.state.run))
    out.print(tree, no_wrap=True, overflow="ellipsis", soft_wrap=not out.is_terminal)
    for commit in proof.commits:
        heading(out, "the commit")
        out.print(cell(git(ending.stage.repo, "show", "--stat", "--no-color", commit)))
        out.print(cell(f"tests now: {outcome_of(proof.tests)}", "bold"))
    if ending.attempts:
        heading(out, "what was tried, and what stopped it")
        _print_attempts(out, ending)
    if ending.doubts:
        heading(out, "what was in doubt, and what was done about it")
        for doubt in ending.doubts:
            out.print(cell(f"  {doubt}"), soft_wrap=True)
    heading(out, "what holds")
    for claim in ending.claims:
        mark = cell("✓" if claim.holds else "✗", "green" if claim.holds else "bold red")
        out.print(mark, cell(claim.what), cell(claim.seen, "dim"), soft_wrap=True)
    heading(out, "what to look at next")
    for command, why in _next(ending):
        out.print(cell(f"  {command}", "bold"), cell(why, "dim"), soft_wrap=True)
    out.print(cell(f"{ending.seconds:.1f} s", "dim"))


def _print_attempts(out: Console, ending: Ending) -> None:
    for each in ending.attempts:
        tried = f"{each.tool} {one_line(each.arguments, _ARGUMENT_CHARS)}"
        line = cell(f"{each.role:<6} ", "bold").append_text(cell(tried))
        out.print(line, soft_wrap=True)
        why = cell(f"       {each.rule}: ", "yellow").append_text(cell(one_line(each.why)))
        out.print(why, soft_wrap=True)


def heading(out: Console, title: str) -> None:
    """A line above what follows."""
    out.print(cell(f"\n── {title} ──", "bold blue"), soft_wrap=True)


def _next(ending: Ending) -> list[tuple[str, str]]:
    run = short(ending.proof.state.run)
    found = [
        (f"remit show {run} --full", "the tree with whole texts"),
        (f"remit show {run} --audit", "every decision and the rule that made it"),
        ("remit verify", "check the journal; keep the head it prints somewhere else"),
    ]
    if ending.proof.commits:
        found.append(
            (f"git -C {ending.stage.repo} show", "the change; `git revert HEAD` undoes it")
        )
    others = {"plain": "", "crash": " --crash", "attack": " --attack"}
    why = {
        "plain": "the honest run",
        "crash": "kill the agent on the way",
        "attack": "let a source file take the model over",
    }
    found += [
        (f"remit demo{flag}", why[mode]) for mode, flag in others.items() if mode != ending.mode
    ]
    app = lomu_folder() / "app.py"
    here = app.relative_to(Path.cwd()) if app.is_relative_to(Path.cwd()) else app
    found.append((f'remit run {here}:app "TASK" -i repo=PATH', "on your own repository"))
    return found
