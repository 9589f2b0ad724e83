"""`remit serve`: the API and the console of an App, on this machine or as a container."""

import json
import os
from collections.abc import Callable
from typing import cast

import click

from remit.app.config import DEFAULT_URL, read_settings
from remit.app.load import named
from remit.cli.agents import load_app
from remit.cli.options import Options
from remit.cli.person import principal
from remit.errors import UsageError
from remit.values.duration import milliseconds

_MAX_PORT = 65_535
_PORT = 8000


@click.command("serve")
@click.argument("app", metavar="MODULE:APP")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, _MAX_PORT),
    default=None,
    help=f"Else PORT, else {_PORT}; 0: any free one.",
)
@click.option("--https", is_flag=True, help="A proxy in front speaks https: cookies are Secure.")
@click.option(
    "--proxy", metavar="ADDRESSES", default="", help="Proxies whose X-Forwarded-* is believed."
)
@click.option("--hosts", metavar="NAMES", default="", help="Serve only these names of the host.")
@click.option(
    "--timeout",
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="How long one request is carried; proxies in front must allow as much.",
)
@click.option("--open-to-all", is_flag=True, help="Other machines too, though nobody can sign in.")
@click.pass_obj
def serve(  # noqa: PLR0913  # one argument per option
    options: Options,
    *,
    app: str,
    host: str,
    port: int | None,
    https: bool,
    proxy: str,
    hosts: str,
    timeout: str,
    open_to_all: bool,
) -> None:
    """Serve the App MODULE:APP, or path/to/file.py:APP; a function that makes one will do.

    It prints a link that signs you in, once. SIGTERM lets runs finish for a while, then ends; what
    was cut goes on in the next process. PORT and DATABASE_URL are honoured.
    """
    place = named("remit.server.serving", "Place", "server")
    make = named("remit.server.settings", "ServerSettings", "server")
    outlasting = named("remit.server.settings", "outlasting", "server")
    run = named("remit.server.serving", "serve", "server")
    name_journal(options)
    found = load_app(app)
    timeout_ms = milliseconds(timeout)
    if not timeout_ms:
        raise UsageError("--timeout 0: no request could be carried; the default is 60s")
    settings = cast("Callable[..., object]", make)(
        https=https,
        hosts=tuple(name for name in hosts.split(",") if name),
        person=principal(),
        timeout_s=timeout_ms / 1000,
    )
    told = cast("Callable[..., str]", outlasting)(found.agents.values(), settings)
    if told:
        click.echo(f"note: {told}", err=True)
    cast("Callable[..., None]", run)(
        found,
        cast("Callable[..., object]", place)(
            host=host,
            port=_port() if port is None else port,
            open_to_all=open_to_all,
            forwarded_allow_ips=proxy,
        ),
        settings,
        ready=lambda address, link: _tell(options, address, link),
    )


def name_journal(options: Options) -> None:
    """Let `--db`, or where nothing else names the journal, DATABASE_URL name it.

    Hosts as Railway and Replit give the address of their database in that variable. An App whose
    code names its journal keeps that one.
    """
    if options.db:
        os.environ["REMIT_URL"] = options.db
    elif os.environ.get("DATABASE_URL") and not os.environ.get("REMIT_URL"):
        known = read_settings(variables={})
        if known.url == DEFAULT_URL:
            os.environ["REMIT_URL"] = os.environ["DATABASE_URL"]


def _port() -> int:
    text = os.environ.get("PORT", "")
    if not text:
        return _PORT
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
        raise UsageError(f"PORT={text!r} is no port: a number up to {_MAX_PORT}, or say --port")
    return int(text)


def _tell(options: Options, address: str, link: str) -> None:
    if options.json:
        click.echo(json.dumps({"url": address, "pid": os.getpid(), "link": link}))
    else:
        click.echo(f"serving at {address}" + (f"\nsign in, once: {link}" if link else ""))
