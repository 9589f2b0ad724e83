"""Between perform and journal: raw text becomes `Clean`, secrets go to the vault."""

import json
import re

from remit.journal.rows import VaultRow
from remit.policy.credential_mask import CredentialMask
from remit.policy.redact import Cleaned, Redactor
from remit.ports import Vault
from remit.values.clean import Clean
from remit.values.message import CallPart, Origin, Part, TextPart, ThinkingPart
from remit.values.model import ModelAnswer, RawCall, RawPart, RawText, RawThinking

ERROR_CHARS = 4_000  # an error that is longer says no more
_ERROR_READ_CHARS = 64 * 1024  # enough to fill that after secrets have become placeholders
UNREADABLE = "unreadable_name"
"""Stands for a tool's name that no tool can have, or that holds a secret."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)  # what some provider accepts as a name
_LONE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with U+FFFD in place of lone surrogates, which no UTF-8 can hold."""
    return text if text.isascii() else _LONE.sub("\ufffd", text)


class Cleaner:
    """Cleans the texts of one outcome and keeps what must go to the vault with it."""

    def __init__(self, redactor: Redactor, vault: Vault, tenant: str, run: str) -> None:
        self._redactor = redactor
        self._vault = vault
        self._tenant = tenant
        self._run = run
        self._rows: dict[str, VaultRow] = {}
        self._mask = CredentialMask()

    def masking(self, mask: CredentialMask) -> "Cleaner":
        """This cleaner, which also takes out what a run's calls show to the systems they call."""
        self._mask = mask
        return self

    @property
    def rows(self) -> tuple[VaultRow, ...]:
        """Sealed secrets found so far."""
        return tuple(self._rows.values())

    def _keep(self, cleaned: Cleaned) -> Clean:
        for found in cleaned.found:
            sealed = self._vault.seal(self._tenant, found.placeholder, found.secret)
            self._rows[found.placeholder] = VaultRow(found.placeholder, self._run, sealed)
        return cleaned.text

    def text(self, raw: str) -> Clean:
        """Clean text."""
        return self._keep(self._redactor.clean(storable(self._mask.clean(raw))))

    def error(self, raw: str) -> Clean:
        """Clean text of an error, cut to a bound once it is clean: no half of a secret is left."""
        raw = self._mask.clean(raw)
        if len(raw) <= _ERROR_READ_CHARS:
            clean = self.text(raw)
        else:
            stream = self._redactor.stream()  # keeps back what may be the beginning of a secret
            text = stream.feed(storable(raw[:_ERROR_READ_CHARS]))
            clean = self._keep(Cleaned(text, tuple(stream.found)))
        return clean if len(clean) <= ERROR_CHARS else Clean.vouch(f"{clean[:ERROR_CHARS]} …")

    def json(self, raw: str) -> Clean:
        """Clean JSON text."""
        return self._keep(self._redactor.clean_json(storable(self._mask.clean(raw))))

    def name(self, raw: str) -> str:
        """The name of a tool as the model wrote it, if it can be one."""
        fits = _NAME.fullmatch(raw) is not None and not self._redactor.clean(raw).found
        return raw if fits else UNREADABLE

    def opaque(self, raw: str) -> str:
        """An id that goes back as it came; none that cannot be stored or holds a known secret."""
        return raw if self._holds(raw) else ""

    def parts(self, answer: ModelAnswer, call: str, model: str) -> tuple[Part, ...]:
        """The parts of an answer to the model call `call`."""
        origin = Origin(kind="model", name=model)
        found = []
        calls = 0
        for raw in answer.parts:
            calls += isinstance(raw, RawCall)
            part = self._part(raw, origin, f"{call}-{calls}")
            if part is not None:
                found.append(part)
        return tuple(found)

    def _part(self, raw: RawPart, origin: Origin, call: str) -> Part | None:
        match raw:
            case RawText(text=text):
                return TextPart(text=self.text(text), origin=origin) if text else None
            case RawThinking():
                return self._thinking(raw, origin)
            case RawCall():
                return CallPart(
                    call=call,
                    provider_id=self.opaque(raw.provider_id),
                    tool=self.name(raw.tool),
                    arguments=self.json(as_object(raw.arguments)),
                    origin=origin,
                )

    def _thinking(self, raw: RawThinking, origin: Origin) -> Part | None:
        # Signed text goes back byte for byte or not at all. What only looks random may stay in it:
        # a model thinks about hashes and ids, and a dropped block costs it its train of thought.
        signed = bool(raw.signature or raw.redacted)
        cleaned = self._redactor.clean(storable(raw.text), sure=signed)
        opaque = (raw.signature, raw.redacted, raw.item)
        if signed and (cleaned.text != raw.text or not all(map(self._holds, opaque))):
            return None
        return ThinkingPart(
            text=self._keep(cleaned),
            signature=raw.signature,
            redacted=raw.redacted,
            item=raw.item,
            origin=origin,
        )

    def _holds(self, opaque: str) -> bool:
        """It can be stored, and no known secret is in it; whether it looks random says nothing."""
        return not opaque or (storable(opaque) == opaque and not self._redactor.knows(opaque))


INVALID = "invalid_json"


def as_object(arguments: str) -> str:
    """The arguments if they are a JSON object, else an object that holds them as text.

    What goes back to the model must be an object, whatever the model wrote.
    """
    try:
        if isinstance(json.loads(arguments or "{}"), dict):
            return arguments or "{}"
    except (ValueError, RecursionError):
        pass  # told to the model through the inspection of the call
    return json.dumps({INVALID: arguments})
