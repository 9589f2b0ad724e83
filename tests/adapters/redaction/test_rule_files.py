"""Every built-in rule finds its examples and leaves look-alikes alone; own files are checked."""

import json
import re
from pathlib import Path

import pytest
import re2

from remit.adapters.redaction.rule_files import add_rules
from remit.errors import ConfigError
from remit.policy.redact import Redactor
from remit.policy.rule_book import MAX_BOOK, check_examples
from remit.policy.secret_rule import SecretRule
from remit.policy.secret_scan import SecretRules
from remit.policy.specimen import planted, write_out
from tests.policy.redaction import BOOK, BUILTIN, RULES, cut, noise, placeholder, streamed

REDACTOR = Redactor(placeholder, RULES)
SEEDS = "abcdefgh"
HITS = [(rule.id, hit) for rule in BUILTIN for hit in rule.hits]
MISSES = [(rule, miss) for rule in BOOK.rules for miss in rule.misses]

# Text that no rule may touch, also where several of them look at it.
INNOCENT = [
    "request 123e4567-e89b-12d3-a456-426614174000 took 12 ms",
    "commit {H40}\nAuthor: Ann <ann@example.org>",
    "docker pull registry.example.org/app@sha256:{H64}",
    '"integrity": "sha512-{B86}=="',
    '<img src="data:image/png;base64,{B200}">',
    "password=changeme\napi_key: your-api-key-here\ntoken: <token>",
    "export TOKEN=${{TOKEN}} SECRET=$(cat /run/secrets/db) KEY=%API_KEY%",
    "token = os.environ['TOKEN']; secret = settings.SECRET_KEY; pwd = getpass()",
    "password: {{{{ .Values.password }}}}\nsecretName: billing-tls",
    "def login(password: str, token: Token | None = None) -> Secret: ...",
    "max_tokens=4096 token_type=bearer tokenizer: base-uncased-v2",
    "The password must have at least 12 characters, one of them a digit.",
    "ssh-ed25519 {B68} ann@host",
    "-----BEGIN CERTIFICATE-----\n{B64}\n{B64}\n-----END CERTIFICATE-----",
    "https://docs.example.org/guide#token and git@github.com:o/r.git and http://h:8080/@scope/x",
    "[secret:password:{H24}] and password=[secret:password:{H24}]",
    "Authorization: Bearer [secret:authorization:{H24}]",
    "https://ann:[secret:basic-auth-url:{H24}]@example.org/",
]


def test_rules_are_told_apart_and_have_examples() -> None:
    ids = [rule.id for rule in BOOK.rules]
    assert len(set(ids)) == len(ids)
    for rule in BOOK.rules:
        assert rule.hits, rule.id
        assert rule.misses, rule.id
        assert all(hit.count("«") == hit.count("»") == 1 for hit in rule.hits)


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found(kind: str, example: str) -> None:
    for seed in SEEDS:
        text, secret = planted(example, seed)
        cleaned = REDACTOR.clean(text)
        assert cleaned.found  # under the id of the first rule that finds it
        assert secret not in cleaned.text
        assert REDACTOR.clean(cleaned.text).text == cleaned.text


@pytest.mark.requirement("SEC-1", "SEC-3")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found_in_a_json_string(kind: str, example: str) -> None:
    for seed in SEEDS:
        text, secret = planted(example, seed)
        document = json.dumps({"result": f"first\nline: {text} é", "n": 1})
        cleaned = REDACTOR.clean_json(document)
        assert cleaned.found
        assert secret not in json.loads(cleaned.text)["result"]
        assert REDACTOR.clean_json(cleaned.text).text == cleaned.text


@pytest.mark.requirement("SEC-4")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found_in_chunks(kind: str, example: str) -> None:
    text = f"before {planted(example)[0]} after"
    cleaned = REDACTOR.clean(text)
    assert cleaned.found
    for size in (1, 2, 3, 7, 40):
        assert streamed(REDACTOR, cut(text, size)) == cleaned.text


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize(("rule", "example"), MISSES, ids=lambda value: getattr(value, "id", value))
def test_a_rule_leaves_alone_what_looks_alike(rule: SecretRule, example: str) -> None:
    alone = Redactor(placeholder, SecretRules([rule]))
    for seed in SEEDS:
        text = write_out(example, seed)
        assert alone.clean(text).found == ()
        assert alone.clean(text).text == text


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize("example", INNOCENT, ids=lambda value: value[:30])
def test_no_rule_takes_what_is_no_secret(example: str) -> None:
    for seed in SEEDS:
        text = write_out(example, seed)
        assert REDACTOR.clean(text).found == ()
        assert REDACTOR.clean(text).text == text
        document = json.dumps({"a": text})
        assert REDACTOR.clean_json(document).text == document


@pytest.mark.parametrize("rule", BUILTIN, ids=lambda rule: rule.id)
def test_every_match_of_a_rule_holds_one_of_its_keywords(rule: SecretRule) -> None:
    # Text without keywords is never searched, so the keywords must stand in the pattern itself.
    finder = re.compile(rule.pattern)
    for example in (*rule.hits, *rule.misses):
        for seed in SEEDS:
            text = planted(example, seed)[0]
            for found in finder.finditer(text):
                assert any(word.lower() in found[0].lower() for word in rule.keywords)


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_examples_hold_for_each_rule_alone(rule: SecretRule) -> None:
    check_examples([rule])


