"""Every built-in rule finds its own examples, and leaves alone what only looks alike."""

import json
import re

import pytest

from remit.policy.redact import Redactor
from remit.policy.secret_contexts import BUILTIN
from remit.policy.secret_rule import SecretRule
from remit.policy.specimen import planted, write_out
from tests.policy.redaction import cut, placeholder, streamed

REDACTOR = Redactor(placeholder)
SEEDS = "abcdefgh"
HITS = [(rule.id, hit) for rule in BUILTIN for hit in rule.hits]
MISSES = [(rule, miss) for rule in BUILTIN for miss in rule.misses]

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
    ids = [rule.id for rule in BUILTIN]
    assert len(set(ids)) == len(ids)
    for rule in BUILTIN:
        assert rule.hits, rule.id
        assert rule.misses, rule.id
        assert all(hit.count("«") == hit.count("»") == 1 for hit in rule.hits)


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found(kind: str, example: str) -> None:
    for seed in SEEDS:
        text, secret = planted(example, seed)
        cleaned = REDACTOR.clean(text)
        assert (kind, secret) in [(found.kind, found.secret) for found in cleaned.found]
        assert secret not in cleaned.text
        assert REDACTOR.clean(cleaned.text).text == cleaned.text


@pytest.mark.requirement("SEC-1", "SEC-3")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found_in_a_json_string(kind: str, example: str) -> None:
    for seed in SEEDS:
        text, secret = planted(example, seed)
        document = json.dumps({"result": f"first\nline: {text} é", "n": 1})
        cleaned = REDACTOR.clean_json(document)
        assert kind in [found.kind for found in cleaned.found]
        assert secret not in json.loads(cleaned.text)["result"]
        assert REDACTOR.clean_json(cleaned.text).text == cleaned.text


@pytest.mark.requirement("SEC-4")
@pytest.mark.parametrize(("kind", "example"), HITS, ids=lambda value: value[:40])
def test_a_secret_of_each_rule_is_found_in_chunks(kind: str, example: str) -> None:
    text = f"before {planted(example)[0]} after"
    cleaned = REDACTOR.clean(text)
    assert kind in [found.kind for found in cleaned.found]
    for size in (1, 2, 3, 7, 40):
        assert streamed(REDACTOR, cut(text, size)) == cleaned.text


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize(("rule", "example"), MISSES, ids=lambda value: getattr(value, "id", value))
def test_a_rule_leaves_alone_what_looks_alike(rule: SecretRule, example: str) -> None:
    alone = Redactor(placeholder, rules=[rule])
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
