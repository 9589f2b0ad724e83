"""A walk through rules and approvals at the command line, clause by clause, as users write them."""

import asyncio
from pathlib import Path
from unittest.mock import ANY

import pytest
from typing_extensions import override

from remit import Agent, App, ScriptedModel, declare, tool
from remit.adapters.scripted import Reply
from remit.journal.events import CallJudged, InboxIgnored, ToolCompleted
from remit.machine.agent import Remit as Limits
from remit.machine.tools import AnyTool
from tests.cli.terminal import Remit
from tests.runtime.stage import told

SETTINGS = """
timezone = "Europe/Berlin"

[[rules]]
id = "equals"
effect = "deny"
tool = "pay"
reason = "order 17 is a test"
where = [{ name = "order", equals = "17" }]
must_match = [{ arguments = { order = "17" } }, { arguments = { order = 17 } }]
must_not_match = [{ arguments = { order = "18" } }]

[[rules]]
id = "in"
effect = "ask"
tool = "pay"
reason = "foreign money"
where = [{ name = "currency", in = ["USD", "CHF"] }]

[[rules]]
id = "range"
effect = "allow"
tool = "pay"
reason = "small"
where = [{ name = "amount", above = 0, at_most = 50.00 }]

[[rules]]
id = "left-out"
effect = "deny"
tool = "pay"
reason = "no real payment in ulm"
tenant = "ulm"
where = [{ name = "dry_run", equals = false }]
must_match = [{ arguments = { dry_run = "no" } }]
must_not_match = [{ arguments = { dry_run = true } }]

[[rules]]
id = "glob"
effect = "allow"
tool = "save"
reason = "drafts"
where = [{ name = "path", glob = "draft-*.txt" }]

[[rules]]
id = "beneath"
effect = "allow"
tool = "save"
reason = "data"
where = [{ name = "path", beneath = ["/srv/data"] }]

[[rules]]
id = "pattern"
effect = "deny"
tool = "save"
reason = "no keys"
where = [{ name = "path", pattern = "(?i)[.]pem$" }]
must_match = [{ arguments = { path = "/srv/data/A.PEM" } }]
must_not_match = [{ arguments = { path = "/srv/data/a.pem.txt" } }]

[[rules]]
id = "host"
effect = "allow"
tool = "fetch"
reason = "own hosts"
where = [{ name = "url", host_in = ["api.example", "*.example.org"] }]

[[rules]]
id = "night"
effect = "deny"
tool = "fetch"
reason = "nobody looks at night"
hours = [{ start = "23:00", end = "05:00" }, { days = ["sun"] }]

[[rules]]
id = "read-mail"
effect = "ask"
tool = "fetch"
reason = "somebody's mail was read"
origin = "tool:read_mail"

[[rules]]
id = "two"
effect = "ask"
tool = "erase"
reason = "two managers"
needed = 2
role = "manager"

[[rules]]
id = "personal"
effect = "allow"
tool = "find_customer"
reason = "support looks up customers"
tenant = "acme"
user = ["ann", "b*"]

[[rules]]
id = "crm"
effect = "deny"
tool = "crm/drop_*"
reason = "the customers stay"
phases = ["autonomous"]
where = [{ name = "name", glob = "*" }]
must_match = [{ tool = "crm/drop_all", arguments = { name = "x" } }]
must_not_match = [{ tool = "shop/drop_all", arguments = { name = "x" } }]

[modes.users]
"acme/trainee" = "plan"
"""


@tool(access="write")
def pay(order: str, amount: str, currency: str = "EUR", dry_run: bool = False) -> str:
    """Pay."""
    return f"{order} {amount} {currency} {dry_run}"


@tool(access="write")
def save(path: str) -> str:
    """Save."""
    return path


@tool(access="write")
def fetch(url: str) -> str:
    """Fetch."""
    return url


@tool(access="write", risk="high")
def erase(name: str) -> str:
    """Erase."""
    return f"erased {name}"


@tool(personal_data=True)
def find_customer(name: str) -> str:
    """Find."""
    return name


clerk = Agent(
    "clerk",
    model="scripted:x",
    instructions="You are a clerk.",
    tools=[pay, save, fetch, erase, find_customer],
    remit=Limits(settings_rules=True),
)


