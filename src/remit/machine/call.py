"""`Call` is what a tool may know about the call it carries out, and how it asks a human."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from remit.errors import NeedsInput, SandboxUnavailable, ToolError
from remit.values.command import Command, Finished
from remit.values.credential import Credential
from remit.values.money import Nano, usd

T = TypeVar("T")


async def _no_results(artifact: str, _offset: int) -> str:
    raise ToolError(f"there is no artifact {artifact!r}: this call was made without an App")


async def _no_sandbox(command: Command) -> Finished:
    raise SandboxUnavailable(
        f"{command.argv[0]!r} needs a sandbox and this call was made without one; "
        "let an App carry the tool out"
    )


def _no_host(_host: str) -> None:
    """Without an App there is no journal."""


def _no_charge(_nano: Nano) -> None:
    """Without an App there is nobody to pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Context of one tool call; a tool gets it through a parameter annotated `Call`."""

    tenant: str
    user: str
    session: str
    run: str
    call: str
    attempt: int
    idempotency_key: str
    """The same however often this call is tried: pass it on to the system you write to."""
    fence: int
    """Rises when another driver takes the run over; a system that can should refuse a lower one."""
    until_ms: int
    """The instant (Unix, ms) at which the call is cut."""
    approved_by: tuple[str, ...] = ()
    credential: Credential | None = field(default=None, repr=False)
    """What the tool declared with `credential`, for the system it calls and for nothing else."""
    answers: Mapping[str, str] = field(default_factory=dict)
    run_confined: Callable[[Command], Awaitable[Finished]] = field(default=_no_sandbox)
    """Run a program in the operating system's sandbox; journal and keys are out of its sight."""
    read_result: Callable[[str, int], Awaitable[str]] = field(default=_no_results)
    """A page of an artifact of this conversation, by its name and an offset in characters."""
    tell_refused: Callable[[str], None] = field(default=_no_host)
    """Journal a host that a program of this call was kept from reaching, with the reason."""
    is_cancelled: Callable[[], bool] = field(default=lambda: False)
    """For long synchronous tools: true once nobody waits for the result any more."""
    enter_charge: Callable[[Nano], None] = field(default=_no_charge)
    """Where `charge` enters an amount."""

    def charge(self, amount_usd: str | int | Decimal) -> None:
        """Say what this call cost: a tool declared with `reports_price`. Several amounts add up.

        Say it as soon as it is known: an amount that was said counts also if the call fails after.
        One above the declared price is entered in full. Raises `ConfigError` for what is no amount
        in US dollars, `UsageError` in a tool that declares no such price.
        """
        self.enter_charge(usd(amount_usd))

    def ask(self, key: str, question: str, answer_type: type[T]) -> T:
        """A human's answer to a typed question; the run waits durably until there is one.

        The call starts again from its beginning with the answer, so ask before you change
        anything. `key` tells several questions of one call apart. An answer that does not fit
        `answer_type` is refused and asked again.
        """
        adapter = TypeAdapter(answer_type)
        schema = json.dumps(adapter.json_schema())
        answer = self.answers.get(key, "")
        if not answer:
            raise NeedsInput(key, question, schema)
        try:
            return adapter.validate_json(answer)
        except ValidationError as exc:
            problem = exc.errors()[0]["msg"]
            raise NeedsInput(
                key, f"{question} (the last answer did not fit: {problem})", schema
            ) from exc
