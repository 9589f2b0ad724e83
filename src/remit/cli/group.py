"""A click group whose commands are imported when called, and whose errors are exit statuses."""

import errno
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click
from typing_extensions import override

from remit.cli.importing import import_named
from remit.cli.options import Options, add_shared
from remit.cli.plain import printable
from remit.errors import (
    IntegrityError,
    NotAllowed,
    NotFound,
    OutsideError,
    RemitError,
    RunUnfinished,
    UsageError,
)

GOOD, NO, USAGE, OUTSIDE = 0, 1, 2, 3
"""Exit statuses: done; the answer is no; wrongly called; the world outside failed."""
BUG = 70  # EX_SOFTWARE of sysexits.h: not to be mistaken for an answer
INTERRUPTED = 130  # what a shell reports for SIGINT


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet: `module:name` and its line in the list."""

    target: str
    help: str


class LazyGroup(click.Group):
    """Commands from a table; listing them imports none of them.

    A command returns None or its exit status.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        *,
        name: str,
        text: str,
        options: Sequence[click.Parameter],
    ) -> None:
        super().__init__(
            name=name,
            help=text,
            params=list(options),
            no_args_is_help=True,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self.entries = entries

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        del ctx
        return list(self.entries)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if the table has none of that name."""
        del ctx
        entry = self.entries.get(cmd_name)
        if entry is None or cmd_name in self.commands:
            return self.commands.get(cmd_name)
        module, _, name = entry.target.partition(":")
        command = getattr(import_named(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is no click command")
        add_shared(command)
        self.commands[cmd_name] = command
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])

    @override
    def invoke(self, ctx: click.Context) -> None:
        """Run the command; its answer, or its error, becomes the exit status."""
        options = ctx.ensure_object(Options)
        try:
            status = super().invoke(ctx)
        except RemitError as exc:
            report(exc, options)
            ctx.exit(status_of(exc))
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as exc:  # a bug of ours: shown whole, and a status of its own
            if isinstance(exc, OSError) and exc.errno == errno.EPIPE:
                raise  # the reader has had enough: click ends quietly
            traceback.print_exc()
            click.echo("this is a bug in Remit; please report what stands above", err=True)
            ctx.exit(BUG)
        if isinstance(status, int) and status:
            ctx.exit(status)


def status_of(exc: RemitError) -> int:
    """The exit status that tells who must act."""
    if isinstance(exc, NotFound | NotAllowed | RunUnfinished | IntegrityError):
        return NO
    if isinstance(exc, UsageError):
        return USAGE
    return OUTSIDE if isinstance(exc, OutsideError) else NO


def report(exc: RemitError, options: Options) -> None:
    """Print an error as one line; with --json as an object on standard output too."""
    text = " ".join(printable(str(exc)).split())
    if options.json:
        tree = {"error": {"kind": type(exc).__name__, "message": text}}
        click.echo(json.dumps(tree))
    line = f"error: {text}"
    click.echo(line if options.json else click.style(line, fg="red"), err=True)