@pytest.fixture
def remit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remit:
    """The command line in a folder with these rules and a journal of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", "sqlite:///j.db")
    Path("remit.toml").write_text(SETTINGS, encoding="utf-8")
    return Remit()


OWN = '{"url":"https://a.example.org/x"}'
FOREIGN = '{"url":"https://a.example.org@evil.example"}'
NOON = ("--at", "mon 12:00")
CASES: list[tuple[str, str, tuple[str, ...], str]] = [
    # tool, arguments, circumstances, verdict
    ("pay", '{"order":"17","amount":"4"}', (), "deny by equals"),
    ("pay", '{"order":"18","amount":"5e1"}', (), "allow by range"),
    ("pay", '{"order":"18","amount":"50.01"}', (), "deny by builtin.default-deny"),
    ("pay", '{"order":"18","amount":"5","currency":"CHF"}', (), "ask 1 by in"),
    ("pay", '{"order":"18","amount":"5"}', ("--tenant", "ulm"), "deny by left-out"),
    ("pay", '{"order":"8","amount":"5","dry_run":"off"}', ("--tenant", "ulm"), "deny by left-out"),
    ("pay", '{"order":"8","amount":"5","dry_run":true}', ("--tenant", "ulm"), "allow by range"),
    ("save", '{"path":"draft-1.txt"}', (), "allow by glob"),
    ("save", '{"path":"/srv/data/a/b"}', (), "allow by beneath"),
    ("save", '{"path":"/srv/data/../b"}', (), "deny by builtin.default-deny"),
    ("save", '{"path":"/srv/data/b.Pem"}', (), "deny by pattern"),
    ("fetch", OWN, NOON, "allow by host"),
    ("fetch", FOREIGN, NOON, "deny by builtin.default-deny"),
    ("fetch", OWN, ("--at", "tue 04:59"), "deny by night"),
    ("fetch", OWN, ("--at", "sun 12:00"), "deny by night"),
    ("fetch", OWN, (*NOON, "--origin", "tool:read_mail"), "ask 1 by read-mail"),
    ("erase", '{"name":"x"}', (), "deny by builtin.default-deny"),
    ("erase", '{"name":"x"}', ("--role", "manager"), "ask 2 by two"),
    ("find_customer", '{"name":"x"}', (), "deny by builtin.default-deny"),
    ("find_customer", '{"name":"x"}', ("--tenant", "acme", "--user", "bob"), "allow by personal"),
    ("find_customer", '{"name":"x"}', ("--tenant", "acme", "--user", "carl"), "deny by builtin."),
    (
        "pay",
        '{"order":"8","amount":"5"}',
        ("--tenant", "acme", "--user", "trainee"),
        "deny by mode",
    ),
    ("pay", '{"order":"18","amount":"90"}', ("--mode", "auto"), "allow by mode.auto"),
    ("erase", '{"name":"x"}', ("--mode", "auto"), "ask 1 by mode.auto"),
    ("erase", '{"name":"x"}', ("--mode", "bypass", "--role", "manager"), "allow by mode.bypass"),
    ("pay", '{"order":"17","amount":"4"}', ("--mode", "bypass"), "deny by equals"),
]


@pytest.mark.requirement("PERM-1", "PERM-2", "PERM-4", "PERM-5", "PERM-6")
def test_every_clause_of_a_rule_decides_as_it_says(remit: Remit) -> None:
    assert "13 rules, 9 examples: all good" in remit.good("policy", "test")
    for name, arguments, given, verdict in CASES:
        made = remit("policy", "explain", name, arguments, "--agent", f"{__name__}:clerk", *given)
        where = f"{name} {arguments} {given}: {made.stdout}{made.stderr}"
        assert f"\n  {verdict}" in made.stdout, where
        assert made.exit_code == (1 if verdict.startswith("deny") else 0), where


def test_arguments_that_the_tool_does_not_take_are_told(remit: Remit) -> None:
    shop = ("--agent", f"{__name__}:clerk")
    made = remit("policy", "explain", "pay", '{"order":"18"}', *shop)
    assert made.exit_code == 1
    assert "invalid: the tool does not take this, and no rule is asked" in made.stdout
    assert "amount" in made.stdout.splitlines()[-1]
    whole = remit("policy", "explain", "pay", '{"order":"18"}', *shop, "--json")
    assert '"invalid": "the arguments are not valid: amount: Field required' in whole.stdout
    late = remit("policy", "explain", "save", '{"path":"x"}', *shop, "--at", "noon")
    assert (late.exit_code, "say such as 'sat 23:30'" in late.stderr) == (2, True)


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("old", "new", "told_so"),
    [
        ('order = "18"', 'order = "17"', "rule 'equals': must_not_match[0] = "),
        ("A.PEM", "A.KEY", "rule 'pattern': must_match[0] = "),
        ("crm/drop_all", "shop/drop_all", "rule 'crm': must_match[0] = "),
    ],
)
def test_an_example_that_fails_is_told_with_its_file_and_line(
    remit: Remit, old: str, new: str, told_so: str
) -> None:
    text = SETTINGS.replace(old, new, 1)
    Path("remit.toml").write_text(text, encoding="utf-8")
    rule = told_so.split("'")[1]
    line = text[: text.index(f'id = "{rule}"')].count("\n")
    failed = remit("policy", "test")
    assert failed.exit_code == 1
    assert f"remit.toml:{line}: {told_so}" in failed.stdout
    assert "mend the rule or it" in failed.stdout
    refused = remit("policy", "explain", "save", "{}", "--agent", f"{__name__}:clerk")
    assert refused.exit_code == 2
    assert f"remit.toml:{line}: {told_so}" in refused.stderr


# ---------------------------------------------------------------- runs


class Saying(str):
    """Equal to every text that says it."""

    __slots__ = ()
    __hash__ = str.__hash__

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and str(self) in other


PRICES = {"scripted:*": declare("scripted:x", input_usd="1", output_usd="2")}


def app_of(path: Path, agent: Agent[str], *script: Reply) -> App:
    models = {"scripted": ScriptedModel(*script)}
    return App(f"sqlite:///{path / 'j.db'}", agents=[agent], models=models, prices=PRICES)


def agent_of(remit: Limits, *tools: AnyTool) -> Agent[str]:
    return Agent("rash", model="scripted:x", instructions="Be quick.", tools=tools, remit=remit)


@pytest.mark.requirement("PERM-4", "OPS-1")
async def test_the_switch_flips_a_bypass_run_that_goes_on(tmp_path: Path) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @tool
    async def look_up(name: str) -> str:
        """Look something up, which takes a while."""
        begun.set()
        await go.wait()
        return name

    rash = agent_of(Limits(mode="bypass", approvals={erase: 1}), erase, look_up)
    script: tuple[Reply, ...] = (
        {"erase": {"name": "a"}},
        {"look_up": {"name": "x"}},
        {"erase": {"name": "b"}},
        "I may not.",
    )
    async with app_of(tmp_path, rash, *script) as app:
        run = asyncio.create_task(app.run(rash, "go"))
        await begun.wait()
        words = ("switch", "off", "mode:bypass", "--reason", "enough")
        made = await Remit().elsewhere(*words, "--db", f"sqlite:///{tmp_path / 'j.db'}")
        assert made.exit_code == 0
        await app.engine.services.switchboard.reread()  # as every process does each second
        go.set()
        ended = await run
        judged = await told(app, ended.id, CallJudged)
        assert [each.rule for each in judged] == [
            "mode.bypass",
            "builtin.read",
            "switch.mode:bypass",
        ]
        assert [each.effect for each in judged] == ["allow", "allow", "deny"]
        done = [each.text for each in await told(app, ended.id, ToolCompleted)]
        assert done == ["erased a", "x"]


class Desk:
    """A terminal at which different people sit."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._url, self._monkeypatch = f"sqlite:///{folder / 'j.db'}", monkeypatch

    async def says(self, name: str, *words: str) -> tuple[int, str]:
        """The exit status and all that one of them is told."""
        self._monkeypatch.setattr("remit.cli.person.user_name", lambda: name)
        made = await Remit().elsewhere(*words, "--db", self._url)
        return made.exit_code, made.stdout + made.stderr


