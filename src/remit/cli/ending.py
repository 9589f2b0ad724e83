"""How a run ended, for people and for programs, with the head of the journal to keep."""

import json
import os
from dataclasses import dataclass

import click

from remit.app.app import App
from remit.app.audit import sign_new_head
from remit.app.keyring import open_keys
from remit.app.run import Run
from remit.cli.drawing import plain_answer, spend_line
from remit.cli.journal import settings_of, short
from remit.cli.options import Options
from remit.cli.output import COLOURS
from remit.cli.plain import printable
from remit.cli.upgrading import print_upgrade, upgrade_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A run as it stands, and the signed head of its tenant's journal."""

    run: Run[object]
    head: dict[str, object] | None


def ending_json(ending: Ending) -> dict[str, object]:
    """The stable keys of a run as it stands."""
    run = ending.run
    answer = None if run.partial is None else json.loads(run.partial)
    return {
        "run": run.id,
        "tenant": run.tenant,
        "agent": run.agent.name,
        "status": run.status,
        "reason": run.reason,
        "detail": run.detail,
        "success": run.success,
        "output": answer if run.status == "completed" else None,
        "partial": answer,
        "turns": run.turns,
        "tool_calls": run.tool_calls,
        "usage": run.usage.model_dump(),
        "cost_nano": run.cost_nano,
        "approvals": [each.id for each in run.approvals],
        "questions": [each.id for each in run.questions],
        "doubts": [each.call for each in run.doubts],
        "delays": [each.call for each in run.delays],
        "upgrade": upgrade_json(run.upgrade),
        "head": ending.head,
    }


def print_ending(ending: Ending) -> None:
    """The answer on standard output, what is about the run on standard error."""
    run = ending.run
    if run.partial is not None:
        click.echo(printable(plain_answer(run.partial)))
    status = click.style(run.status, fg=COLOURS.get(run.status), bold=True)
    why = f" ({printable(run.reason)}: {printable(run.detail)})" if run.status == "stopped" else ""
    failed = "; its success check failed" if run.success is False else ""
    click.echo(f"{status}{why}{failed}", err=True)
    print_upgrade(run.upgrade)
    turns = f"{run.turns} turns, {run.tool_calls} calls"
    click.echo(f"{turns}, {spend_line(run.usage, run.cost_nano)}", err=True)
    click.echo(f"remit show {short(run.id)}", err=True)
    if ending.head is not None:
        head = f"{ending.head['size']}:{ending.head['root']}"
        click.echo(f"journal head {head} (keep it: remit verify --head)", err=True)


async def head_of(app: App, options: Options, tenant: str) -> dict[str, object] | None:
    """Sign the head of the journal as it stands now; None while it is empty."""
    keys = open_keys(settings_of(options), dict(os.environ))
    now_ms = app.engine.services.clock.now_ms()
    signed = await sign_new_head(app.store, keys.head, tenant, now_ms)
    return None if signed is None else dict(json.loads(signed[1]))
