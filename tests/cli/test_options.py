"""Every command takes the shared options, except those it has itself."""

import click

from remit.cli.options import add_shared


def options_of(command: click.Command) -> list[str]:
    return sorted(name for each in command.params for name in each.opts)


def test_missing_ones_are_added_everywhere() -> None:
    @click.group("above")
    def above() -> None: ...

    @above.command("below")
    @click.option("--tenant")
    def below(tenant: str) -> None: ...

    add_shared(above)
    assert options_of(above) == ["--db", "--json", "--tenant"]
    assert options_of(below) == ["--db", "--json", "--tenant"]
    assert next(each for each in below.params if each.name == "tenant").expose_value
