"""Tables of a scenario: members are read as what they should be, or refused with their place."""

import pytest

from remit.errors import ConfigError
from remit.simulator.tables import Path, Source, Table
from remit.wire.jsontext import Number


class Seventh:
    """Everything stands in line 7."""

    def line(self, path: Path, key: str) -> int:
        return 7


def table(**members: object) -> Table:
    return Table(members, Source("x", Seventh()), ("rule", 2))


def test_a_mistake_names_file_line_key_and_the_near_key() -> None:
    with pytest.raises(ConfigError) as caught:
        table(txt="a").only(("text", "when"))
    assert str(caught.value) == (
        "x, line 7: rule.2.txt: no such key; did you mean 'text'? Known: text, when"
    )
    with pytest.raises(ConfigError, match="'rest' is none of reset, hang; did you mean 'reset'"):
        table(kind="rest").choice("kind", ("reset", "hang"))


def test_numbers_of_both_forms_are_read() -> None:
    assert table(a=Number("1.5")).decimal("a", 0.0) == 1.5
    assert table(a=2).decimal("a", 0.0) == 2.0
    assert table().decimal("a", 0.5) == 0.5
    assert table(a=-2).signed("a") == -2


@pytest.mark.parametrize(("value", "numbers"), [(3, (3,)), ([1, 4], (1, 4)), ([], ())])
def test_one_number_or_several(value: object, numbers: tuple[int, ...]) -> None:
    assert table(nth=value).positives("nth") == numbers


@pytest.mark.parametrize("value", [0, [1, -1], True, "2", [Number("1.5")]])
def test_what_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"rule\.2\.nth: expected an integer from 1"):
        table(nth=value).positives("nth")


def test_arguments_are_json() -> None:
    members = {"a": None, "b": [1, True], "c": {"d": "x"}, "e": Number("1.0")}
    assert table(**members).json_members() == {
        "a": None,
        "b": [Number("1"), True],
        "c": {"d": "x"},
        "e": Number("1.0"),
    }
    with pytest.raises(ConfigError, match="nothing JSON has; write it as a text"):
        table(a=1.5).json_members()
