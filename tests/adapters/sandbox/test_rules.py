"""Landlock grants around inner paths that allow less, and the versions of its interface."""

from pathlib import Path

import pytest

from remit.adapters.sandbox.plan import HIDE, READ, WRITE
from remit.adapters.sandbox.rules import CHANGE, LOOK, USE, carve, handled

pytestmark = pytest.mark.requirement("TOOL-17")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name in ("a/x", "a/y", "b", "secret", "vendored"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("secret")
    return tmp_path


def granted(top: Path, *lines: tuple[str, str]) -> dict[str, int]:
    view = [(str(top / name), str(top / name), how) for name, how in lines]
    return {path.removeprefix(str(top)): rights for path, rights in carve(view)}


def test_without_inner_paths_one_rule_is_enough(top: Path) -> None:
    assert granted(top, ("", WRITE)) == {"": CHANGE}
    assert granted(top, ("", WRITE), ("a", WRITE)) == {"": CHANGE, "/a": CHANGE}


def test_around_a_hidden_folder_the_siblings_are_granted(top: Path) -> None:
    assert granted(top, ("", WRITE), ("secret", HIDE)) == {
        "": LOOK,
        "/a": CHANGE,
        "/b": CHANGE,
        "/file": CHANGE,
        "/vendored": CHANGE,
    }


def test_around_a_read_only_folder_everything_can_be_read(top: Path) -> None:
    assert granted(top, ("", WRITE), ("vendored", READ)) == {
        "": USE,
        "/a": CHANGE,
        "/b": CHANGE,
        "/file": CHANGE,
        "/secret": CHANGE,
        "/vendored": USE,
    }


def test_deeper_ones_are_carved_level_by_level(top: Path) -> None:
    assert granted(top, ("", READ), ("a/x", HIDE), ("b", WRITE)) == {
        "": LOOK,
        "/a": LOOK,
        "/a/y": USE,
        "/b": CHANGE,
        "/file": USE,
        "/secret": USE,
        "/vendored": USE,
    }


def test_more_rights_inside_need_no_carving(top: Path) -> None:
    assert granted(top, ("", READ), ("b", WRITE)) == {"": USE, "/b": CHANGE}


def test_each_version_handles_what_it_knows() -> None:
    assert [handled(abi).bit_count() for abi in (1, 2, 3, 4, 5, 7)] == [13, 14, 15, 15, 16, 16]
