"""`remit keys`: make the keys of a journal."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import click

from remit.app.load import named
from remit.errors import ConfigError

_MODE = 0o600


@click.group("keys")
def keys() -> None:
    """The keys that authenticate records, seal secrets and sign heads."""


@keys.command("new")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def new(file: Path | None) -> None:
    """Print a new set of keys, or write it to FILE, which only you can read.

    Use it as REMIT_KEYS, or name the file in REMIT_KEY_FILE. A SQLite journal makes its own beside
    it. Without its keys a journal cannot be verified, nor its secrets read: keep a copy.
    """
    make = cast("Callable[[], str]", named("remit.adapters.keys", "new_keys", ""))
    text = make()
    if file is None:
        click.echo(text)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    except FileExistsError as exc:
        raise ConfigError(f"{file} exists; keys are never overwritten, name another file") from exc
    except OSError as exc:
        raise ConfigError(f"{file} cannot be made: {exc.strerror}") from exc
    with os.fdopen(descriptor, "w") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(descriptor)
    click.echo(f"{file}: new keys; keep a copy where the journal is not")
