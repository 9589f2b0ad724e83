"""The notice at the gate of a plan, for people and for programs."""

import click

from remit.app.upgrade import UpgradeRequired
from remit.cli.output import iso
from remit.cli.plain import printable


def upgrade_json(notice: UpgradeRequired | None) -> dict[str, object] | None:
    """The stable keys of a notice; amounts are in `unit`."""
    if notice is None:
        return None
    return {
        "plan": notice.plan,
        "what": notice.what,
        "name": notice.name or None,
        "account": notice.account or None,
        "unit": notice.unit or None,
        "used": notice.used,
        "limit": notice.limit,
        "needed": notice.needed,
        "resets": iso(notice.resets_ms),
        "offer": notice.offer or None,
        "checkout_url": notice.checkout_url,
    }


def print_upgrade(notice: UpgradeRequired | None) -> None:
    """The notice on standard error, as all that is about a run."""
    if notice is not None:
        click.echo(click.style(printable(notice.text), bold=True), err=True)
