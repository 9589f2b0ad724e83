"""`remit policy`: why a call is decided so, whether rules do what they say, what would change."""

import asyncio
from pathlib import Path

import click

from remit.app.calendars import Calendars
from remit.app.config import FILE
from remit.app.declared import read_prompt
from remit.app.lazy import WallClock
from remit.app.permissions import governed
from remit.app.policy_diff import PolicyDiff
from remit.app.policy_explain import Explained, explain_call, explain_past
from remit.app.replay import read_past
from remit.cli.agents import load_agent
from remit.cli.group import GOOD, NO
from remit.cli.journal import find_run, open_journal, settings_of, short
from remit.cli.options import Options
from remit.cli.output import COLOURS, iso, moment, print_json
from remit.cli.plain import one_line, printable
from remit.errors import ConfigError, UsageError
from remit.policy.hours import WEEK
from remit.policy.mode import MODES, Mode
from remit.policy.permission import Question, Rule, Verdict
from remit.policy.rule_examples import needs_examples, problems_of
from remit.policy.rules_text import lines_of, read_rules_text
from remit.projections.verdicts import Change, Counterfactual
from remit.values.duration import milliseconds
from remit.values.windows import Calendar

_AS_JOURNALLED = "-"
_MINUTE_MS = 60_000
_WEEK_MS = 7 * 24 * 60 * _MINUTE_MS


@click.group("policy")
def policy() -> None:
    """Explain, test and compare the rules that decide tool calls."""


# ---------------------------------------------------------------- test


@policy.command("test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--agent", "agents", multiple=True, metavar="REF", help="Also an agent's own rules.")
@click.pass_obj
def test_rules(options: Options, *, files: tuple[Path, ...], agents: tuple[str, ...]) -> int:
    """Try the examples of every rule in FILES (default: remit.toml).

    A rule that denies a pattern and has no examples fails. Exit status 1 where anything is wrong.
    """
    rules: list[tuple[str, Rule]] = []
    for path in files or (() if agents else (Path(FILE),)):
        rules += _placed(path)
    for reference in agents:
        rules += [(reference, rule) for rule in load_agent(reference).remit.rules]
    wrong = [(where, rule, each) for where, rule in rules for each in problems_of(rule)]
    examples = sum(len(rule.must_match) + len(rule.must_not_match) for _, rule in rules)
    if options.json:
        found = [{"where": where, "rule": rule.id, "problem": each} for where, rule, each in wrong]
        print_json({"rules": len(rules), "examples": examples, "problems": found})
        return NO if wrong else GOOD
    for where, rule, each in wrong:
        click.echo(click.style(f"{where}: rule {rule.id!r}: ", bold=True) + printable(each))
    bare = sum(not (rule.must_match or needs_examples(rule)) for _, rule in rules)
    word = click.style("failed", fg="red") if wrong else click.style("good", fg="green")
    click.echo(f"{len(rules)} rules, {examples} examples: {len(wrong) or 'all'} {word}")
    if bare:
        click.echo(f"{bare} rules have no example and need none")
    return NO if wrong else GOOD


