"""`remit recall`: calls back a delayed call of a run before it leaves."""

import asyncio

import click

from remit.app.run import PendingDelay
from remit.cli.delivery import deliver, fate
from remit.cli.journal import find_run, open_journal
from remit.cli.options import Options
from remit.cli.output import iso, print_json
from remit.cli.person import principal
from remit.cli.plain import printable
from remit.journal.rows import RunRow


@click.command("recall")
@click.argument("run_id", metavar="RUN")
@click.argument("call", metavar="CALL", required=False, default="")
@click.option("--reason", default="", help="The model is told; kept in the journal.")
@click.pass_obj
def recall(options: Options, run_id: str, *, call: str, reason: str) -> None:
    """Call back CALL of RUN, or all its calls that wait, before they leave.

    What has left already is taken back by `remit undo`, once the run has ended.
    """

    async def act() -> tuple[RunRow, tuple[PendingDelay, ...], bool]:
        async with open_journal(options) as journal:
            row = await find_run(journal.store, options, run_id)
            found = await journal.desk.recall(
                row.tenant, row.run, call, principal=principal(), reason=reason
            )
            taken = True
            for each in found:
                taken = await deliver(journal, row, each.call) and taken
            return row, found, taken

    row, found, taken = asyncio.run(act())
    if options.json:
        print_json(
            {
                "run": row.run,
                "tenant": row.tenant,
                "calls": [delay_json(each) for each in found],
                "principal": principal(),
                "taken": taken,
            }
        )
        return
    for each in found:
        click.echo(f"called back: {printable(each.tool)} {printable(each.arguments)}")
    click.echo(f"by {principal()}; {fate(row, taken=taken)}")


def delay_json(each: PendingDelay) -> dict[str, object]:
    """The stable keys of a call that waits to leave."""
    return {
        "call": each.call,
        "tool": each.tool,
        "arguments": each.arguments,
        "until": iso(each.until_ms),
    }
