"""Holders of budgets as people type them: `user:ann`, `tenant`, `global`, `user:*` for each."""

from remit.errors import NotAllowed, UsageError
from remit.values.account import EVERYONE, OPERATOR, SCOPES, WORLD, scope_of
from remit.values.ids import check_name


def holder_named(tenant: str, text: str) -> str:
    """A holder as it was typed, whole. Raises `UsageError`."""
    scope, colon, name = text.partition(":")
    if scope not in SCOPES:
        raise UsageError(f"{text!r} is no holder of budgets: say user:NAME, agent:NAME, …, global")
    if scope == "global":
        name = name or WORLD
        if name != WORLD:
            raise UsageError(f"{text!r}: global is everybody together and takes no name")
    if scope == "tenant":
        name = name or tenant
    if not name or (colon and name != EVERYONE and not _is_name(scope, name)):
        raise UsageError(f"{text!r}: whose budget? say {scope}:NAME")
    if scope == "tenant" and name != tenant:
        raise UsageError(f"{text!r} is another tenant than {tenant}: name it with --tenant {name}")
    return f"{scope}:{name}"


def _is_name(scope: str, name: str) -> bool:
    return check_name(scope, name) == name


def settable(tenant: str, text: str) -> str:
    """A holder whose limits somebody may set. Raises `NotAllowed` and `UsageError`."""
    holder = holder_named(tenant, text)
    if scope_of(holder) == "run":
        raise NotAllowed("the limit of one run stands in its first record and stays; cancel it")
    if holder == f"label:{EVERYONE}":
        raise UsageError("a label's budget needs its name: label:NAME")
    if tenant == OPERATOR and scope_of(holder) != "global":
        raise UsageError(f"{holder}: name a tenant")
    return holder