def _placed(path: Path) -> list[tuple[str, Rule]]:
    """The rules in a file, each with the line at which it begins, where that is certain."""
    text = _text(path)
    rules, lines = read_rules_text(text, str(path), tried=False), lines_of(text)
    certain = len(rules) == len(lines)
    return [
        (f"{path}:{lines[number]}" if certain else str(path), rule)
        for number, rule in enumerate(rules)
    ]


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules in a file, their examples tried. Raises `ConfigError`."""
    return read_rules_text(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read: {exc}") from exc


# ---------------------------------------------------------------- explain


@policy.command("explain")
@click.argument("call")
@click.argument("arguments", required=False)
@click.option("--agent", metavar="REF", help="With TOOL and JSON: whose tool it is.")
@click.option("--user", default="local", show_default=True, help="Who asks.")
@click.option("--role", "roles", multiple=True, help="A role of the user; may be repeated.")
@click.option("--mode", type=click.Choice(MODES), help="Else as the settings say.")
@click.option("--origin", "origins", multiple=True, help="What was read, as tool:NAME; repeatable.")
@click.option("--at", metavar="WHEN", help="As 'sat 23:30' of the tenant's time; else now.")
@click.pass_obj
def explain(  # noqa: PLR0913  # each option is a circumstance that a rule may name
    options: Options,
    *,
    call: str,
    arguments: str | None,
    agent: str | None,
    user: str,
    roles: tuple[str, ...],
    mode: Mode | None,
    origins: tuple[str, ...],
    at: str | None,
) -> int:
    """Explain a verdict: every rule, which matched, what did not fit, who decided.

    CALL is a call of a run, RUN:CALL as `remit show` names it. Or a call that an agent might make:
    TOOL JSON --agent module:name. Exit status 1 where the call is denied, or not valid.
    """
    if arguments is None:
        found = asyncio.run(_past(options, call))
    else:
        if agent is None:
            raise UsageError("whose tool is it? add --agent module:name")
        settings = settings_of(options)
        loaded = load_agent(agent)
        spec = governed(loaded.spec(read_prompt), settings)
        tenant = options.tenant or "local"
        calendar = Calendars(settings.timezone, settings.timezones).of(
            tenant, now_ms := WallClock().now_ms()
        )
        circumstances = Question(
            tool=call,
            access="read",
            risk="low",
            arguments="",
            tenant=tenant,
            user=user,
            roles=roles,
            mode=mode or settings.modes.of(tenant, user, spec.mode),
            environment=settings.environment,
            now_ms=now_ms if at is None else _instant(at, calendar, now_ms),
            calendar=calendar,
            origins=origins,
        )
        found = explain_call(spec, call, arguments, given=circumstances, takes=loaded.tool(call))
    if options.json:
        print_json(explained_json(found))
    else:
        _print_explained(found)
    return NO if found.invalid or found.verdict.effect == "deny" else GOOD


def _instant(text: str, calendar: Calendar, now_ms: int) -> int:
    """The next instant of a day and time of the week in a tenant's own time."""
    day, _, time = text.partition(" ")
    hours, _, minutes = time.partition(":")
    known = [number for number, name in enumerate(WEEK) if name == day]
    if known and hours.isdecimal() and minutes.isdecimal():
        wanted = known[0], int(hours) * 60 + int(minutes)
        begin = now_ms - now_ms % _MINUTE_MS
        for instant in range(begin, begin + _WEEK_MS, _MINUTE_MS):
            if calendar.time_of_week(instant) == wanted:
                return instant
    raise UsageError(f"--at {text!r} is no day and time of the next week: say such as 'sat 23:30'")


async def _past(options: Options, given: str) -> Explained:
    run, colon, call = given.rpartition(":")
    if not colon:
        raise UsageError(f"{given!r} names no call: write RUN:CALL, or TOOL JSON --agent REF")
    async with open_journal(options) as journal:
        row = await find_run(journal.store, options, run)
        return explain_past(await read_past(journal.reader, row), call)


def _print_explained(found: Explained) -> None:
    question = found.question
    who = f"{question.tenant}/{question.user}" + (
        f" ({', '.join(question.roles)})" if question.roles else ""
    )
    head = f"{question.tool} {one_line(question.arguments)}"
    click.echo(click.style(printable(head), bold=True))
    where = f"mode {question.mode}, phase {found.phase}, at {moment(question.now_ms)}"
    click.echo(f"  by {printable(who)}, {where}")
    for each in found.considered:
        rule, mark = each.rule, "x" if each.matched else " "
        told = printable(each.why or rule.reason) if each.matched else f"no: {each.failed}"
        colour = COLOURS[rule.effect] if each.matched else None
        effect = click.style(f"{rule.effect:<5}", fg=colour)
        click.echo(f"  [{mark}] {effect} {printable(rule.id):<28} {one_line(told)}".rstrip())
    click.echo(f"  {_told(found.verdict)}")
    if found.invalid:
        said = f"the tool does not take this, and no rule is asked: {found.invalid}"
        click.echo(f"  {click.style('invalid', fg=COLOURS['deny'], bold=True)}: {one_line(said)}")
    then = found.journalled
    if then is not None and (then.effect, then.rule) != (found.verdict.effect, found.verdict.rule):
        reason = one_line(str(then.reason))
        click.echo(f"  then: {then.effect} by {printable(then.rule)}: {reason}")


