"""Every exception of Remit in one tree, split by who must act.

RemitError
├── UsageError              the developer or operator: something is declared or called wrongly
│   ├── ConfigError           a setting, file or key
│   ├── SpecError             an agent, tool or prompt declaration
│   ├── UnpricedModel         a model without a price
│   ├── MissingExtra          an optional dependency is not installed
│   ├── CommandRefused        a command that cannot be confined as it is declared
│   ├── AttachmentRefused     an image or document that cannot be taken
│   ├── NotFound              a run, approval, session or agent that does not exist
│   └── NotAllowed            the caller may not do this (approve, answer, switch …)
├── RequestRefused          the client of the server: a request that is answered with an error
├── RunUnfinished           the caller: `.output` was read from a run that has none
├── ArgumentError           the model: the arguments of a tool call are not valid
├── ToolError               the model: a tool says what went wrong
│   ├── PathRefused           a path outside the declared root, or a denied one
│   ├── NoSuchFile            nothing lies at a path beneath the declared root
│   ├── FileTooLarge          a file above the limit of its root
│   └── NeedsInput            a tool asks a human before it goes on
├── ToolRaised              the author of a tool: its function raised in its own interpreter
├── OutsideError            the outside world: retry, or repair it
│   ├── StoreError            the journal's database
│   │   ├── StoreBusy           locked by others for longer than the retry
│   │   ├── StoreFull           no space left
│   │   ├── StoreReadOnly       may not be written
│   │   ├── StoreCorrupt        not a database, or damaged
│   │   └── StoreGone           vanished or unreachable
│   ├── ProviderError         a model provider answered with an error, or not at all
│   ├── OutcomeUnknown        a write was sent, and nobody knows whether it was done
│   ├── NotDelivered          a channel could not be told of a request to humans
│   ├── NoCredential          a token or key for a tool cannot be had
│   ├── WebhookRefused        a webhook is forged, stale or damaged; nothing was done
│   ├── SandboxUnavailable    nothing on this machine can confine a process
│   └── SandboxFailed         a sandbox that worked could not be set up this time
└── IntegrityError          the auditor: the journal is not what was written
    ├── ChainBroken           a record was changed, removed, inserted or reordered
    ├── VaultSealBroken       a sealed secret cannot be opened
    └── ReplayDiffers         deciding again gave other events
"""

from collections.abc import Mapping, Sequence


class RemitError(Exception):
    """Base of everything Remit raises on purpose."""


class UsageError(RemitError):
    """Something is declared or called wrongly; the message says where and what to do."""


class ConfigError(UsageError):
    """A setting, file or key is missing or wrong."""


class SpecError(UsageError):
    """The declaration of an agent, tool or prompt is refused."""


class UnpricedModel(UsageError):
    """A model has no known price; an unpriced model is refused, never free."""


class MissingExtra(UsageError):
    """An optional dependency is needed; the message names the extra to install."""


class CommandRefused(UsageError):
    """A command cannot be confined as declared: a path, a limit or the program is wrong."""


class AttachmentRefused(UsageError):
    """An image or document is of a type, a size or a number that is not taken."""


class NotFound(UsageError):
    """The named run, approval, session or agent does not exist for this tenant."""


class NotAllowed(UsageError):
    """The caller may not do this: wrong person, too late, or already answered."""


class RequestRefused(RemitError):
    """A request to the server is answered with an HTTP error.

    `faults` are (where, problem) of fields that do not fit.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        remedy: str,
        headers: Mapping[str, str] | None = None,
        faults: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.remedy = remedy
        self.headers = dict(headers or {})
        self.faults = tuple(faults)


class RunUnfinished(RemitError):
    """The output of a run was read that has not completed."""


class ArgumentError(RemitError):
    """The arguments of a tool call do not fit its schema; the model can mend them."""


class ToolError(RemitError):
    """Raised by a tool to tell the model what went wrong; it becomes an observation."""


class PathRefused(ToolError):
    """A path lies outside the declared root or is on the deny list."""


class NoSuchFile(ToolError):
    """Nothing lies at this path beneath the declared root."""


class FileTooLarge(ToolError):
    """A file is larger than its root, or the caller, allows."""


class NeedsInput(ToolError):
    """A tool asks a human a typed question; the call starts again with the answer."""

    def __init__(self, key: str, question: str, answer_schema: str) -> None:
        super().__init__(question)
        self.key = key
        self.question = question
        self.answer_schema = answer_schema


class ToolRaised(RemitError):
    """A tool's function raised in an interpreter of its own; the message is its type and text."""


class OutsideError(RemitError):
    """The world outside failed: retry, or repair it."""


class StoreError(OutsideError):
    """The journal's database failed; what was acknowledged is safe, this write is not done."""


class StoreBusy(StoreError):
    """The database stayed locked by others for longer than the retry."""


class StoreFull(StoreError):
    """No space is left for the journal."""


class StoreReadOnly(StoreError):
    """The journal may not be written."""


class StoreCorrupt(StoreError):
    """The file is no database, or it is damaged."""


class StoreGone(StoreError):
    """The database vanished or cannot be reached."""


class ProviderError(OutsideError):
    """A model provider answered with an error, or not at all.

    `kind` is one of `remit.values.model.FailureKind`; `retry_after_ms` is the provider's wish.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "unknown",
        status: int | None = None,
        retry_after_ms: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after_ms = retry_after_ms
        self.request_id = request_id


class OutcomeUnknown(OutsideError):
    """A write was sent and its answer was lost: it may have been done. Of a read it is a fault."""


class NotDelivered(OutsideError):
    """A channel could not be told; `again`: another try may succeed, after `after_s` seconds."""

    def __init__(self, message: str, *, again: bool, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.again = again
        self.after_s = after_s


class NoCredential(OutsideError):
    """A token or key for a tool cannot be had; the tool was not called."""


class WebhookRefused(OutsideError):
    """A webhook is forged, stale or damaged; nothing was done for it.

    `reason` is `signature`, `stale`, `malformed` or `too-large`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SandboxUnavailable(OutsideError):
    """Nothing on this machine can confine a process; the message says what to install."""


class SandboxFailed(OutsideError):
    """A sandbox that worked before could not be set up for this command; it did not run."""


class IntegrityError(RemitError):
    """The journal is not what was written."""


class ChainBroken(IntegrityError):
    """A record was changed, removed, inserted or reordered; the message says which."""


class VaultSealBroken(IntegrityError):
    """A sealed secret cannot be opened: wrong key, or it was changed."""


class ReplayDiffers(IntegrityError):
    """Deciding a record again gave other events."""
