"""What the pages show with a provider works with one: here the simulator over the wire."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from remit.cli.main import COMMANDS
from remit.simulator.load import parse_scenario
from remit.simulator.server import running
from tests.docs.blocks import Block, blocks
from tests.examples.provider import scenario, till
from tests.examples.scratch import commits
from tests.tidy.tree import ROOT

TUTORIAL = "docs/tutorial/first-agent.md"
HOWTO = "docs/howto/coding-agent.md"
README = "README.md"
SHOP = """
[[rule]]
when = { results = 0 }
calls = [{ tool = "refund_order", arguments = { order = "A17" } }]

[[rule]]
text = "${result}"
"""


def _block(page: str, beginning: str) -> Block:
    return next(each for each in blocks(ROOT, page) if beginning in each.code)


async def _in_shell(folder: Path, code: str, url: str) -> subprocess.CompletedProcess[str]:
    """Run the commands of a block as a person would, in one shell."""
    script = "".join(line.removeprefix("$ ") + "\n" for line in code.splitlines())
    kept = {key: os.environ[key] for key in os.environ if not key.startswith("ANTHROPIC_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return await asyncio.to_thread(
        subprocess.run,
        ["/bin/bash", "-eu", "-c", script],
        cwd=folder,
        env={**kept, "PATH": path, "ANTHROPIC_BASE_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


async def test_the_agent_of_the_tutorial_runs_from_the_command_line(tmp_path: Path) -> None:
    assert TUTORIAL == "docs/tutorial/first-agent.md"
    (tmp_path / "shop.py").write_text(_block(TUTORIAL, "class Shop").code, encoding="utf-8")
    code = _block(TUTORIAL, "remit run shop.py:support").code
    async with running(parse_scenario(SHOP)) as provider:
        # Nobody sits at this terminal: the run is left where only a human can move it on.
        done = await _in_shell(tmp_path, code.rstrip() + " --detach\n", provider.url)
        assert done.returncode == 0, done.stderr
        assert "refund_order" in done.stderr
        listed = await _in_shell(tmp_path, "$ remit approvals --json\n", provider.url)
        (pending,) = json.loads(listed.stdout)
        agreed = f"$ remit approve {pending['id']}\n"
        again = f"$ export ANTHROPIC_API_KEY=any\n$ remit resume shop.py:support {pending['run']}\n"
        last = await _in_shell(tmp_path, agreed + again, provider.url)
    assert last.returncode == 0, last.stderr
    assert last.stdout.rstrip().endswith("paid 12.50 EUR back for A17")


async def test_the_coding_agent_works_on_a_repository_of_ones_own(tmp_path: Path) -> None:
    assert HOWTO == "docs/howto/coding-agent.md"
    repo = till(tmp_path / "my-project")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    code = _block(HOWTO, "remit run examples/lomu/app.py:app").code
    async with running(scenario()) as provider:
        done = await _in_shell(tmp_path, code.rstrip() + " --detach\n", provider.url)
    assert done.returncode == 0, done.stderr
    assert "commit_changes" in done.stderr
    assert len(commits(repo)) == 1


def test_the_commands_of_the_readme_are_there() -> None:
    assert README == "README.md"
    shown = "".join(each.code for each in blocks(ROOT, README) if each.language == "console")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= set(re.findall(r"make (\w+)", shown)) <= targets
    assert (ROOT / "examples" / "lomu" / "app.py").is_file()
    said = set(re.findall(r"remit (\w+)", shown)) - {"&&"}
    assert said <= set(COMMANDS), said
