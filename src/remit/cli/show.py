"""`remit show`: the decision tree of a run, or its decisions or spend as a list."""

import asyncio

import click
from rich.table import Table

from remit.app.pairs import pairs_of
from remit.cli.drawing import draw, node_json
from remit.cli.journal import find_run, open_journal
from remit.cli.options import Options
from remit.cli.output import cell, console, iso, moment, print_json, state
from remit.cli.plain import one_line
from remit.projections.audit import Decision, decisions
from remit.projections.ledger import Drawn, drawn_on
from remit.projections.spend import Entry, Spent, entries, total
from remit.projections.timeline import Pair
from remit.projections.tree import decision_tree
from remit.values.account import unit_of
from remit.values.money import format_amount, format_usd

_ARGUMENT_CHARS = 60


@click.command("show")
@click.argument("run")
@click.option("--full", is_flag=True, help="Whole texts instead of their first line.")
@click.option("--audit", is_flag=True, help="Only the decisions on calls, one per line.")
@click.option(
    "--spend", is_flag=True, help="Only tokens and cost, per call of a model or priced tool."
)
@click.pass_obj
def show(options: Options, run: str, *, full: bool, audit: bool, spend: bool) -> None:
    """Show the decision tree of RUN (the beginning or the end of its id), sub-runs included."""

    async def look() -> tuple[str, list[Pair]]:
        async with open_journal(options) as journal:
            row = await find_run(journal.store, options, run)
            return row.run, await pairs_of(journal.store, row)

    name, pairs = asyncio.run(look())
    if audit:
        _show_audit(options, decisions(pairs))
    elif spend:
        _show_spend(options, entries(pairs), drawn_on(pairs))
    elif options.json:
        print_json(node_json(decision_tree(pairs, name)))
    else:
        console().print(draw(decision_tree(pairs, name), full=full), soft_wrap=not full)


def _show_audit(options: Options, found: list[Decision]) -> None:
    if options.json:
        print_json([decision_json(each) for each in found])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TIME", "CALL", "TOOL", "ARGUMENTS", "DECISION", "RULE", "WHO", "WHY"):
        table.add_column(name, no_wrap=True)
    for each in found:
        table.add_row(
            moment(each.time_ms),
            cell(each.call),
            cell(each.tool),
            cell(one_line(each.arguments, _ARGUMENT_CHARS)),
            state(each.effect if each.what == "judged" else each.what),
            cell(each.rule),
            cell(each.principal),
            cell(one_line(each.reason, _ARGUMENT_CHARS)),
        )
    console().print(table)


def decision_json(each: Decision) -> dict[str, object]:
    """The stable keys of a decision."""
    return {
        "time": iso(each.time_ms),
        "tenant": each.tenant,
        "run": each.run,
        "version": each.version,
        "agent": each.agent,
        "call": each.call,
        "tool": each.tool,
        "arguments": each.arguments,
        "digest": each.digest,
        "what": each.what,
        "effect": each.effect,
        "rule": each.rule,
        "reason": each.reason,
        "principal": each.principal,
        "channel": each.channel,
    }


def _show_spend(options: Options, found: list[Entry], drawn: list[Drawn]) -> None:
    whole = total(found)
    if options.json:
        lines = [
            {
                "time": iso(each.time_ms),
                "run": each.run,
                "agent": each.agent,
                "turn": each.turn,
                "call": each.call,
                "attempt": each.attempt,
                "model": each.model,
                "tool": each.tool,
                **spent_json(each.spent),
            }
            for each in found
        ]
        accounts = [
            {"account": each.account, "used": each.used, "limit": each.limit} for each in drawn
        ]
        print_json({"calls": lines, "total": spent_json(whole), "accounts": accounts})
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True)
    columns = {
        "AGENT": "",
        "TURN": "",
        "MODEL OR TOOL": "",
        "INPUT": f"{whole.usage.input:,}",
        "CACHED": f"{whole.usage.cache_read:,}",
        "OUTPUT": f"{whole.usage.output:,}",
        "COST": format_usd(whole.cost),
    }
    for name, footer in columns.items():
        names = name in ("AGENT", "MODEL OR TOOL")
        table.add_column(name, footer, no_wrap=True, justify="left" if names else "right")
    for each in found:
        table.add_row(
            cell(each.agent),
            str(each.turn),
            cell(each.model or each.tool),
            f"{each.spent.usage.input:,}",
            f"{each.spent.usage.cache_read:,}",
            f"{each.spent.usage.output:,}",
            format_usd(each.spent.cost),
        )
    console().print(table)
    _print_accounts(drawn)


def _print_accounts(drawn: list[Drawn]) -> None:
    """What was used of each limited account, and its limit."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ACCOUNT", no_wrap=True)
    for name in ("USED HERE", "LIMIT"):
        table.add_column(name, no_wrap=True, justify="right")
    for each in drawn:
        unit = unit_of(each.account)
        used, limit = format_amount(unit, each.used), format_amount(unit, each.limit)
        table.add_row(cell(each.account), used, limit)
    if drawn:
        click.echo()
        console().print(table)


def spent_json(spent: Spent) -> dict[str, object]:
    """The stable keys of what was used."""
    return {
        "usage": spent.usage.model_dump(),
        "cost_nano": spent.cost,
        "assumed_nano": spent.assumed,
    }
