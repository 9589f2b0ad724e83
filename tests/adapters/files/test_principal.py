"""Folders of tenants and users: names never meet, never leave the base."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.files.principal import encode_name, place, principal_path
from remit.adapters.files.root import FileRoot
from remit.errors import ConfigError, PathRefused

pytestmark = pytest.mark.requirement("TOOL-10", "TEN-1")

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(_TEXT)
def test_an_encoded_name_is_one_safe_component(name: str) -> None:
    encoded = encode_name(name)
    assert encoded not in {"", ".", ".."}
    assert encoded == encoded.lower()
    assert set(encoded) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-%~")
    assert len(encoded) <= 255


@given(_TEXT, _TEXT)
def test_different_names_have_different_folders(one: str, other: str) -> None:
    assert (encode_name(one) == encode_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann", "ann"), ("a/b", "a%2fb"), ("a" * 500, "a" * 501), (".", ".."), ("é", "e\u0301")],
)
def test_names_that_a_file_system_could_confuse(one: str, other: str) -> None:
    assert encode_name(one).casefold() != encode_name(other).casefold()


@pytest.mark.parametrize("name", ["", "a\ud800"])
def test_names_without_a_folder(name: str) -> None:
    with pytest.raises(ConfigError):
        encode_name(name)


def test_two_users_do_not_see_each_other(tmp_path: Path) -> None:
    ann = FileRoot.for_principal(tmp_path, "acme", "ann")
    ann.write_text("note.txt", "mine")
    for tenant, user in [("acme", "bob"), ("acme2", "ann"), ("ACME", "ann"), ("acme/ann", "x")]:
        other = FileRoot.for_principal(tmp_path, tenant, user)
        assert other.list_files().files == ()
        with pytest.raises(PathRefused):
            other.read_text("../ann/note.txt")
    assert FileRoot.for_principal(tmp_path, "acme", "ann").read_text("note.txt") == "mine"


def test_hostile_names_stay_beneath_the_base(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for tenant, user in [("..", ".."), ("../..", "/etc"), (".", "."), ("a\0b", "\n")]:
        path = principal_path(base, tenant, user)
        assert path.parent.parent == base
    assert names_in(tmp_path) == ["base"]


def test_folders_are_private(tmp_path: Path) -> None:
    path = principal_path(tmp_path, "acme", "ann")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_planted_link_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    base = tmp_path / "base"
    (base / "acme").mkdir(parents=True)
    (base / "acme" / "ann").symlink_to(outside)
    (base / "evil").symlink_to(outside)
    for tenant, user in [("acme", "ann"), ("evil", "bob")]:
        with pytest.raises(ConfigError, match="real folder"):
            FileRoot.for_principal(base, tenant, user)
    assert list(outside.iterdir()) == []


def test_a_missing_base_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make the folder first"):
        principal_path(tmp_path / "absent", "acme", "ann")


# ---------------------------------------------------------------- paths with placeholders


def test_a_path_means_the_folder_of_whoever_calls(tmp_path: Path) -> None:
    base = str(tmp_path)
    assert place(f"{base}/{{tenant}}/in/{{user}}", "acme", "ann") == f"{base}/acme/in/ann"
    assert place(f"{base}/{{user}}", "acme", "../x") == f"{base}/%2e%2e%2fx"
    assert place(f"{base}/{{tenant}}/graph.json", "acme", "ann") == f"{base}/acme/graph.json"
    assert not (tmp_path / "acme/graph.json").exists()
    assert place(base, "acme", "ann") == base
    assert (tmp_path / "acme/in/ann").is_dir()
    assert stat.S_IMODE((tmp_path / "acme").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("{tenant}", "is absolute"),
        ("files/{tenant}", "is absolute"),
        ("/{tenant}", "begins with a folder that exists"),
        ("BASE/../{user}", "no '..'"),
        ("BASE/{user}/../x", "no '..'"),
        ("BASE/{tenant}-{user}", "the whole name of a folder each"),
        ("BASE/{tenant}.d", "the whole name of a folder each"),
        ("BASE/{group}", "the whole name of a folder each"),
        ("BASE/{tenant", "the whole name of a folder each"),
        ("BASE/absent/{tenant}", "make the folder first"),
    ],
)
def test_a_path_in_which_names_could_meet_or_leave_is_refused(
    tmp_path: Path, path: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        place(path.replace("BASE", str(tmp_path)), "acme", "ann")
    assert list(tmp_path.iterdir()) == []


def test_a_root_of_whoever_calls(tmp_path: Path) -> None:
    path = f"{tmp_path}/{{tenant}}/{{user}}"
    FileRoot.placed(path, "acme", "ann").write_text("note.txt", "mine")
    assert FileRoot.placed(path, "acme", "ann").read_text("note.txt") == "mine"
    assert FileRoot.placed(path, "acme", "bob").list_files().files == ()
    assert FileRoot.for_principal(tmp_path, "acme", "ann").read_text("note.txt") == "mine"
    with pytest.raises(ConfigError, match="whole name"):
        FileRoot.placed(f"{tmp_path}/{{tenant}}-{{user}}", "acme", "ann")
    plain = FileRoot.placed(str(tmp_path), "acme", "ann", writable=False)
    assert plain.path == tmp_path


def test_a_link_on_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "acme").symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigError, match="must be a real folder"):
        place(f"{tmp_path}/base/{{tenant}}/{{user}}", "acme", "ann")
    assert list((tmp_path / "outside").iterdir()) == []
