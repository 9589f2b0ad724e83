"""Asking a tool what a call would do, before anybody is asked to agree; cleaned, bound, bounded."""

import asyncio
import inspect
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from remit.errors import ToolError
from remit.journal.events import ApprovalRequested, Event
from remit.journal.rows import Blob
from remit.machine.hooks import HookedCall
from remit.machine.inputs import Input, Inspection
from remit.machine.previewing import PreviewFunction, bound_digest, preview_arguments
from remit.machine.tools import AnyTool
from remit.runtime.cleaning import Cleaner
from remit.values.preview import Preview
from remit.values.preview_lines import drawn, kept

# It reads a record or a few files, which a busy machine does in seconds; too short a time would
# refuse calls for nothing. As long as a probe has.
_PREVIEW_S = 30.0


async def with_preview(
    tool: AnyTool, found: Inspection, view: HookedCall, cleaner: Cleaner, threads: Executor
) -> Inspection:
    """The inspection with what the call would do, bound into its digest; or why nobody can see it.

    The tool's code may fail or hang. Then there is nothing to agree to, and a call that needs
    agreement is refused: else who makes the preview fail would be agreed to blindly.
    """
    function = tool.preview
    if function is None:
        return found
    limit = asyncio.timeout(_PREVIEW_S)
    try:
        async with limit:
            values = preview_arguments(function, tool.parse(found.arguments), view)
            said = await _ask(function, values, threads)
        drawing = drawn(_as_preview(said), cleaner.text)
    except ToolError as exc:
        why = str(exc)
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # the tool's code may raise anything
        why = f"it raised {type(exc).__name__}: {exc}"
        if limit.expired():
            why = f"it took longer than {_PREVIEW_S:g} s"
    else:
        preview, whole = kept(drawing)
        return replace(
            found,
            digest=bound_digest(found.digest, drawing.binding),
            preview=preview,
            whole=Blob(preview.artifact, whole) if whole else None,
        )
    shown = f"what it would do cannot be shown to whoever must agree: {why}"
    return replace(found, unseen=cleaner.error(shown))


async def _ask(function: PreviewFunction, values: dict[str, object], threads: Executor) -> object:
    if inspect.iscoroutinefunction(function):
        return await function(**values)
    loop = asyncio.get_running_loop()
    said = await loop.run_in_executor(threads, partial(function, **values))
    return await said if inspect.isawaitable(said) else said


def _as_preview(said: object) -> Preview:
    if isinstance(said, str):
        return Preview.text(said)
    if isinstance(said, Preview):
        return said
    raise ToolError(f"its preview is {type(said).__name__}; return a Preview or text")


def whole_previews(events: Iterable[Event], inputs: Sequence[Input]) -> tuple[Blob, ...]:
    """The whole texts of the previews that these events ask people about."""
    asked = {
        event.preview.artifact
        for event in events
        if isinstance(event, ApprovalRequested) and event.preview is not None
    }
    wholes = [each.whole for given in inputs for each in given.inspections.values()]
    found = {blob.digest: blob for blob in wholes if blob is not None and blob.digest in asked}
    return tuple(found.values())
