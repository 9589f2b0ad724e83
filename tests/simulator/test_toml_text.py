"""TOML as a scenario's form: digits are kept, and what JSON has not is refused."""

import pytest

from remit.errors import ConfigError
from remit.simulator.toml_text import read_toml
from remit.wire.jsontext import Number


def test_numbers_with_a_point_keep_their_digits() -> None:
    table = read_toml("a = 1.10\nb = 1e400\nc = 1_0.5\nd = +2.50\ne = 3\n", "x.toml")
    assert table.json_members() == {
        "a": Number("1.10"),
        "b": Number("1e400"),
        "c": Number("10.5"),
        "d": Number("2.50"),
        "e": Number("3"),
    }


@pytest.mark.parametrize("text", ["a = inf", "a = nan", "a ="])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.toml: not TOML"):
        read_toml(text, "x.toml")


def test_lines_are_found_below_the_header_of_their_table() -> None:
    text = '[[rule]]\na = 1\n[[rule]]\n# a note\nb = 2\n"c" = 3\n'
    first, second = read_toml(text, "x").tables("rule")
    assert "x, line 2: rule.0.a: hm" in str(first.error("a", "hm"))
    assert "x, line 6: rule.1.c: hm" in str(second.error("c", "hm"))
    assert "x, line 3: rule.1.gone: hm" in str(second.error("gone", "hm")), "its header"
