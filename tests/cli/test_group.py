"""Errors become exit statuses that say who must act, one line each, never a traceback."""

import json

import click
import pytest
from click.testing import CliRunner, Result

from remit import errors
from remit.cli.group import Entry, LazyGroup
from remit.cli.options import Options, shared_options

SEEN: list[Options] = []


@click.command("act")
@click.argument("kind")
@click.pass_obj
def act(options: Options, kind: str) -> int | None:
    """Do what is asked."""
    SEEN.append(options)
    if kind.isdigit():
        return int(kind)
    if kind == "nothing":
        return None
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "abort":
        raise click.Abort
    if kind == "bug":
        raise ZeroDivisionError("by purpose")
    raise getattr(errors, kind)("it went\n\x1b[31mwrong")


@click.group("below")
def below() -> None:
    """Commands below."""


@below.command("inner")
@click.option("--json", "own", is_flag=True)
@click.pass_obj
def inner(options: Options, *, own: bool) -> None:
    """Tell its options."""
    click.echo(f"{options.db} {options.tenant} {options.json} {own}")


not_a_command = 5
HERE = "tests.cli.test_group"
ENTRIES = {
    "act": Entry(f"{HERE}:act", "Act."),
    "below": Entry(f"{HERE}:below", "Below."),
    "lost": Entry("tests.cli.no_such_module:lost", "Lost."),
    "odd": Entry(f"{HERE}:not_a_command", "Odd."),
}


def called(*args: str) -> Result:
    group = LazyGroup(ENTRIES, name="test", text="A test.", options=shared_options())
    return CliRunner().invoke(group, list(args), prog_name="test")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("0", 0),
        ("nothing", 0),
        ("1", 1),
        ("UsageError", 2),
        ("ConfigError", 2),
        ("SpecError", 2),
        ("UnpricedModel", 2),
        ("MissingExtra", 2),
        ("NotFound", 1),
        ("NotAllowed", 1),
        ("RunUnfinished", 1),
        ("ChainBroken", 1),
        ("ReplayDiffers", 1),
        ("OutsideError", 3),
        ("StoreBusy", 3),
        ("StoreCorrupt", 3),
        ("ProviderError", 3),
        ("SandboxUnavailable", 3),
        ("RemitError", 1),
        ("interrupt", 130),
        ("abort", 1),
        ("bug", 70),
    ],
)
def test_the_exit_status_says_who_must_act(kind: str, status: int) -> None:
    assert called("act", kind).exit_code == status


def test_an_error_is_one_plain_line_on_standard_error() -> None:
    result = called("act", "ConfigError")
    assert (result.stdout, result.stderr) == ("", "error: it went wrong\n")


def test_at_a_terminal_it_is_red() -> None:
    group = LazyGroup(ENTRIES, name="test", text="A test.", options=shared_options())
    result = CliRunner().invoke(group, ["act", "ConfigError"], color=True)
    assert result.stderr == "\x1b[31merror: it went wrong\x1b[0m\n"
    plain = CliRunner().invoke(group, ["--json", "act", "ConfigError"], color=True)
    assert plain.stderr == "error: it went wrong\n"


def test_with_json_an_error_is_an_object_too() -> None:
    result = called("act", "NotFound", "--json")
    assert json.loads(result.stdout) == {"error": {"kind": "NotFound", "message": "it went wrong"}}


def test_a_bug_shows_where_it_is() -> None:
    result = called("act", "bug")
    assert "ZeroDivisionError: by purpose" in result.stderr
    assert "this is a bug in Remit" in result.stderr


def test_wrong_words_are_usage_errors() -> None:
    assert called("nosuch").exit_code == 2
    assert called("act").exit_code == 2
    assert called("act", "--nosuch").exit_code == 2
    assert called().exit_code == 2


def test_shared_options_may_stand_before_or_behind() -> None:
    assert called("below", "inner").stdout == "None None False False\n"
    before = called("--db", "u", "--tenant", "t", "below", "inner")
    behind = called("below", "inner", "--db", "u", "--tenant", "t")
    between = called("below", "--db", "u", "inner", "--tenant", "t")
    assert before.stdout == behind.stdout == between.stdout == "u t False False\n"
    assert called("--db", "u", "below", "inner", "--db", "v").stdout.startswith("v ")


def test_a_command_keeps_an_option_of_its_own() -> None:
    assert called("below", "inner", "--json").stdout == "None None False True\n"
    assert called("--json", "below", "inner").stdout == "None None True False\n"


def test_help_lists_commands_without_importing_them() -> None:
    result = called("--help")
    assert result.exit_code == 0
    assert "lost   Lost." in result.stdout
    assert called("lost").exit_code == 70
    assert called("odd").exit_code == 70
