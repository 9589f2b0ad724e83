"""Which roles include which, and that nobody becomes an approver by another role."""

import pytest

from remit.values.role import ROLES, Role, granting, included


@pytest.mark.parametrize(
    ("role", "includes"),
    [
        ("viewer", {"viewer"}),
        ("operator", {"viewer", "operator"}),
        ("approver", {"viewer", "approver"}),
        ("admin", {"viewer", "operator", "admin"}),
    ],
)
def test_what_a_role_includes(role: Role, includes: set[str]) -> None:
    assert included([role]) == includes


def test_roles_add_up_and_none_is_nothing() -> None:
    assert included(["operator", "approver"]) == {"viewer", "operator", "approver"}
    assert included([]) == frozenset()


@pytest.mark.requirement("APR-4")
def test_only_approver_makes_an_approver() -> None:
    assert granting("approver") == ("approver",)
    assert granting("viewer") == ROLES
