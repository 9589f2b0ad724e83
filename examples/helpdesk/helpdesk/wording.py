"""What stands in a mail that the desk would send: numbers of cards and accounts, links, amounts."""

import re
from collections.abc import Iterator

# As people write them: in groups, with blanks, dots or dashes between.
_DIGITS = re.compile(r"\d(?:[ .\-/]?\d){12,18}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ .\-]?[A-Z0-9]){11,30}\b")
_LINK = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"']+")
_BARE_HOST = re.compile(r"(?i)(?<![@\w.-])(?:[a-z0-9-]+\.)+[a-z]{2,24}\b(?!\w)")
_HOST = re.compile(r"(?i)^(?:[a-z][a-z0-9+.-]*://)?([^/?#\s]*)")
_ADDRESS = re.compile(r"(?i)[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,24}")
_AMOUNT = re.compile(r"(?i)(?:(?:€|eur(?:os?)?)\s*(\d+[.,]\d\d)\b|\b(\d+[.,]\d\d)\s*(?:€|eur\w*))")
_ORDER = re.compile(r"\b[AB]\d{5}\b")
_A, _TEN = ord("A"), 10


def has_card_number(text: str) -> bool:
    """Digits that pass the check of card numbers (Luhn, ISO/IEC 7812-1, annex B)."""
    return any(_luhn(re.sub(r"\D", "", found)) for found in _DIGITS.findall(text))


def _luhn(digits: str) -> bool:
    doubled = (int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004  # the digit sum of two digits


def has_account_number(text: str) -> bool:
    """An IBAN whose check digits are right (ISO 13616: modulo 97)."""
    return any(_iban(re.sub(r"[^A-Z0-9]", "", found)) for found in _IBAN.findall(text))


def _iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    number = "".join(str(ord(c) - _A + _TEN) if c.isalpha() else c for c in moved)
    return int(number) % 97 == 1


def hosts_of_links(text: str) -> set[str]:
    """Where the links lead, in small letters; what stands before an `@` is no host."""
    found = (_HOST.sub(r"\1\n", link, count=1).partition("\n")[0] for link in _LINK.findall(text))
    return {each.rpartition("@")[2].partition(":")[0].rstrip(".,;!?)").lower() for each in found}


def bare_hosts(text: str) -> set[str]:
    """Names of hosts without a scheme, which mail programs make links of."""
    return {found.lower() for found in _BARE_HOST.findall(_LINK.sub(" ", _ADDRESS.sub(" ", text)))}


def addresses(text: str) -> set[str]:
    """Mail addresses, in small letters."""
    return {found.lower() for found in _ADDRESS.findall(text)}


def orders(text: str) -> list[str]:
    """Numbers of orders."""
    return _ORDER.findall(text)


def amounts(text: str) -> Iterator[str]:
    """Amounts of euros, written as `49.90`."""
    for before, behind in _AMOUNT.findall(text):
        yield (before or behind).replace(",", ".")
