"""Checks what a tool declares for the time when it does not work."""

import json
from typing import cast

from remit.errors import ConfigError, SpecError
from remit.machine.signature import Arguments
from remit.machine.tools import AnyTool
from remit.policy.permission import Access
from remit.values.duration import milliseconds

MAX_CHAIN = 3
"""Tools that may stand in for one: each costs its timeout before the next is tried."""
_DAY_MS = 24 * 60 * 60 * 1000
_MOST_MS = 30 * _DAY_MS  # what is older is no answer to a question of today


def fallback_name(name: str, access: Access, arguments: Arguments, other: AnyTool | None) -> str:
    """The name of the tool that stands in. Raises `SpecError` for one that cannot."""
    if other is None:
        return ""
    if other.spec.access != access:
        raise SpecError(
            f"tool {name!r}: its fallback {other.name!r} is a {other.spec.access}; a read stands "
            "in for a read, a write for a write"
        )
    mine = json.dumps(arguments.model.model_json_schema())
    if _bare(mine) != _bare(other.spec.parameters):
        raise SpecError(
            f"tool {name!r}: its fallback {other.name!r} takes other arguments; give both the same"
        )
    chain = [name, *(each.name for each in chain_of(other))]
    if len(set(chain)) < len(chain):
        raise SpecError(f"tool {name!r}: its fallbacks lead in a circle: {', '.join(chain)}")
    if len(chain) - 1 > MAX_CHAIN:
        raise SpecError(
            f"tool {name!r}: {len(chain) - 1} tools stand in one after the other; {MAX_CHAIN} do"
        )
    return other.name


def chain_of(tool: AnyTool) -> tuple[AnyTool, ...]:
    """A tool and those that stand in for it, in their order."""
    found = [tool]
    while (after := found[-1].fallback) is not None:
        found.append(after)
    return tuple(found)


def last_good_ms(name: str, access: Access, age: str | None) -> int:
    """How old a last good answer may be, in milliseconds. Raises `SpecError`."""
    if age is None:
        return 0
    if access == "write":
        raise SpecError(f"tool {name!r}: last_good is for reads; a write has no answer to keep")
    try:
        found = milliseconds(age)
    except ConfigError as exc:
        raise SpecError(f"tool {name!r}: last_good: {exc}") from exc
    if found > _MOST_MS:
        raise SpecError(f"tool {name!r}: last_good is above {_MOST_MS // _DAY_MS} days")
    return found


def _bare(schema: str) -> object:
    """A schema without the words that are for people."""
    return _without(json.loads(schema), properties=False)


def _without(tree: object, *, properties: bool) -> object:
    if isinstance(tree, list):
        return [_without(each, properties=False) for each in tree]
    if not isinstance(tree, dict):
        return tree
    known = cast("dict[str, object]", tree)
    return {
        name: _without(each, properties=name == "properties" and not properties)
        for name, each in known.items()
        if properties or name not in ("title", "description")
    }
