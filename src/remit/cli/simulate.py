"""`remit simulate`: the scripted model provider as a server on this machine."""

import json

import click

from remit.cli.options import Options
from remit.simulator.process import serve
from remit.simulator.provider import environment

_MAX_PORT = 65_535


@click.command("simulate")
@click.argument("scenario", required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, _MAX_PORT), default=0, help="Default: any free one.")
@click.option("--key", help="Refuse every other API key.")
@click.option("--until-stdin-closes", is_flag=True, help="End with the process that started it.")
@click.pass_obj
def simulate(
    options: Options,
    *,
    scenario: str | None,
    host: str,
    port: int,
    key: str | None,
    until_stdin_closes: bool,
) -> None:
    """Serve a model provider that follows SCENARIO; without one it echoes.

    SCENARIO is a TOML or YAML file, or a Python function: module:function or file.py:function.

    It speaks the provider's own protocol, so any client can talk to it, and it needs no key.
    """

    def ready(line: str) -> None:
        click.echo(line if options.json else _usage(line))

    serve(
        scenario, host=host, port=port, key=key, until_stdin_closes=until_stdin_closes, ready=ready
    )


def _usage(line: str) -> str:
    url = json.loads(line)["url"]
    settings = [f"export {name}={value}" for name, value in environment(url).items()]
    return "\n".join([f"serving at {url}; in another terminal:", *settings])
