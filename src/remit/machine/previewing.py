"""What a tool declares to be shown before anybody agrees to a call of it, and how that is bound."""

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping

from remit.errors import SpecError
from remit.machine.signature import Arguments
from remit.values.preview import Preview

PreviewFunction = Callable[..., Preview | str | Awaitable[Preview | str]]
NO_PREVIEW = "builtin.preview"
"""The rule that refuses a call which must be agreed to and cannot be shown."""
_CALL = "call"


def previews(name: str, arguments: Arguments, function: PreviewFunction | None) -> bool:
    """Whether calls are shown. Raises `SpecError` for a function that wants what no call has."""
    if function is None:
        return False
    known = {argument for _, argument in arguments.names} | {_CALL}
    strange = sorted(set(inspect.signature(function).parameters) - known)
    if strange:
        raise SpecError(
            f"tool {name!r}: its preview wants {', '.join(strange)}; it may have the arguments of "
            f"{name!r}, and {_CALL!r} (a `HookedCall`)"
        )
    return True


def preview_arguments(
    function: PreviewFunction, values: Mapping[str, object], view: object
) -> dict[str, object]:
    """Those of the call's arguments that the function names, and the call where it wants it."""
    takes = inspect.signature(function).parameters
    chosen = {name: value for name, value in values.items() if name in takes}
    return chosen | ({_CALL: view} if _CALL in takes else {})


def bound_digest(digest: str, binding: str) -> str:
    """The digest of a call together with what is shown of it: what was seen is what is agreed."""
    return hashlib.sha256(f"{digest}\x00preview\x00{binding}".encode()).hexdigest()[:32]
