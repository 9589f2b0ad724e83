"""What was found when a journal was verified; here, so that who only may ask need not load how."""

from dataclasses import dataclass

from typing_extensions import override


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something that is not as it was written, and where; `version` None: the run as a whole."""

    tenant: str
    run: str
    version: int | None
    what: str

    @override
    def __str__(self) -> str:
        where = self.tenant + (f"/{self.run}" if self.run else "")
        version = "" if self.version is None else f" version {self.version}"
        return f"{where}{version}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """A head that somebody kept outside: `size` records, with `root` over them."""

    tenant: str | None
    """None: not written beside it; then it is checked for the tenant that is verified."""
    size: int
    root: bytes
    where: str
    """Where it came from, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found for one tenant; it is sound when there are no `damages`."""

    tenant: str
    runs: int
    books: int
    """Streams of facts that concern no run: what operators set, what was paid."""
    records: int
    erased: int
    """Records whose payload was erased; they still stand in their chains."""
    heads: int
    """Heads, stored and given, that this journal was checked against."""
    size: int
    root: bytes
    head: bytes | None
    """The new head, signed; None when there is damage or nothing to sign."""
    proofs: tuple[tuple[KnownHead, tuple[bytes, ...]], ...]
    """RFC 6962 proofs that the tree begins with each given head."""
    damages: tuple[Damage, ...]
