"""Names of limited accounts: who, over which window, in which unit."""

from typing import Literal

Unit = Literal["nano", "tokens"]
Scope = Literal["run", "session"]


def account(scope: Scope, name: str, unit: Unit, window: str = "total") -> str:
    """The account of `name`, for example `run:run_01J…|total|nano`. The tenant stands beside it."""
    return f"{scope}:{name}|{window}|{unit}"


OWN = "."
"""In a run's own events the run names itself so: its id would be stored with every call."""


def resolve(name: str, run: str) -> str:
    """The full name of an account that stands in the events of `run`."""
    return name.replace(f"run:{OWN}|", f"run:{run}|", 1)


def unit_of(name: str) -> str:
    """The unit an account counts in: `nano` (nano-dollars) or `tokens`."""
    return name.rpartition("|")[2]


def scope_of(name: str) -> str:
    """The scope an account belongs to, such as `run` or `session`."""
    return name.partition(":")[0]
