"""`remit verify`: checks that the journal is what was written, also against heads kept outside."""

import asyncio
import json
from pathlib import Path

import click

from remit.app.audit import known_head, verify_journal
from remit.app.lazy import WallClock
from remit.app.verification import KnownHead, Verification
from remit.cli.group import GOOD, NO
from remit.cli.journal import Journal, open_journal
from remit.cli.options import Options
from remit.cli.output import print_json
from remit.cli.plain import printable
from remit.errors import ConfigError

_MAX_HEAD_BYTES = 64 * 1024  # a head has about 300 bytes


@click.command("verify")
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="FILE|SIZE:ROOT",
    help="A head that was kept outside; the journal must contain it.",
)
@click.pass_obj
def verify(options: Options, *, heads: tuple[str, ...]) -> int:
    """Check that the journal is what was written: every record, row, account and head.

    The ledger too: each cost from usage and price, all accounts, limits, holds and sums.

    Prints the head of the tree of records. Keep it outside: only who holds a head can see that the
    newest records were cut off.
    """

    async def check() -> list[Verification]:
        async with open_journal(options) as journal:
            known = [_read(journal, text) for text in heads]
            return await verify_journal(
                journal.store,
                journal.keys.head,
                journal.keys.macs,
                tenants=() if options.tenant is None else (options.tenant,),
                heads=known,
                now_ms=WallClock().now_ms(),
            )

    found = asyncio.run(check())
    sound = not any(each.damages for each in found)
    if options.json:
        tenants = [verification_json(each) for each in found]
        print_json({"sound": sound, "tenants": tenants})
    else:
        for each in found:
            _print(each)
    return GOOD if sound else NO


def _read(journal: Journal, text: str) -> KnownHead:
    """A head from the command line: a file, or the text that is printed after a run."""
    path = Path(text)
    size, colon, _ = text.partition(":")
    if colon and size.isdigit():
        return known_head(text, "the given head")
    try:
        if path.stat().st_size > _MAX_HEAD_BYTES:
            raise ConfigError(f"{path}: too large for a tree head")
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"--head {text}: neither a readable file nor SIZE:ROOT ({exc})") from exc
    return known_head(content, f"the head in {path}", journal.keys.head)


def verification_json(each: Verification) -> dict[str, object]:
    """The stable keys of what was found for a tenant."""
    return {
        "tenant": each.tenant,
        "sound": not each.damages,
        "runs": each.runs,
        "books": each.books,
        "records": each.records,
        "erased": each.erased,
        "heads_checked": each.heads,
        "size": each.size,
        "root": each.root.hex(),
        "head": None if each.head is None else json.loads(each.head),
        "proofs": [
            {"size": head.size, "root": head.root.hex(), "proof": [node.hex() for node in proof]}
            for head, proof in each.proofs
        ],
        "damages": [
            {"run": found.run, "version": found.version, "what": found.what}
            for found in each.damages
        ],
    }


def _print(each: Verification) -> None:
    erased = f", {each.erased} erased" if each.erased else ""
    books = f", books {each.books}" if each.books else ""
    counted = f"runs {each.runs}{books}, records {each.records}{erased}, earlier heads {each.heads}"
    if not each.damages:
        click.echo(f"{click.style('sound', fg='green')} {each.tenant}: {counted}")
        click.echo(f"head  {each.size}:{each.root.hex()}")
        return
    click.echo(f"{click.style('damaged', fg='red', bold=True)} {printable(each.tenant)}: {counted}")
    for found in each.damages:
        click.echo(f"  {printable(str(found))}")