def acquitted(patterns: tuple[str, ...], value: str) -> bool:
    return any(re2.search(pattern, value) for pattern in patterns)


@pytest.mark.parametrize(
    "value",
    [
        "xxxxxxxx",
        "sk-xxxx-xxxx",
        "********",
        "....",
        "00000000",
        "1234567890",
        "your-api-key-here",
        "YOUR_TOKEN",
        "my_secret_password1",
        "sk-your-key",
        "changeme",
        "change_me",
        "password",
        "Passw0rd".replace("0", "o"),
        "postgres",
        "${TOKEN}",
        "$TOKEN",
        "$(cat file)",
        "{{ token }}",
        "{token}",
        "%(password)s",
        "%TOKEN%",
        "<token>",
        "#{token}",
        "@Value",
    ],
)
def test_fillers_are_no_secrets(value: str) -> None:
    assert acquitted(BOOK.lists["fillers"], value)


@pytest.mark.parametrize(
    "value",
    [
        "getPassword",
        "HTTPBasicAuthHandler",
        "SECRET_KEY",
        "self.config.token",
        "settings->password",
        "std::string",
        "must-be-set",
        "app-${ENV}-secret",
        "https://example.org/x9",
        "/run/secrets/db",
        "~/.ssh/config",
        "C:\\keys\\one",
        "sha256:" + noise(64, "digest"),
        "data:image/png",
        "arn:aws:secretsmanager:x",
        "2026-01-01T10:00:00Z",
        "10.0.0.1:5432",
    ],
)
def test_words_and_code_are_no_passwords(value: str) -> None:
    assert acquitted(BOOK.lists["plain"], value)
    assert acquitted(BOOK.lists["names"], value)


@pytest.mark.parametrize(
    "value",
    ["kubernetes-token-v2", "key1", "base64-encoded"],
)
def test_words_with_a_number_may_be_passwords_but_no_generated_secrets(value: str) -> None:
    assert acquitted(BOOK.lists["names"], value)
    assert not acquitted(BOOK.lists["plain"], value)


@pytest.mark.parametrize(
    "value",
    [
        noise(32, "hex"),
        noise(40, "sha"),
        "sPrDDuFKUFRo",
        "Tr0ub4dor&3",
        "aB3dE5gH7jK9",
        "k" + noise(6, "a") + "-" + noise(6, "b"),
        noise(20, "c") + "xxxxxx",
        noise(20, "d") + "your-key",
        noise(20, "e") + "${X}",
    ],
)
def test_random_text_is_never_acquitted(value: str) -> None:
    assert not acquitted(
        (*BOOK.lists["fillers"], *BOOK.lists["names"], *BOOK.lists["plain"]), value
    )


OWN = """
format = 1
[[rule]]
id = "acme-key"
pattern = 'acme_[A-Za-z0-9]{20,}'
keywords = ["acme_"]
allow = ["{fillers}"]
hits = ["key: «acme_{A20}»"]
misses = ["acme_{X20}", "acme_short"]
"""


@pytest.mark.requirement("SEC-2")
def test_own_rules_stand_behind_the_built_in_ones(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    book = add_rules(BOOK, [file])
    assert book.rules[: len(BOOK.rules)] == BOOK.rules
    key = write_out("acme_{A24}")
    cleaned = Redactor(placeholder, SecretRules(book.rules)).clean(f"use {key}.")
    assert [(found.kind, found.secret) for found in cleaned.found] == [("acme-key", key)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("acme_short", "acme_{A30}", r"own.toml: misses: 'acme_\{A30\}' is found but must not be"),
        ("«acme_{A20}»", "«acme_{A4}»", "own.toml: hits: .* finds nothing"),
        ("«acme_{A20}»", "acme_«{A20}»", "own.toml: hits: .* finds another part"),
        ("«acme_{A20}»", "acme_{A20}", "one secret between « and »"),
        (
            "'acme_[A-Za-z0-9]{20,}'",
            "'acme_[A-Z'",
            "'acme-key' of .*own.toml: pattern .*not closed",
        ),
        ("'acme_[A-Za-z0-9]{20,}'", "'acme_a{9,2}'", "'acme-key' of .*own.toml.*not valid RE2"),
        ("misses =", "# misses =", "give at least one example"),
        ('id = "acme-key"', 'id = "jwt"', "a rule of built-in issued.toml has this id"),
    ],
)
def test_an_own_file_that_will_not_do_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = tmp_path / "own.toml"
    assert old in OWN
    file.write_text(OWN.replace(old, new))
    with pytest.raises(ConfigError, match=says):
        add_rules(BOOK, [file])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: .* cannot be read"):
        add_rules(BOOK, [tmp_path / "none.toml"])
    file = tmp_path / "odd.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"odd.toml: .* cannot be read"):
        add_rules(BOOK, [file])
    file.write_bytes(b"#" * (MAX_BOOK + 1))
    with pytest.raises(ConfigError, match=r"odd.toml: more than"):
        add_rules(BOOK, [file])
