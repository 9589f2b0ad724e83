"""The redactor: the one place where text becomes `Clean`, with placeholders in place of secrets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from remit.errors import ConfigError, UsageError
from remit.policy.json_text import hides, read_json
from remit.policy.secret_scan import Region, Scan, SecretRules, is_placeholder
from remit.values.clean import Clean


@dataclass(frozen=True, slots=True)
class Found:
    """One secret that was found: its kind, its value, and what stands in its place now."""

    kind: str
    secret: str
    placeholder: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text without secrets, and the different secrets that were in it, in order."""

    text: Clean
    found: tuple[Found, ...]


class Redactor:
    """Finds secrets by rules and by exact value and puts placeholders in their place.

    `rules` know no tenant and may be shared by any number of redactors. `placeholder(kind, secret)`
    makes the placeholder, `[secret:KIND:MAC]` with a keyed MAC of 16 to 64 hexadecimal digits; the
    same secret must get the same placeholder.

    Clean text stays as it is: placeholders are recognised. (Only where secrets stood glued to each
    other can a second cleaning find one that the first could not tell from its neighbour.) A secret
    longer than `remit.policy.secret_rule.MAX_SECRET` bytes gets the placeholder of its first bytes,
    and the rest of it is dropped. Raises `ConfigError` when `placeholder` answers in another shape.
    """

    __slots__ = ("_placeholder", "rules")

    def __init__(self, placeholder: Callable[[str, str], str], rules: SecretRules) -> None:
        self._placeholder = placeholder
        self.rules = rules

    def clean(self, text: str, *, sure: bool = False) -> Cleaned:
        """Plain text without its secrets.

        With `sure` only what is known by value or bears its issuer's mark: what is merely random,
        or stands where a secret would, is left then.
        """
        data = _encoded(text)
        regions = self.rules.regions(data, sure=sure)
        if not regions:
            return Cleaned(Clean.vouch(text), ())
        stand_in = StandIn(self._placeholder)
        clean = _decoded(stand_in.write(data, regions, len(data)))
        return Cleaned(Clean.vouch(clean), tuple(stand_in.found))

    def clean_json(self, text: str) -> Cleaned:
        """JSON text whose strings (keys too) hold no secrets; all else stays byte for byte.

        A secret is found in the strings' values, so escapes do not hide it. Numbers are kept even
        where a secret would stand. Text that is not JSON is cleaned as plain text.
        """
        data = _encoded(text)
        if not hides(data) and self.rules.innocent(data):
            return Cleaned(Clean.vouch(text), ())
        document = read_json(text, data)
        if document is None:
            return self.clean(text)
        regions = self.rules.regions(document.plain)
        stand_in = StandIn(self._placeholder)
        out = []
        at = 0
        for kind, start, end, value in document.pieces(regions):
            out += [data[at:start], stand_in.of(kind, value)]
            at = end
        if not out:
            return Cleaned(Clean.vouch(text), ())
        clean = _decoded(b"".join([*out, data[at:]]))
        return Cleaned(Clean.vouch(clean), tuple(stand_in.found))

    def knows(self, text: str | None) -> bool:
        """Tell whether one of the app's own secrets, known by value, stands in a text."""
        known = self.rules.known
        if known is None or not text:
            return False
        data = _encoded(text)
        return known.find(data, 0, len(data)) is not None

    def stream(self) -> "RedactedStream":
        """A cleaner for one text that comes in pieces."""
        return RedactedStream(self.rules, StandIn(self._placeholder))


class RedactedStream:
    """Cleans a text that comes in pieces; what it gives back together is what `clean` gives.

    It holds back the tail that may be the first part of a secret: mostly nothing or a word, at most
    `MAX_SECRET` bytes and a placeholder.
    """

    __slots__ = ("_closed", "_rules", "_scan", "_stand_in")

    def __init__(self, rules: SecretRules, stand_in: "StandIn") -> None:
        self._rules = rules
        self._stand_in = stand_in
        self._scan = Scan(rules)
        self._closed = False

    @property
    def found(self) -> list[Found]:
        """The different secrets found so far, in order."""
        return self._stand_in.found

    @property
    def held(self) -> int:
        """Bytes of the text that are held back now."""
        return len(self._scan.raw) - self._scan.written

    def feed(self, chunk: str) -> Clean:
        """Take the next piece; give what is safe to show now."""
        if self._closed:
            raise UsageError("this stream is finished; open a new one for the next text")
        scan = self._scan
        scan.add(_encoded(chunk))
        nominated = self._rules.keyed(scan.view[scan.until :])
        return self._write(nominated, self._rules.undecided(scan, nominated))

    def finish(self) -> Clean:
        """Give what was held back. Nothing may be fed afterwards."""
        self._closed = True
        scan = self._scan
        scan.close()
        return self._write(self._rules.keyed(scan.view[scan.until :]), len(scan.view))

    def _write(self, nominated: list[int], until: int) -> Clean:
        scan = self._scan
        scan.drop_on()
        if until <= scan.until:
            return Clean.vouch("")
        start = scan.written
        regions = scan.advance(nominated, until)
        text = _decoded(self._stand_in.write(scan.raw, regions, scan.written, start))
        scan.forget()
        return Clean.vouch(text)


class StandIn:
    """Asks for placeholders, once for each secret, and remembers what was found."""

    __slots__ = ("_made", "_placeholder", "found")

    def __init__(self, placeholder: Callable[[str, str], str]) -> None:
        self._placeholder = placeholder
        self._made: dict[str, bytes] = {}
        self.found: list[Found] = []

    def of(self, kind: str, secret: str) -> bytes:
        """The placeholder of a secret."""
        made = self._made.get(secret)
        if made is not None:
            return made
        text = self._placeholder(kind, secret)
        made = _encoded(text)
        if not is_placeholder(made):
            raise ConfigError(
                f"placeholder({kind!r}, …) must return '[secret:{kind}:MAC]' with a MAC of 16 to "
                f"64 lower-case hexadecimal digits; it returned {len(text)} other characters"
            )
        self._made[secret] = made
        self.found.append(Found(kind, secret, text))
        return made

    def write(self, data: bytes, regions: Iterable[Region], end: int, at: int = 0) -> bytes:
        """The text from `at` to `end` with placeholders in place of the regions."""
        out = []
        for region in regions:
            out.append(data[at : region.start])
            out.append(self.of(region.kind, _decoded(data[region.start : region.end])))
            at = region.drop
        return b"".join([*out, data[at:end]])


def _encoded(text: str) -> bytes:
    # Lone surrogates pass: whether they may be stored is not ours to decide.
    return text.encode("utf-8", "surrogatepass")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
