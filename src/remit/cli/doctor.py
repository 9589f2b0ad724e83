"""`remit doctor`: looks whether this machine has what Remit needs and is set up rightly."""

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from remit.app.config import FILE, Settings, read_settings
from remit.app.keyring import open_keys
from remit.app.lazy import WallClock
from remit.app.load import make_model, make_sandbox, make_store, providers, sqlite_path
from remit.cli.group import GOOD, NO
from remit.cli.importing import import_named
from remit.cli.options import Options
from remit.cli.output import print_json
from remit.cli.plain import printable
from remit.errors import ConfigError, OutsideError, RemitError

_OLDEST = (3, 11)
# A journal grows by about half a megabyte in a thousand turns; with less than this it may stop
# within a day of heavy use.
_FREE_BYTES = 256 * 1024 * 1024
_MARKS = {"good": ("ok", "green"), "note": ("note", "yellow"), "bad": ("bad", "red")}
_CURSOR = "remit.doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; a note is no fault, but something will not work."""

    name: str
    result: Literal["good", "note", "bad"]
    text: str


@click.command("doctor")
@click.pass_obj
def doctor(options: Options) -> int:
    """Check Python, settings, journal, keys, sandbox and providers; nothing is repaired."""
    found = list(_look(options, dict(os.environ)))
    healthy = all(each.result != "bad" for each in found)
    if options.json:
        print_json({"healthy": healthy, "findings": [asdict(each) for each in found]})
        return GOOD if healthy else NO
    for each in found:
        word, colour = _MARKS[each.result]
        mark = click.style(f"{word:<4}", fg=colour)
        click.echo(f"{mark} {each.name:<10} {' '.join(printable(each.text).split())}")
    return GOOD if healthy else NO


def _look(options: Options, variables: dict[str, str]) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info >= _OLDEST
    remit = import_named("remit").__version__
    where = f"remit {remit}, python {version}, {platform.system()} {platform.release()}"
    yield Finding("python", "good" if new_enough else "bad", where)
    try:
        settings = read_settings(url=options.db, variables=variables)
    except RemitError as exc:
        yield Finding("settings", "bad", str(exc))
        return
    file = FILE if Path(FILE).is_file() else f"no {FILE} here"
    yield Finding("settings", "good", f"{file}; environment {settings.environment}")
    yield from _journal(settings)
    yield _keys(settings, variables)
    yield _sandbox()
    for provider in providers():
        yield _provider(provider, settings, variables)


def _journal(settings: Settings) -> Iterator[Finding]:
    if settings.url.startswith("sqlite:"):
        try:
            path = sqlite_path(settings.url).absolute()
        except ConfigError as exc:
            yield Finding("journal", "bad", str(exc))
            return
        folder = next(each for each in (path.parent, *path.parents) if each.is_dir())
        free = shutil.disk_usage(folder).free
        space = f"{free // 1024**2:,} MB free in {folder}"
        yield Finding("space", "good" if free >= _FREE_BYTES else "bad", space)
        if not path.exists():
            writable = os.access(folder, os.W_OK | os.X_OK)
            text = f"{path} does not exist; the first run makes it"
            why = f"{path} does not exist, and {folder} may not be written"
            yield Finding("journal", "note" if writable else "bad", text if writable else why)
            return
    try:
        yield Finding("journal", "good", asyncio.run(_use(settings.url)))
    except RemitError as exc:
        yield Finding("journal", "bad", str(exc))


async def _use(url: str) -> str:
    """Read and write the journal; what it holds."""
    store = make_store(url)
    await store.open()
    try:
        await store.set_cursor(_CURSOR, WallClock().now_ms())
        living = len(await store.runs(None, status=("running", "waiting"), limit=1_000))
        off = len(await store.switches())
        switched = f"; {off} switched off (remit switch list)" if off else ""
        return f"{store.url} can be read and written; {living} runs are alive{switched}"
    finally:
        await store.close()


def _keys(settings: Settings, variables: dict[str, str]) -> Finding:
    named = variables.get("REMIT_KEYS") or variables.get("REMIT_KEY_FILE")
    if not named and settings.url.startswith("sqlite:"):
        path = sqlite_path(settings.url)
        if not path.exists() and settings.environment != "production":
            return Finding("keys", "note", "the first run makes them beside the journal")
    try:
        keys = open_keys(settings, variables)
    except RemitError as exc:
        return Finding("keys", "bad", str(exc))
    where = "REMIT_KEYS" if variables.get("REMIT_KEYS") else "a file only its owner can read"
    return Finding("keys", "good", f"{where}; MAC key {keys.signer.key_id}")


def _sandbox() -> Finding:
    try:
        return Finding("sandbox", "good", make_sandbox().name)
    except OutsideError as exc:
        return Finding("sandbox", "note", f"tools that run programs will refuse: {exc}")


def _provider(name: str, settings: Settings, variables: dict[str, str]) -> Finding:
    try:
        make_model(name, settings, variables)
    except ConfigError as exc:
        return Finding(name, "note", str(exc))
    return Finding(name, "good", "its key is set (it was not tried)")
