"""What performing an intent yields: an input for the next decision, and what is stored with it."""

from dataclasses import dataclass

from remit.journal.rows import Blob, VaultRow
from remit.machine.inputs import Input


@dataclass(frozen=True, slots=True)
class Outcome:
    """An input, with the sealed secrets and the artifacts that become durable together with it."""

    input: Input
    vault: tuple[VaultRow, ...] = ()
    blobs: tuple[Blob, ...] = ()
