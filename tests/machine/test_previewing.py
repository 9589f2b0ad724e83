"""What a tool declares to be shown, and how it is bound."""

import pytest

from remit import HookedCall, tool
from remit.errors import SpecError
from remit.machine.previewing import bound_digest, preview_arguments


def show_both(wall: str, call: HookedCall) -> str:
    return f"{wall} {call.user}"


@tool(access="write", preview=show_both)
def paint_wall(wall: str, colour: str) -> str:
    """Paint a wall."""
    return f"{wall} {colour}"


def test_it_is_part_of_the_contract() -> None:
    bare = tool(access="write")(paint_wall.function)
    assert (paint_wall.spec.previews, bare.spec.previews) == (True, False)
    assert paint_wall.spec.contract != bare.spec.contract
    assert "previews" not in bare.spec.model_dump_json()


def test_it_gets_what_it_names() -> None:
    values = {"wall": "north", "colour": "red"}
    assert preview_arguments(show_both, values, "the call") == {"wall": "north", "call": "the call"}
    assert preview_arguments(lambda: "", values, "the call") == {}


def test_what_no_call_has_is_refused() -> None:
    with pytest.raises(SpecError, match=r"'paint_wall': its preview wants tree; it may have"):
        tool(access="write", preview=lambda tree: f"{tree}")(paint_wall.function)


@pytest.mark.requirement("PERM-7")
def test_the_digest_covers_what_is_shown() -> None:
    assert len(bound_digest("a", "x")) == 32
    assert len({bound_digest(*pair) for pair in (("a", "x"), ("a", "y"), ("b", "x"))}) == 3
