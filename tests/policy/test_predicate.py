"""Predicates made ready: read once, asked of the values that a name means."""

from remit.policy.leaves import Words
from remit.policy.predicate import Asked, Seen, holds, why_dangerous
from remit.policy.where import Where


def test_values_are_found_by_path_before_and_after_they_were_read() -> None:
    seen = Seen('{"a":"x","b":{"c":["y","z"]}}')
    assert list(seen.at(Asked.of(Where(name="b.c", equals="y")))) == ["y", "z", Words(("y", "z"))]
    assert list(seen.at(Asked.of(Where(name="none", equals="y")))) == []
    assert len(list(seen.at(Asked.of(Where(name="*", equals="y"))))) == 4
    assert len(list(seen.at(Asked.of(Where(name="b.*", equals="y"))))) == 3
    assert seen.leaves is seen.leaves


def test_whole_commands_are_only_for_deny_sets() -> None:
    seen = Seen('{"argv":["rm","-rf","/"]}')
    assert holds(Asked.of(Where(name="argv", danger=("shell",))), seen, strict=False)
    assert not holds(Asked.of(Where(name="argv", equals="rm -rf /")), seen, strict=False)
    assert why_dangerous(Where(name="a", danger=("sql", "shell")), "ls") == ""
    assert why_dangerous(Where(name="a", danger=("file",)), Words(("/etc/shadow", "b"))) == ""
    assert why_dangerous(Where(name="a", danger=("sql", "shell")), "rm -rf /").startswith("shell: ")
