"""Secrets of a process: read late from a chosen source, and known to every text from then on."""

import json
import sys
from collections.abc import Mapping
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from remit.app import secrets as secrets_module
from remit.app.config import SecretsConfig, Settings, read_settings
from remit.app.secrets import (
    LEARNT_BYTES,
    Secrets,
    learn_keys,
    make_nominator,
    make_rules,
    make_secrets,
    make_source,
    selected,
)
from remit.errors import ConfigError, MissingExtra
from remit.journal.events import RunEnded
from remit.policy.secret_rule import SENSITIVITIES, SecretRule
from remit.policy.specimen import write_out
from tests.policy.redaction import BOOK
from tests.runtime.stage import an_agent, journal_at, opened, told, written

KEY = write_out("{A9}-{A9}", "key")
OWN = """format = 1
[[rule]]
id = "acme-key"
pattern = 'acme_[a-z0-9]{10,}'
keywords = ["acme_"]
hits = ["«acme_{L12}»"]
misses = ["acme_x"]
"""


class Held:
    """A source that holds what it is given."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        self.kept = dict(kept)

    def read(self, name: str) -> str | None:
        return self.kept.get(name)

    def where(self, name: str) -> str:
        return f"{name} in a dictionary"


def finds(secrets: Secrets, text: str) -> bool:
    return bool(secrets.rules().regions(text.encode()))


# ---------------------------------------------------------------- reading


@pytest.mark.requirement("SEC-5", "SEC-1")
def test_a_secret_is_known_once_it_was_read_and_stays_so_when_it_is_rotated() -> None:
    source = Held({"API_KEY": f"{KEY}\n"})
    secrets = Secrets(source, make_rules(SecretsConfig()), {})
    assert not finds(secrets, f"see {KEY} there")
    assert secrets.read("API_KEY") == f"{KEY}\n"
    assert finds(secrets, f"see {KEY} there")
    before = secrets.rules()
    secrets.read("API_KEY")
    assert secrets.rules() is before
    source.kept["API_KEY"] = KEY[::-1]
    secrets.read("API_KEY")
    assert finds(secrets, f"see {KEY} there")
    assert finds(secrets, f"see {KEY[::-1]} there")
    assert secrets.where("API_KEY") == "API_KEY in a dictionary"


@pytest.mark.parametrize("value", ["ollama", "x" * (LEARNT_BYTES - 1), ""])
def test_a_short_key_is_no_secret_word(value: str) -> None:
    secrets = Secrets(Held({"KEY": value}), make_rules(SecretsConfig()), {})
    assert secrets.read("KEY") == value
    assert not finds(secrets, f"we use {value} here")
    assert secrets.read("NONE") is None


@pytest.mark.requirement("SEC-5")
def test_named_secrets_are_read_when_the_app_opens() -> None:
    settings = Settings(secrets=SecretsConfig(known=("DB", "HOOK")))
    variables = {"DB": KEY, "HOOK": KEY[::-1]}
    secrets = make_secrets(settings, variables, {"given": f"{KEY}-given"})
    for text in (KEY, KEY[::-1], f"{KEY}-given"):
        assert finds(secrets, f"see {text} there")
    with pytest.raises(ConfigError, match=r"known: there is no secret 'HOOK'; set HOOK \(or HOOK_"):
        make_secrets(settings, {"DB": KEY}, {})


@pytest.mark.requirement("SEC-5")
def test_a_providers_key_is_known_from_the_start_and_read_again_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = an_agent()
    object.__setattr__(agent, "model", "anthropic:x")
    source = Held({"ANTHROPIC_API_KEY": KEY})
    secrets = Secrets(source, make_rules(SecretsConfig()), {})
    learn_keys(secrets, Settings(), [agent, an_agent("other")])
    assert finds(secrets, f"see {KEY} there")

    def broken(name: str) -> str | None:
        raise ConfigError("locked")

    monkeypatch.setattr(source, "read", broken)
    learn_keys(secrets, Settings(), [agent])  # told when the model is asked


# ---------------------------------------------------------------- sources


@pytest.mark.requirement("SEC-5")
def test_the_source_is_chosen_by_a_setting_or_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "API_KEY"
    file.write_text(KEY)
    file.chmod(0o600)
    (tmp_path / "remit.toml").write_text(f'[secrets]\nsource = "files:{tmp_path}"\n')
    settings = read_settings(variables={}, folder=tmp_path)
    assert make_secrets(settings, {}, {}).read("API_KEY") == KEY
    chosen = {"REMIT_SECRETS": f"files:{tmp_path}"}
    assert make_secrets(Settings(), chosen, {}).read("API_KEY") == KEY
    assert make_secrets(Settings(), {"API_KEY": "env"}, {}).read("API_KEY") == "env"


@pytest.mark.requirement("SEC-5")
def test_a_keyring_is_asked_through_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    package, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    vars(package).update(get_password=lambda service, name: f"{service}/{name}")
    vars(errors).update(KeyringError=RuntimeError)
    monkeypatch.setitem(sys.modules, "keyring", package)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    assert make_source("keyring:remit", {}).read("API_KEY") == "remit/API_KEY"
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra, match=r"keyring.*pip install 'remit\[keyring\]'"):
        make_source("keyring:remit", {})


class Entry:
    """An entry point of another package."""

    def __init__(self, name: str, made: object) -> None:
        self.name, self.value, self.made = name, "acme.vault:open_vault", made

    def load(self) -> object:
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


@pytest.mark.requirement("SEC-5")
def test_another_packages_source_comes_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def points(*, group: str) -> list[Entry]:
        asked.append(group)
        made = Entry("vault", lambda rest: Held({"AT": rest}))
        return [made, Entry("broken", ImportError("no module named hvac"))]

    monkeypatch.setattr(metadata, "entry_points", points)
    assert make_source("vault://host/path?x=1", {}).read("AT") == "//host/path?x=1"
    assert asked == [secrets_module.ENTRY_POINTS]
    with pytest.raises(MissingExtra, match=r"acme.vault:open_vault .*no module named hvac"):
        make_source("broken:", {})
    with pytest.raises(ConfigError, match=r"unknown scheme 'x'; known are broken, env, files, key"):
        make_source("x:y", {})


# ---------------------------------------------------------------- rules


@pytest.mark.requirement("SEC-2")
def test_own_rules_come_from_files_and_from_python(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    in_python = SecretRule(
        "zeta-key", "zeta_[a-z0-9]{10,}", ("zeta_",), hits=("«zeta_{L12}»",), misses=("zeta_",)
    )
    rules = make_rules(SecretsConfig(rules=(str(file),)), [in_python])
    text = write_out("acme_{L12} zeta_{L12}").encode()
    assert [each.kind for each in rules.regions(text)] == ["acme-key", "zeta-key"]
    again = make_rules(SecretsConfig(), [file])
    assert [each.kind for each in again.regions(text)] == ["acme-key"]
    with pytest.raises(ConfigError, match="secret rule 'bare': give at least one example"):
        make_rules(SecretsConfig(), [SecretRule("bare", "zz[a-z]+", ("zz",))])
    with pytest.raises(ConfigError, match=r"none.toml: .* mend the path in \[secrets\] rules"):
        make_rules(SecretsConfig(rules=("none.toml",)))


@pytest.mark.requirement("SEC-2")
def test_each_sensitivity_has_the_rules_of_those_before() -> None:
    chosen = [set(selected(BOOK.rules, each)) for each in SENSITIVITIES]
    assert all(less < more for less, more in pairwise(chosen))
    assert chosen[-1] == set(BOOK.rules)


def test_without_hyperscan_keywords_nominate(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_nominator() is not None
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    monkeypatch.delitem(sys.modules, "remit.adapters.redaction.hyperscan_nominator", raising=False)
    assert make_nominator() is None
    rules = make_rules(SecretsConfig())
    assert rules.regions(f"password = {KEY[:9]}7!x".encode())


@pytest.mark.requirement("SEC-1", "SEC-5")
async def test_an_app_hides_what_its_source_and_its_rules_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BILLING_DB", KEY)
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "remit.toml").write_text('[secrets]\nknown = ["BILLING_DB"]\nrules = ["own.toml"]')
    agent = an_agent()
    own = write_out("acme_{L12}")
    async with opened(journal_at(tmp_path), [agent], f"{KEY} and {own}") as app:
        run = await app.run(agent, "Go")
        (ended,) = await told(app, run.id, RunEnded)
    kept = str(run.output)
    assert ended.output == json.dumps(kept)
    assert kept.startswith("[secret:known-billing-db:")
    assert "[secret:acme-key:" in kept
    assert KEY.encode() not in written(tmp_path)
