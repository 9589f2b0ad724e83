"""What a tool returned, as the model reads it: as text, cut to the limit, the whole kept."""

import hashlib
import inspect

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from remit.errors import ToolError
from remit.journal.events import ToolCompleted, ToolRequested
from remit.journal.rows import Blob
from remit.machine.paging import READ_RESULT
from remit.runtime.cleaning import Cleaner
from remit.runtime.hooking import Heard
from remit.values.clean import Clean

# A result is read into memory before it is cut; a larger one belongs into a file.
MAX_RESULT_BYTES = 16 * 1024 * 1024
NAME_CHARS = 16
"""An artifact's name is so much of its digest: 64 bits tell those of one session apart."""


def as_text(result: object) -> str:
    """A tool's result as the model reads it: text as it is, anything else as JSON.

    Raises `ToolError` for what has no text.
    """
    if isinstance(result, str):
        return result
    if result is None:
        return "done"
    if isinstance(result, bytes | bytearray):
        return bytes(result).decode(errors="replace")
    if isinstance(result, BaseModel):
        return result.model_dump_json()
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise ToolError("it returned a generator; return a list")
    try:
        return to_json(result, fallback=str, inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError, RecursionError) as exc:
        raise ToolError(f"its result has no text: {exc}") from exc


def _bounded(text: str) -> str:
    if len(text) > MAX_RESULT_BYTES:
        raise ToolError(f"its result has {len(text)} characters, more than {MAX_RESULT_BYTES}")
    return text


def told(result: object, cleaner: Cleaner) -> Clean:
    """The whole clean text of what a call returned.

    The call happened, so a result that cannot be shown is no failure of the call.
    """
    try:
        return cleaner.text(_bounded(as_text(result)))
    except Exception as exc:  # noqa: BLE001  # whatever a result's own methods raise
        return cleaner.error(f"done, but {exc}")


def completed(
    event: ToolRequested, heard: Heard, limit: int
) -> tuple[ToolCompleted, tuple[Blob, ...]]:
    """The outcome of a call that returned; what is longer than `limit` characters is cut."""
    clean = heard.text
    fact, blobs = _cut(event, clean, limit)
    if heard.hooks:
        fact = fact.model_copy(update={"hooks": heard.hooks})
    if heard.kept is not None:
        kept = {"artifact": heard.kept.digest, "artifact_bytes": len(heard.kept.content)}
        fact, blobs = fact.model_copy(update=kept), (heard.kept,)
    return fact, blobs


def _cut(event: ToolRequested, clean: Clean, limit: int) -> tuple[ToolCompleted, tuple[Blob, ...]]:
    if len(clean) <= limit:
        return ToolCompleted(call=event.call, attempt=event.attempt, text=clean), ()
    whole = clean.encode()
    digest = hashlib.sha256(whole).hexdigest()
    note = (
        f"\n[cut: {limit} of {len(clean)} characters; read on with {READ_RESULT}: "
        f"artifact {digest[:NAME_CHARS]}, offset {limit}]"
    )
    fact = ToolCompleted(
        call=event.call,
        attempt=event.attempt,
        text=Clean.vouch(clean[:limit] + note),
        artifact=digest,
        artifact_bytes=len(whole),
    )
    return fact, (Blob(digest, whole),)
