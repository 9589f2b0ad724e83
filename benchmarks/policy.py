"""How long one decision takes with 10, 100 and 1,000 rules, and how fast past calls are compared.

Prints one JSON line for each number of rules, and one for `policy diff`. Rules and calls are mixed:
ten tools, a tenth of the rules for all tools, every kind of predicate, calls of three to six
arguments. Every decision reads its own call's JSON. Rates are per second of CPU, for a busy machine
must not change them; p50 and p99 are what passed on the clock.

    python benchmarks/policy.py
    python benchmarks/policy.py --calls 200000 --runs 100
"""

import argparse
import asyncio
import gc
import json
import random
import tempfile
import time
from pathlib import Path

from remit import Agent, App, Remit, ScriptedModel, declare, tool
from remit.app.policy_diff import PolicyDiff
from remit.policy.permission import Question, Rule, Rules
from remit.policy.where import Where
from remit.projections.verdicts import Counterfactual

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


def measure(count: int, calls: int) -> dict[str, object]:
    """One line of results for this number of rules."""
    asked = questions(min(calls, 20_000), random.Random(SEED))  # noqa: S311  # no secret
    made = Rules(rules(count))
    for question in asked[:100]:
        made.judge("autonomous", question)  # the index of each tool is made once
    gc.collect()
    gc.freeze()
    begun = time.process_time()
    for number in range(calls):
        made.judge("autonomous", asked[number % len(asked)])
    seconds = time.process_time() - begun
    taken = []
    for question in asked:
        at = time.perf_counter_ns()
        made.judge("autonomous", question)
        taken.append(time.perf_counter_ns() - at)
    taken.sort()
    return {
        "rules": count,
        "decisions_per_s": round(calls / seconds),
        "p50_us": round(taken[len(taken) // 2] / 1000, 1),
        "p99_us": round(taken[len(taken) * 99 // 100] / 1000, 1),
    }


@tool(access="write")
def send_money(to: str, amount: int) -> str:
    """Send money to somebody."""
    return f"{amount} to {to}"


async def compare(runs: int) -> dict[str, object]:
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
            compared = Counterfactual((over(900),), (over(800),))
            begun = time.process_time()
            changed = [each async for each in PolicyDiff(app.engine.reader, compared).changes()]
            seconds = time.process_time() - begun
    return {
        "diff_calls": compared.judged,
        "changed": len(changed),
        "diff_calls_per_s": round(compared.judged / seconds),
    }


def over(amount: int) -> Rule:
    """No payment above an amount."""
    above = Where(name="amount", above=str(amount))
    return Rule(id=f"over-{amount}", effect="deny", tool="*", where=(above,), reason="measured")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="decisions for each line")
    parser.add_argument("--runs", type=int, default=20, help="runs of 100 calls to compare")
    given = parser.parse_args()
    for count in (10, 100, 1000):
        print(json.dumps(measure(count, given.calls)))
    print(json.dumps(asyncio.run(compare(given.runs))))


if __name__ == "__main__":
    main()
