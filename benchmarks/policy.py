"""How long one decision takes with 10, 100 and 1,000 rules, and how fast past calls are compared.

Prints one JSON line for each number of rules, one for `policy diff` over a journal in SQLite, and
one for each sandbox that works here. Rules and calls are mixed: ten tools, a tenth of the rules for
all tools, every kind of predicate, calls of five arguments. Every decision reads its own call's
JSON. Rates are per second of CPU, for a busy machine must not change them: that of the best round,
and of all rounds; p50 and p99 are what passed on the clock in the best round. `diff` reads, checks
and opens the records too; each call is two decisions, and rules that both sets have
are asked only where a rule of one alone matches. A sandbox runs `python -I -S -c pass`, told
as a multiple of what the bare program takes on the clock, best and median.

    python benchmarks/policy.py
    python benchmarks/policy.py --calls 200000 --runs 100
"""

import argparse
import asyncio
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from remit import Agent, App, Remit, ScriptedModel, declare, tool
from remit.adapters.sandbox.find import working_sandboxes
from remit.app.policy_diff import PolicyDiff
from remit.policy.permission import Question, Rule, Rules
from remit.policy.where import Where
from remit.projections.verdicts import Counterfactual
from remit.values.command import Command

TOOLS = tuple(f"tool_{number}" for number in range(10))
SEED = 7


def rules(count: int) -> list[Rule]:
    """Rules of every kind; nine of ten name one tool."""
    made = []
    for number in range(count):
        kinds = (
            Where(name="amount", above=str(10_000 + number)),
            Where(name="to", pattern=rf"@evil{number}\.example$"),
            Where(name="path", beneath=(f"/srv/secret{number}",)),
            Where(name="url", host_in=(f"evil{number}.example",)),
            Where(name="to", glob=(f"*@bad{number}.example",)),
            Where(name="currency", one_of=(f"X{number}", f"Y{number}")),
        )
        everywhere = number % 10 == 9
        made.append(
            Rule(
                id=f"r{number:04}",
                effect=("deny", "ask", "allow")[number % 3],
                tool="*" if everywhere else TOOLS[number % len(TOOLS)],
                where=(kinds[number % len(kinds)],),
                roles=("manager",) if number % 7 == 0 else (),
                reason="measured",
            )
        )
    return [*made, Rule(id="all", effect="allow", tool="*", reason="measured")]


def questions(count: int, dice: random.Random) -> list[Question]:
    """Different calls, as rules see them."""
    return [
        Question(
            tool=dice.choice(TOOLS),
            access="write",
            risk="low",
            arguments=json.dumps(
                {
                    "amount": dice.randint(1, 9_999),
                    "to": f"ann{number}@good.example",
                    "path": f"/srv/data/{number}.txt",
                    "url": f"https://api.example/{number}",
                    "items": [{"sku": f"a{number}", "count": 2}],
                }
            ),
            tenant="acme",
            user="ann",
            roles=("clerk",),
        )
        for number in range(count)
    ]


def measure(count: int, calls: int, rounds: int) -> dict[str, object]:
    """One line of results for this number of rules."""
    asked = questions(min(calls, 20_000), random.Random(SEED))  # noqa: S311  # no secret
    made = Rules(rules(count))
    for question in asked[:100]:
        made.judge("autonomous", question)  # the index of each tool is made once
    gc.collect()
    gc.freeze()
    seconds, clocks = [], []
    for _ in range(rounds):
        begun = time.process_time()
        for number in range(calls):
            made.judge("autonomous", asked[number % len(asked)])
        seconds.append(time.process_time() - begun)
        taken = []
        for question in asked:
            at = time.perf_counter_ns()
            made.judge("autonomous", question)
            taken.append(time.perf_counter_ns() - at)
        clocks.append(sorted(taken))
    best = min(clocks, key=lambda taken: taken[len(taken) // 2])
    return {
        "rules": count,
        "decisions_per_s": round(calls / min(seconds)),
        "decisions_per_s_all": round(calls * rounds / sum(seconds)),
        "us_per_decision": round(min(seconds) / calls * 1e6, 1),
        "p50_us": round(best[len(best) // 2] / 1000, 1),
        "p99_us": round(best[len(best) * 99 // 100] / 1000, 1),
    }


@tool(access="write")
def send_money(to: str, amount: int) -> str:
    """Send money to somebody."""
    return f"{amount} to {to}"


async def compare(runs: int, rounds: int) -> dict[str, object]:
    """How many past calls `policy diff` judges again in a second, reading included."""
    dice = random.Random(SEED)  # noqa: S311  # no secret
    turns = [
        [{"send_money": {"to": "ann", "amount": dice.randint(1, 999)}} for _ in range(10)]
        for _ in range(10)
    ]
    agent = Agent(
        "payer",
        model="scripted:x",
        instructions="Pay.",
        tools=[send_money],
        remit=Remit(approvals={send_money: 0}, tool_calls=200, identical_calls=200),
    )
    prices = {"scripted:*": declare("scripted:*", input_usd="0.01", output_usd="0.01")}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        models = {"scripted": ScriptedModel(*turns, "done")}
        async with App(url, agents=[agent], models=models, prices=prices) as app:
            for _ in range(runs):
                await app.run(agent, "Pay them.")
            seconds: list[float] = []
            judged = changed = 0
            for _ in range(rounds):
                compared = Counterfactual((over(900),), (over(800),))
                begun = time.process_time()
                diff = PolicyDiff(app.engine.reader, compared)
                changed = len([each async for each in diff.changes()])
                judged = compared.judged
                seconds.append(time.process_time() - begun)
    return {
        "diff_calls": judged,
        "changed": changed,
        "diff_calls_per_s": round(judged / min(seconds)),
        "diff_decisions_per_s": round(2 * judged / min(seconds)),
        "diff_decisions_per_s_all": round(2 * judged * rounds / sum(seconds)),
    }


def over(amount: int) -> Rule:
    """No payment above an amount."""
    above = Where(name="amount", above=str(amount))
    return Rule(id=f"over-{amount}", effect="deny", tool="*", where=(above,), reason="measured")


async def start(starts: int) -> list[dict[str, object]]:
    """How much longer a program takes to start and end in each sandbox than bare."""
    argv = (sys.executable, "-I", "-S", "-c", "pass")
    bare = []
    for _ in range(starts):
        begun = time.perf_counter()
        subprocess.run(argv, check=True)  # noqa: ASYNC221  # alone on its loop; this python
        bare.append(time.perf_counter() - begun)
    found: list[dict[str, object]] = []
    for sandbox in working_sandboxes():
        taken = []
        with tempfile.TemporaryDirectory() as folder:
            command = Command(argv=argv, cwd=folder, write=(folder,))
            for _ in range(starts):
                begun = time.perf_counter()
                await sandbox.run(command)
                taken.append(time.perf_counter() - begun)
        found.append(
            {
                "sandbox": sandbox.name,
                "bare_ms": round(min(bare) * 1000, 1),
                "ms": round(min(taken) * 1000, 1),
                "ratio": round(min(taken) / min(bare), 2),
                "median_ratio": round(statistics.median(taken) / statistics.median(bare), 2),
            }
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="decisions for each line")
    parser.add_argument("--runs", type=int, default=20, help="runs of 100 calls to compare")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--starts", type=int, default=30, help="programs started in each sandbox")
    given = parser.parse_args()
    for count in (10, 100, 1000):
        print(json.dumps(measure(count, given.calls, given.rounds)))
    print(json.dumps(asyncio.run(compare(given.runs, given.rounds))))
    for line in asyncio.run(start(given.starts)):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
