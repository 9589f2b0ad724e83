"""Who is meant by a list of approvers, and who is the same human under two names."""

import pytest

from remit.policy.approvers import has_roles, is_among, problem_of, same_person


@pytest.mark.parametrize(
    ("entries", "person", "roles", "meant"),
    [
        ((), "eve", (), True),
        (("ann",), "ann", (), True),
        (("ann",), "eve", ("ann",), False),
        (("role:finance",), "ann", ("finance",), True),
        (("role:finance",), "ann", ("sales", "finance"), True),
        (("role:finance",), "ann", ("Finance",), False),
        (("role:finance",), "finance", (), False),
        (("role:finance", "bob"), "bob", (), True),
        (("finance",), "ann", ("finance",), False),
        (("ann",), "local:ann", (), False),
    ],
)
def test_a_name_or_a_role_is_meant_exactly(
    entries: tuple[str, ...], person: str, roles: tuple[str, ...], meant: bool
) -> None:
    assert is_among(entries, person, roles) is meant


def test_nobody_takes_a_role_by_a_name() -> None:
    assert not is_among(("role:finance",), "role:finance", ())


@pytest.mark.parametrize("entry", ["", "role:", " ann", "role: finance", "x" * 201])
def test_an_entry_that_names_nobody_is_told(entry: str) -> None:
    assert "names nobody" in problem_of((entry,))
    assert problem_of(("ann", "role:finance")) == ""


def test_roles_leave_open_how_many_are_meant() -> None:
    assert has_roles(("ann", "role:finance"))
    assert not has_roles(("ann", "bob"))


def test_at_the_terminal_one_is_the_same_human() -> None:
    assert same_person("ann", "local:ann")
    assert same_person("local:ann", "local:ann")
    assert not same_person("ann", "bob")
