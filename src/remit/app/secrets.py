"""The secrets of a process: where they are read from, and the rules that keep them out of texts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

from remit.app.config import SecretsConfig, Settings
from remit.app.load import key_names, named
from remit.errors import ConfigError, MissingExtra
from remit.machine.agent import Agent
from remit.policy.rule_book import RuleBook, check_examples
from remit.policy.secret_rule import SENSITIVITIES, SecretRule
from remit.policy.secret_scan import Nominator, SecretRules
from remit.ports import SecretSource

ENTRY_POINTS = "remit.secrets"
"""The group in which packages name further sources: a function of what stands behind the colon."""

LEARNT_BYTES = 12
"""A shorter key, as local servers take, is a common word; masking it would hide half a text."""

_ADAPTERS = "remit.adapters.secrets"
_SCHEMES = ("env", "files", "keyring")
_NOMINATOR = "remit.adapters.redaction.hyperscan_nominator"


class Secrets:
    """Reads secrets when they are needed; from then on they are known and found in every text."""

    def __init__(self, source: SecretSource, rules: SecretRules, known: Mapping[str, str]) -> None:
        self._source = source
        self._known = dict(known)
        self._rules = rules.with_known(self._known)

    def rules(self) -> SecretRules:
        """What is secret, as of now."""
        return self._rules

    def read(self, name: str) -> str | None:
        """A secret by name, or None. Raises `ConfigError` when its source cannot be read."""
        secret = self._source.read(name)
        if secret and len(secret.strip()) >= LEARNT_BYTES:
            self._learn(name, secret.strip())
        return secret

    def where(self, name: str) -> str:
        """Where a person puts a secret, for errors."""
        return self._source.where(name)

    def _learn(self, name: str, secret: str) -> None:
        if secret in self._known.values():
            return
        while name in self._known:  # rotated: the old one may still stand in a text
            name += "-old"
        self._known[name] = secret
        self._rules = self._rules.with_known(self._known)


def make_secrets(
    settings: Settings,
    variables: Mapping[str, str],
    known: Mapping[str, str],
    *,
    rules: Sequence[SecretRule | str | Path] = (),
    agents: Iterable[Agent[object]] = (),
) -> Secrets:
    """The secrets of a process; `known` and `rules` are those given in Python.

    The keys of the providers of `agents` are known from the start.

    Raises `ConfigError` naming what is wrong and the remedy, `MissingExtra` for a source whose
    package is not installed.
    """
    config = settings.secrets
    made = Secrets(
        make_source(variables.get("REMIT_SECRETS") or config.source, variables),
        make_rules(config, rules),
        known,
    )
    for name in config.known:
        if not made.read(name):
            raise ConfigError(
                f"[secrets] known: there is no secret {name!r}; set {made.where(name)}, or take "
                "the name out of the list"
            )
    learn_keys(made, settings, agents)
    return made


def learn_keys(secrets: Secrets, settings: Settings, agents: Iterable[Agent[object]]) -> None:
    """Read the keys of the providers that agents use, so that no text shows them from the start.

    One that is missing or cannot be read is told when its model is asked.
    """
    for agent in agents:
        for name in key_names(agent.model.partition(":")[0], settings):
            with suppress(ConfigError):
                secrets.read(name)


def make_rules(config: SecretsConfig, rules: Sequence[SecretRule | str | Path] = ()) -> SecretRules:
    """The built-in rules, those of files, and those given in Python, up to the sensitivity."""
    book = builtin_book()
    add = cast(
        "Callable[[RuleBook, Iterable[Path]], RuleBook]",
        named("remit.adapters.redaction.rule_files", "add_rules", ""),
    )
    given = [each for each in rules if isinstance(each, SecretRule)]
    paths = [*config.rules, *(each for each in rules if not isinstance(each, SecretRule))]
    book = add(book, [Path(each).expanduser() for each in paths])
    check_examples(given)
    return SecretRules(
        selected((*book.rules, *given), config.sensitivity), nominator=make_nominator()
    )


def builtin_book() -> RuleBook:
    """The built-in rules."""
    read = cast(
        "Callable[[], RuleBook]", named("remit.adapters.redaction.rule_files", "builtin_rules", "")
    )
    return read()


def selected(rules: Iterable[SecretRule], sensitivity: str) -> tuple[SecretRule, ...]:
    """The rules that are used at a sensitivity."""
    most = SENSITIVITIES.index(sensitivity)
    return tuple(rule for rule in rules if SENSITIVITIES.index(rule.sensitivity) <= most)


def make_nominator() -> Callable[[Sequence[SecretRule]], Nominator] | None:
    """Hyperscan where it is installed, else None: then keywords nominate. Verdicts are the same."""
    try:
        made = named(_NOMINATOR, "HyperscanNominator", "fast")
    except MissingExtra:
        return None
    return cast("Callable[[Sequence[SecretRule]], Nominator]", made)


def make_source(url: str, variables: Mapping[str, str]) -> SecretSource:
    """The source of `env:`, `files:/folder`, `keyring:service`, or of another package's scheme.

    Raises `ConfigError` for an unknown scheme.
    """
    scheme, _, rest = url.partition(":")
    match scheme:
        case "env":
            made = named(f"{_ADAPTERS}.environment", "EnvironmentSecrets", "")
            return cast("Callable[[Mapping[str, str]], SecretSource]", made)(variables)
        case "files":
            made = named(f"{_ADAPTERS}.files", "FileSecrets", "")
            return cast("Callable[[Path], SecretSource]", made)(Path(rest).expanduser())
        case "keyring":
            return _keyring(rest)
        case _:
            return _from_elsewhere(scheme, rest)


def _keyring(service: str) -> SecretSource:
    made = named(f"{_ADAPTERS}.keychain", "KeyringSecrets", "")
    ask = named("keyring", "get_password", "keyring")
    failure = named("keyring.errors", "KeyringError", "keyring")
    return cast("Callable[..., SecretSource]", made)(service, ask=ask, failure=failure)


def _from_elsewhere(scheme: str, rest: str) -> SecretSource:
    """A source of another package."""
    found = list(_entry_points())
    for entry in found:
        if entry.name != scheme:
            continue
        try:
            made = cast("Callable[[str], SecretSource]", entry.load())
        except (ImportError, AttributeError) as exc:
            raise MissingExtra(
                f"[secrets] source {scheme}: {entry.value} cannot be loaded ({exc}); "
                "install what it needs"
            ) from exc
        return made(rest)
    known = sorted({*_SCHEMES, *(each.name for each in found)})
    raise ConfigError(
        f"[secrets] source: unknown scheme {scheme!r}; known are {', '.join(known)}; others come "
        f"from packages with an entry point in the group {ENTRY_POINTS}"
    )


class _EntryPoint(Protocol):
    """The part of `importlib.metadata.EntryPoint` that is used."""

    name: str
    value: str

    def load(self) -> object: ...


def _entry_points() -> Iterable[_EntryPoint]:
    # Imported when it is needed: it brings the parsers of mails and archives.
    find = cast(
        "Callable[..., Iterable[_EntryPoint]]", named("importlib.metadata", "entry_points", "")
    )
    return find(group=ENTRY_POINTS)