@pytest.mark.requirement("APR-3", "APR-4", "PERM-7")
async def test_two_different_people_agree_to_the_very_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rash = agent_of(Limits(approvals={erase: 2}), erase)
    desk = Desk(tmp_path, monkeypatch)
    async with app_of(tmp_path, rash, {"erase": {"name": "a"}}, "Erased.") as app:
        run = await app.run(rash, "go", user="carl")
        asked = run.approvals[0].id
        assert await desk.says("ann", "approve", asked) == (0, ANY)
        assert await desk.says("ann", "approve", asked) == (1, Saying("agreed already"))
        assert await desk.says("carl", "approve", asked) == (1, Saying("whose run it is"))
        edit = ("approve", asked, "--arguments", '{"name": "b"}')
        assert await desk.says("bob", *edit) == (0, ANY)
        (again,) = (await app.get(run.id)).approvals
        assert (again.arguments, again.given) == ('{"name": "b"}', ("local:bob",))
        assert await desk.says("bob", "approve", again.id) == (1, Saying("agreed already"))
        assert await desk.says("ann", "approve", again.id) == (0, ANY)
        assert (await app.wait(run.id)).status == "completed"
        assert [each.text for each in await told(app, run.id, ToolCompleted)] == ["erased b"]
        assert await desk.says("zoe", "approve", again.id) == (1, Saying("no call that waits"))
        ignored = await told(app, run.id, InboxIgnored)
        assert [each.principal for each in ignored] == ["local:carl"]


@pytest.mark.requirement("APR-4", "PERM-8")
async def test_a_word_for_a_run_that_was_cancelled_comes_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rash = agent_of(Limits(approvals={erase: 1}), erase)
    desk = Desk(tmp_path, monkeypatch)
    async with app_of(tmp_path, rash, {"erase": {"name": "a"}}, "Erased.") as app:
        run = await app.run(rash, "go", user="carl")
        assert await desk.says("carl", "cancel", run.id) == (0, ANY)
        assert (await app.wait(run.id)).status == "stopped"
        asked = run.approvals[0].id
        assert await desk.says("ann", "approve", asked) == (1, Saying("no call that waits"))
        assert await told(app, run.id, ToolCompleted) == []