def _told(verdict: Verdict) -> str:
    effect = click.style(verdict.effect, fg=COLOURS[verdict.effect], bold=True)
    people = f" {verdict.needed}" if verdict.needed else ""
    return f"{effect}{people} by {printable(verdict.rule)}: {printable(verdict.reason)}"


def explained_json(found: Explained) -> dict[str, object]:
    """The stable keys of an explanation."""
    then = found.journalled
    return {
        "tool": found.question.tool,
        "arguments": found.question.arguments,
        "tenant": found.question.tenant,
        "user": found.question.user,
        "roles": list(found.question.roles),
        "mode": found.question.mode,
        "phase": found.phase,
        "time": iso(found.question.now_ms),
        "rules": [
            {
                "id": each.rule.id,
                "effect": each.rule.effect,
                "source": each.rule.source,
                "matched": each.matched,
                "failed": each.failed,
                "why": each.why,
            }
            for each in found.considered
        ],
        "verdict": verdict_json(found.verdict),
        "invalid": found.invalid,
        "journalled": None if then is None else {"effect": then.effect, "rule": then.rule},
    }


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """The stable keys of a verdict."""
    return {
        "effect": verdict.effect,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "needed": verdict.needed,
    }


# ---------------------------------------------------------------- diff


@policy.command("diff")
@click.argument("old")
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--since", metavar="AGO", default="30d", show_default=True, help="Such as 30d, 12h.")
@click.option("--limit", default=1000, show_default=True, help="Changes that are listed.")
@click.pass_obj
def diff(options: Options, *, old: str, new: Path, since: str, limit: int) -> int:
    """List past calls whose verdict would change from the rules in OLD to those in NEW.

    OLD may be `-`: the rules as they were when each run started. What agents declare themselves
    counts with both. Exit status 1 where a verdict would change.
    """
    before = None if old == _AS_JOURNALLED else read_rules(Path(old))
    rules = Counterfactual(before, read_rules(new))
    since_ms = WallClock().now_ms() - milliseconds(since)
    shown, total = asyncio.run(_compare(options, rules, since_ms, limit))
    if options.json:
        listed = [change_json(each) for each in shown]
        print_json({"calls": rules.judged, "changed": total, "changes": listed})
        return NO if total else GOOD
    for each in shown:
        click.echo(
            f"{moment(each.time_ms)}  {short(each.run)}:{each.call}  "
            f"{printable(each.question.tool)} {one_line(each.question.arguments, 60)}"
        )
        click.echo(f"  - {_told(each.old)}")
        click.echo(f"  + {_told(each.new)}")
    if total > len(shown):
        click.echo(f"… and {total - len(shown)} more; --limit shows them")
    click.echo(f"{rules.judged} calls judged again: {total or 'no'} verdicts would change")
    return NO if total else GOOD


async def _compare(
    options: Options, rules: Counterfactual, since_ms: int, limit: int
) -> tuple[list[Change], int]:
    shown: list[Change] = []
    total = 0
    async with open_journal(options) as journal:
        compared = PolicyDiff(journal.reader, rules, since_ms=since_ms, tenant=options.tenant)
        async for change in compared.changes():
            total += 1
            if len(shown) < limit:
                shown.append(change)
    return shown, total


def change_json(each: Change) -> dict[str, object]:
    """The stable keys of a change."""
    return {
        "time": iso(each.time_ms),
        "tenant": each.tenant,
        "run": each.run,
        "call": each.call,
        "tool": each.question.tool,
        "arguments": each.question.arguments,
        "user": each.question.user,
        "journalled": each.journalled,
        "old": verdict_json(each.old),
        "new": verdict_json(each.new),
    }
