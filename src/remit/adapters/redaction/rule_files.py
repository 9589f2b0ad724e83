"""Secret rules from files: the built-in ones of the package, and those that users add."""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from remit.errors import ConfigError
from remit.policy.rule_book import MAX_BOOK, RuleBook, check_examples, read_rules

_BUILTIN = ("parts", "issued", "contexts")
"""In the order in which they are read: parts first; an earlier rule gives the kind."""


def builtin_rules() -> RuleBook:
    """The rules of the package. Their examples are tried by the package's own tests."""
    book = RuleBook()
    folder = resources.files("remit.adapters.redaction") / "rules"
    for name in _BUILTIN:
        file = f"{name}.toml"
        book = read_rules((folder / file).read_text(encoding="utf-8"), f"built-in {file}", book)
    return book


def add_rules(book: RuleBook, paths: Iterable[Path]) -> RuleBook:
    """The rules of more files behind those of `book`; their examples are tried.

    Raises `ConfigError` naming file, rule, key, value and remedy.
    """
    for path in paths:
        before = len(book.rules)
        book = read_rules(_read(path), str(path), book)
        check_examples(book.rules[before:])
    return book


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BOOK:
            raise ConfigError(f"{path}: more than {MAX_BOOK} bytes; is it a file of secret rules?")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"{path}: the file of secret rules cannot be read ({exc}); mend the path in "
            "[secrets] rules, or the file"
        ) from exc
