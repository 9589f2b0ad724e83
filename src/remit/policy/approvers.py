"""Who may agree to a call: people by name, or anyone who has one of the roles that are named."""

from collections.abc import Sequence

ROLE = "role:"
ANYTHING = "*"
"""The entry for calls that no other names."""
_TERMINAL = "local:"  # before the name of a person at the command line
_MAX_CHARS = 200  # of one entry: longer than any name or address of a person


def problem_of(entries: Sequence[str]) -> str:
    """What is wrong with a list of approvers; empty where nothing is."""
    for entry in entries:
        name = entry.removeprefix(ROLE)
        if not name.strip() or name != name.strip() or len(entry) > _MAX_CHARS:
            return f"{entry[:40]!r} names nobody: say 'ann', or 'role:finance' for a role"
    return ""


def has_roles(entries: Sequence[str]) -> bool:
    """How many people are meant cannot be told from the list alone."""
    return any(entry.startswith(ROLE) for entry in entries)


def is_among(entries: Sequence[str], person: str, roles: Sequence[str]) -> bool:
    """Whether a person with these roles is meant; nobody is named: everyone is."""
    if not entries:
        return True
    if person in entries and not person.startswith(ROLE):
        return True
    return any(f"{ROLE}{role}" in entries for role in roles)


def same_person(one: str, other: str) -> bool:
    """Whether two principals are one human: at a terminal `ann` is called `local:ann`."""
    return one.removeprefix(_TERMINAL) == other.removeprefix(_TERMINAL)
