"""Templates: holes are filled, dollars escaped, and values stay what they are."""

from remit.simulator.template import fill, fill_json, names
from remit.wire.jsontext import Json, Number


def test_holes_are_filled_and_dollars_escaped() -> None:
    captures = {"a": "1", "b_2": "${a}"}
    assert fill("${a}-${b_2}-$${a}-$x-{a}-$", captures) == "1-${a}-${a}-$x-{a}-$"


def test_json_values_keep_their_kind() -> None:
    value: Json = {"x": ["${a}", Number("1.10"), None, True], "${a}": {"y": "${a}!"}}
    assert fill_json(value, {"a": "b"}) == {
        "x": ["b", Number("1.10"), None, True],
        "${a}": {"y": "b!"},
    }


def test_names_are_found_everywhere() -> None:
    value: Json = {"x": ["${a}", Number("1"), None], "y": {"z": "${b}$${c}"}}
    assert list(names(value)) == ["a", "b"]
    assert list(names("${d}")) == ["d"]
