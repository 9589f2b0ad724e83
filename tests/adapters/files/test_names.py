"""Names of confined files: the form of a path and what the deny list covers."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.files.names import DEFAULT_DENY, DenyList, compile_glob, split_path
from remit.errors import PathRefused, UsageError

pytestmark = pytest.mark.requirement("TOOL-10")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a.py", ("a.py",)),
        ("./src//app/./main.py", ("src", "app", "main.py")),
        ("src/", ("src",)),
        ("grün/日本.txt", ("grün", "日本.txt")),
        ("..a/b..", ("..a", "b..")),
        ("a b/c:d", ("a b", "c:d")),
        ("x" * 255, ("x" * 255,)),
    ],
)
def test_good_paths_are_split(path: str, parts: tuple[str, ...]) -> None:
    assert split_path(path) == parts


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("", "names no file"),
        (".", "names no file"),
        ("././", "names no file"),
        ("/etc/passwd", "absolute"),
        ("//etc/passwd", "absolute"),
        ("..", "'..'"),
        ("../x", "'..'"),
        ("a/../b", "'..'"),
        ("a/..", "'..'"),
        ("a\\..\\b", "backslash"),
        ("..\\x", "backslash"),
        ("a\0b", "U+0000"),
        ("a\nb", "U+000A"),
        ("a\u202eb", "U+202E"),  # right-to-left override
        (".g\u200bit/config", "U+200B"),  # zero-width blank
        ("a\ufeffb", "U+FEFF"),
        ("a\u2028b", "U+2028"),
        ("\uff0e\uff0e/x", "looks like"),  # fullwidth dots
        ("a\uff0f..\uff0fb", "looks like"),  # fullwidth slash
        ("\u2025/x", "looks like"),  # two dot leader
        ("a\ud800b", "not valid Unicode"),
        ("x" * 256, "255 bytes"),
        ("ü" * 128, "255 bytes"),
        ("a/" * 2048, "4095 bytes"),
    ],
)
def test_bad_paths_are_refused_with_their_rule(path: str, rule: str) -> None:
    with pytest.raises(PathRefused) as caught:
        split_path(path)
    text = str(caught.value)
    assert rule in text
    assert text.startswith("path '")
    assert text.count(";") >= 1, "a remedy follows"
    assert len(text) < 400


@pytest.mark.parametrize(
    "path",
    [
        ".git",
        ".git/config",
        "sub/.git/hooks/pre-commit",
        ".GIT/config",
        ".Git",
        ".git.",
        ".git ",
        ".git . .",
        ".git::$INDEX_ALLOCATION/config",
        "GIT~1/config",
        "\uff0egit/config",
        ".\uff47it/config",
        ".env",
        ".env.local",
        "deploy/.ENV",
        "server.pem",
        "a/b/tls.KEY",
        "id_rsa",
        "keys/id_ed25519.pub",
        ".ssh/config",
        ".aws/credentials",
        ".remit/journal.db",
        "remit.toml",
        "passwords.kdbx",
        ".netrc",
        ".npmrc",
        ".pypirc",
        "credentials.json",
        "config/secrets.yaml",
        "secrets.yml",
        "service_account-prod.json",
        ".config/gcloud/application_default_credentials.json",
        "terraform.tfstate.backup",
        ".bashrc",
        ".remit-tmp-0011223344556677",
    ],
)
def test_default_deny_covers(path: str) -> None:
    with pytest.raises(PathRefused, match="deny rule"):
        DenyList(DEFAULT_DENY).check(split_path(path), path)


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "README.md",
        ".gitignore",
        ".gitattributes",
        ".github/workflows/ci.yml",
        "environment.py",
        "keys.py",
        "keyboard.keys",
        "secrets.py",
        "digit/x",
        "legit~notes",
        ".config/app.toml",
        "docs/env.md",
        "a.pem.txt",
    ],
)
def test_default_deny_leaves_alone(path: str) -> None:
    assert DenyList(DEFAULT_DENY).match(split_path(path)) is None


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("*.py", ["a.py", ".py"], ["a/b.py", "a.pyc"]),
        ("**/*.py", ["a.py", "a/b.py", "a/b/c.py"], ["a.txt"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "lib/a"]),
        ("src/*.py", ["src/a.py"], ["src/b/a.py"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("[ab]x", ["ax", "bx"], ["cx", "/x"]),
        ("[!ab]x", ["cx"], ["ax", "/x"]),
        ("a[", ["a["], ["a"]),
        ("[^]x", ["^x"], ["ax"]),
        ("a.b+c", ["a.b+c"], ["axb+c", "a.bbc"]),
    ],
)
def test_globs(glob: str, yes: list[str], no: list[str]) -> None:
    pattern = compile_glob(glob)
    assert [text for text in yes if not pattern.fullmatch(text)] == []
    assert [text for text in no if pattern.fullmatch(text)] == []


def test_path_globs_deny_what_is_beneath_them() -> None:
    deny = DenyList(["conf/private", "**/cache/*.bin"])
    assert deny.match(("conf", "private")) == "conf/private"
    assert deny.match(("conf", "private", "deep", "file")) == "conf/private"
    assert deny.match(("conf", "public")) is None
    assert deny.match(("a", "cache", "x.bin")) == "**/cache/*.bin"
    assert deny.match(("private",)) is None


@pytest.mark.parametrize("glob", ["", "/"])
def test_empty_globs_are_a_mistake(glob: str) -> None:
    with pytest.raises(UsageError, match="empty glob"):
        DenyList([".git", glob])


def test_an_empty_deny_list_denies_nothing() -> None:
    assert DenyList(()).match((".git", "config")) is None


_NAMES = st.text(alphabet=string.ascii_letters + "._-/~: \\\0\u200b\uff0e\uff0f..", max_size=40)


@given(_NAMES)
def test_what_passes_can_only_lead_down(path: str) -> None:
    try:
        parts = split_path(path)
    except PathRefused:
        return
    assert parts
    assert all(part not in {"", ".", ".."} and "/" not in part for part in parts)
    assert not any("\0" in part for part in parts)


@given(st.sampled_from(DEFAULT_DENY), st.sampled_from(["x", "a/b"]))
def test_a_denied_folder_denies_everything_beneath(glob: str, beneath: str) -> None:
    name = glob.replace("*", "z").replace("[0-9]", "1").replace("[-_]", "-")
    deny = DenyList([glob])
    assert deny.match(split_path(name)) == glob
    assert deny.match(split_path(f"{name}/{beneath}")) == glob
    assert deny.match(split_path(name.upper())) == glob
    if "/" not in glob:
        assert deny.match(split_path(f"top/{name}")) == glob
