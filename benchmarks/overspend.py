"""How far a cap is overspent by requests that come at once: Remit's, and with --rivals others'.

A cap of $1 and calls of $0.10: ten may be made. Prints one JSON line per measurement: `admitted`
calls, `spent_usd` and `cap_usd`. Remit runs on SQLite and Postgres in one, two and four processes,
each with all requests. Rivals run in one process, each in a virtual environment made for it, which
needs a package index.

    python benchmarks/overspend.py --rivals
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

# The programs that draw on the cap, and the server's binaries, come with the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from remit.adapters.keys import new_keys
from tests.overspend.crowd import at_once, measure_call, outcome
from tests.overspend.program import Order
from tests.support.postgres import PostgresServer

CAP_USD = "1"
CALL_USD = 0.10
CALLS = 10
NANO = 1_000_000_000
_INSTALL_S = 600
_RUN_S = 120

# What each rival's own documentation shows: a limit that is asked before a call and told after it.
# The model takes 20 ms, as Remit's here, and every answer costs what the cap divides by ten.
HARNESS = """
import asyncio, json, sys
from decimal import Decimal
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai_harness import SpendLimits
from pydantic_ai_harness.spend import Budget
made = 0
async def answer(messages, info):
    global made
    made += 1
    await asyncio.sleep(0.02)
    return ModelResponse(parts=[TextPart("done")])
limits = SpendLimits(budgets=[Budget(usd=Decimal("1"), window="total")],
                     price=lambda response: Decimal("0.10"))
agent = Agent(FunctionModel(answer), capabilities=[limits])
async def main():
    count = int(sys.argv[1])
    await asyncio.gather(*(agent.run("go") for _ in range(count)), return_exceptions=True)
    (status,) = await limits.status()
    print(json.dumps({"admitted": made, "spent_usd": float(status.spent.usd)}))
asyncio.run(main())
"""
LOOMFLOW = """
import asyncio, json, sys
from loomflow import Agent
from loomflow.core.types import Usage
from loomflow.governance.budget import BudgetConfig, StandardBudget
from loomflow.model.scripted import ScriptedModel, ScriptedTurn
made = 0
class Slow(ScriptedModel):
    async def complete(self, *args, **kwargs):
        global made
        made += 1
        await asyncio.sleep(0.02)
        return await super().complete(*args, **kwargs)
async def main():
    count = int(sys.argv[1])
    usage = Usage(input_tokens=1000, output_tokens=1000, cost_usd=0.10)
    budget = StandardBudget(BudgetConfig(max_cost_usd=1.0))
    agent = Agent("Answer.", budget=budget,
                  model=Slow([ScriptedTurn(text="done", usage=usage) for _ in range(count)]))
    await asyncio.gather(*(agent.run("go") for _ in range(count)), return_exceptions=True)
    print(json.dumps({"admitted": made, "spent_usd": round(budget._cost, 6)}))
asyncio.run(main())
"""
LITELLM = """
import asyncio, json, sys
import litellm
from litellm import BudgetManager, ModelResponse
litellm.register_model({"bench": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0001,
                                  "litellm_provider": "openai", "mode": "chat"}})
budgets = BudgetManager(project_name="bench")
budgets.save_data = lambda: {"status": "success"}
budgets.create_budget(total_budget=1.0, user="ann")
made = 0
async def one():
    global made
    if budgets.get_current_cost(user="ann") >= budgets.get_total_budget("ann"):
        return
    made += 1
    answer = await litellm.acompletion(
        model="openai/bench", messages=[{"role": "user", "content": "go"}],
        api_key="none", mock_response="done", mock_delay=0.02)
    answer.model = "bench"
    answer.usage = litellm.Usage(prompt_tokens=10, completion_tokens=1000, total_tokens=1010)
    budgets.update_cost(completion_obj=answer, user="ann")
async def main():
    faults = await asyncio.gather(*(one() for _ in range(int(sys.argv[1]))), return_exceptions=True)
    for fault in faults:
        if fault is not None:
            raise fault
    spent = round(budgets.get_current_cost(user="ann"), 6)
    print(json.dumps({"admitted": made, "spent_usd": spent}))
asyncio.run(main())
"""
RIVALS = {
    "pydantic-ai-harness": ("pydantic-ai-harness", HARNESS),
    "loomflow": ("loomflow", LOOMFLOW),
    "litellm BudgetManager": ("litellm", LITELLM),
}


def say(system: str, requests: int, admitted: int, spent_usd: float) -> None:
    """One line."""
    line = {
        "system": system,
        "requests": requests,
        "admitted": admitted,
        "spent_usd": round(spent_usd, 6),
        "cap_usd": float(CAP_USD),
    }
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


async def order_of(requests: int) -> Order:
    """Runs whose only call may cost a tenth of a dollar and does."""
    order = Order(cap_usd=CAP_USD, runs=requests)
    bound, _ = await measure_call(order)
    # Input costs a fifth of output; what is held is rounded up by two nano-dollars.
    per_million = (CALL_USD - 2 / NANO) * 1_000_000 / (bound / 5 + 4096)
    return order.model_copy(update={"bound": bound, "output_usd": f"{per_million:.6f}"})


async def remit(url: str, store: str, processes: int, requests: int) -> None:
    """One measurement of ours."""
    order = await order_of(requests)
    await at_once(url, order, processes)
    found = await outcome(url, order)
    if not found.balanced or found.held or found.open:
        raise SystemExit(f"the accounts do not say what the events say: {found}")
    say(f"remit, {store}, {processes} processes", requests, found.admitted, found.spent / NANO)


def rival(name: str, requests: list[int], folder: Path) -> None:
    """Measurements of another system, in an environment of its own."""
    package, program = RIVALS[name]
    home = folder / package
    venv.create(home, with_pip=True)
    python = str(home / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=_INSTALL_S,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        sys.stderr.write(
            f"{name}: not measured, {package} cannot be installed ({reason[0]}). "
            "It needs a package index: go online, or leave --rivals out\n"
        )
        return
    for count in requests:
        told = subprocess.run(
            [python, "-W", "ignore", "-c", program, str(count)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_RUN_S,
            cwd=home,
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},  # its prices are local
        )
        if told.returncode:
            sys.stderr.write(f"{name}: not measured, its program failed: {told.stderr[-500:]}\n")
            return
        found = json.loads(told.stdout.splitlines()[-1])
        say(name, count, found["admitted"], found["spent_usd"])


async def ours(stores: list[str], processes: list[int], requests: list[int]) -> None:
    """All measurements of ours."""
    os.environ["REMIT_KEYS"] = new_keys()
    for store in stores:
        for count in requests:
            for number in processes:
                if store == "sqlite":
                    with tempfile.TemporaryDirectory() as folder:
                        await remit(f"sqlite:///{folder}/journal.db", store, number, count)
                else:
                    with PostgresServer(durable=True) as server:
                        await remit(server.database(), store, number, count)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--processes", nargs="*", type=int, default=[1, 2, 4])
    parser.add_argument("--requests", nargs="*", type=int, default=[50, 500])
    parser.add_argument("--rivals", action="store_true", help="install and measure others too")
    options = parser.parse_args()
    asyncio.run(ours(options.stores, options.processes, options.requests))
    if options.rivals:
        with tempfile.TemporaryDirectory() as folder:
            for name in RIVALS:
                rival(name, options.requests, Path(folder))


if __name__ == "__main__":
    main()
