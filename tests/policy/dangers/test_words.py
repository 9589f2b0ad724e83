"""Shell text is taken apart: quotes undone, substitutions found, bounds kept."""

import pytest

from remit.errors import ArgumentError
from remit.policy.dangers.words import MAX_TEXT, pipelines


def words(text: str) -> list[list[list[str]]]:
    return [[command.words for command in pipe] for pipe in pipelines(text)]


def test_pipelines_commands_and_words() -> None:
    assert words("a b | c; d && e") == [[["a", "b"], ["c"]], [["d"]], [["e"]]]
    assert words("a |& b\nc &") == [[["a"], ["b"]], [["c"]]]
    assert words("a # b") == [[["a"]]]
    assert words("# b\na") == [[["a"]]]


def test_quotes_and_escapes_are_undone() -> None:
    assert words("r''m \"a b\" c\\ d $'\\x41\\101\\n\\q' $\"e\"") == [
        [["rm", "a b", "c d", "AA\nq", "e"]]
    ]
    assert words('"a \\" $x \\z"') == [[['a " $x \\z']]]
    assert words("'open") == [[["open"]]]
    assert words("$'open") == [[["open"]]]
    assert words("{a,-b,c} a{b,c}") == [[["a", "-b", "c", "ab", "ac"]]]


def test_substitutions_are_commands_of_their_own() -> None:
    assert words('x "$(a "b)" (c))" `d`') == [
        [["a", "b)"]],
        [["c"]],
        [["d"]],
        [["x", '$(a "b)" (c))', "$(d)"]],
    ]
    assert words('"`a`"') == [[["a"]], [["$(a)"]]]
    assert words("$(a \\) b") == [[["a", ")", "b"]], [["$(a \\) b)"]]]
    assert words("`a") == [[["a"]], [["$(a)"]]]


def test_redirections_name_files() -> None:
    (command,) = pipelines("a 2>> out < in <<< text >&3 b")[0]
    assert (command.words, command.writes, command.reads, command.fed) == (
        ["a", "b"],
        ["out", "3"],
        ["in"],
        "text",
    )
    assert pipelines("> x")[0][0].writes == ["x"]


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT + 1), "$(" * 9 + "a" + ")" * 9])
def test_what_is_too_much_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError):
        pipelines(text)
