"""Options that every command takes: which journal, whose runs, and text or JSON."""

from collections.abc import Callable
from dataclasses import dataclass

import click


@dataclass(slots=True)
class Options:
    """What was said before or behind the command; a command gets it by `@click.pass_obj`."""

    db: str | None = None
    """URL of the journal; None: REMIT_URL, `remit.toml`, else `.remit/journal.db`."""
    tenant: str | None = None
    """None: `local` for what is started, every tenant for what is looked for."""
    json: bool = False


def _keep(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: object) -> None:
        options = context.find_root().ensure_object(Options)
        if value:
            setattr(options, name, value)

    return keep


def shared_options() -> list[click.Option]:
    """Fresh options for one command; their values go into the context's `Options`."""
    return [
        click.Option(
            ["--db"],
            metavar="URL",
            help="Journal: sqlite:///PATH, postgresql://… (else REMIT_URL, remit.toml, .remit/).",
            expose_value=False,
            callback=_keep("db"),
        ),
        click.Option(
            ["--tenant"],
            metavar="NAME",
            help="Tenant to act for.",
            expose_value=False,
            callback=_keep("tenant"),
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            help="Print JSON with stable keys.",
            expose_value=False,
            callback=_keep("json"),
        ),
    ]


def add_shared(command: click.Command) -> None:
    """Let a command, and each command below it, take the shared options, unless it has its own."""
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params += [each for each in shared_options() if taken.isdisjoint(each.opts)]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            add_shared(below)
