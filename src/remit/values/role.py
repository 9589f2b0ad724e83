"""What a person or a program may do at the server: four roles, and which of them include others.

`operator` and `approver` are separate grants, for whoever starts and stops things is not by that
the one who agrees to what they do. `admin` includes `operator`, but never `approver`: who hands
out roles can become an approver only by a fact that stands in the journal.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Role = Literal["viewer", "operator", "approver", "admin"]
"""viewer: look; operator: start, stop, switch, undo, answer; approver: agree to calls, or not;
admin: budgets, plans, keys, users."""

ROLES: tuple[Role, ...] = get_args(Role)
_INCLUDED: Mapping[Role, frozenset[Role]] = {
    "viewer": frozenset({"viewer"}),
    "operator": frozenset({"viewer", "operator"}),
    "approver": frozenset({"viewer", "approver"}),
    "admin": frozenset({"viewer", "operator", "admin"}),
}


def included(roles: Iterable[Role]) -> frozenset[Role]:
    """These roles, and those that they include."""
    return frozenset(each for role in roles for each in _INCLUDED[role])


def granting(role: Role) -> tuple[Role, ...]:
    """The roles that include this one, the least first."""
    return tuple(each for each in ROLES if role in _INCLUDED[each])
