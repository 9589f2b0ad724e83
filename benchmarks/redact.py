"""How many secrets the redactor finds, how often it cries wolf, and how fast it reads.

Prints one JSON line. A corpus is JSON Lines with `text`, `label` and `secret`: a document whose
`secret` (a string, or a list of them) is empty, or whose label is `clean`, holds none. A secret is
found when it does not stand in the cleaned text any more. Without a corpus one is generated: other
templates than the rules' own examples, and texts that only look like secrets.

    python benchmarks/redact.py --corpus FILE.jsonl
    python benchmarks/redact.py --missed          (also says, to stderr, what was not found)
"""

import argparse
import base64
import hashlib
import hmac
import json
import random
import string
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from remit.policy.redact import Redactor

CLEAN_LABELS = frozenset({"", "0", "clean", "false", "negative", "none", "benign", "no_secret"})

ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Document:
    """A text and the secrets in it."""

    text: str
    label: str
    secrets: tuple[str, ...]


def read(path: Path) -> Iterator[Document]:
    """The documents of a corpus."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                secret = row.get("secret") or ()
                label = str(row.get("label", "")).lower()
                secrets = (secret,) if isinstance(secret, str) else tuple(map(str, secret))
                yield Document(row["text"], label, () if label in CLEAN_LABELS else secrets)
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise SystemExit(
                    f"{path}, line {number}: {exc!r}; a line looks like "
                    '{"text": "...", "label": "aws-access-key", "secret": "..."}'
                ) from exc


class Dice:
    """Random parts of documents, always the same for one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a repeatable corpus, no key

    def pick(self, *options: str) -> str:
        """One of the options."""
        return self.random.choice(options)

    def of(self, alphabet: str, size: int) -> str:
        """Characters of an alphabet."""
        return "".join(self.random.choices(alphabet, k=size))

    def hex(self, size: int) -> str:
        """Hexadecimal digits."""
        return self.of("0123456789abcdef", size)

    def base64(self, size: int) -> str:
        """So many random bytes in base64."""
        return base64.b64encode(self.random.randbytes(size)).decode()

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def password(self) -> str:
        """A password as people choose it."""
        word = self.pick("Summer", "dragon", "Berlin", "monkey", "Falcon", "winter", "Coffee")
        return self.pick(
            f"{word}{self.random.randint(1960, 2026)}{self.pick('!', '#', '$', '')}",
            f"{word[:2]}@{word[2:]}{self.random.randint(1, 99)}",
            f"{self.of(ALNUM, 5)}-{self.of(ALNUM, 4)}_{self.random.randint(10, 99)}",
            self.of(ALNUM + "!#%*+-_", 14) + "7",
        )

    def opaque(self) -> str:
        """A generated secret of no known issuer."""
        size = self.random.choice((20, 24, 32, 40, 48, 64))
        return self.pick(self.hex(max(size, 32)), self.of(ALNUM, size), self.base64(size))


def issued(dice: Dice) -> tuple[str, str]:
    """A token that shows its issuer."""
    kinds: dict[str, Callable[[], str]] = {
        "aws": lambda: "AKIA" + dice.of(string.ascii_uppercase + "234567", 16),
        "anthropic": lambda: "sk-ant-" + "api03-" + dice.of(ALNUM + "-_", 93) + "AA",
        "openai": lambda: "sk-" + dice.of(ALNUM, 20) + "T3Blbk" + "FJ" + dice.of(ALNUM, 20),
        "openai-project": lambda: "sk-" + "proj-" + dice.of(ALNUM + "-_", 124),
        "google": lambda: "AI" + "za" + dice.of(ALNUM + "-_", 35),
        "github": lambda: dice.pick("ghp", "gho", "ghs") + "_" + dice.of(ALNUM, 36),
        "github-pat": lambda: "github_" + f"pat_{dice.of(ALNUM, 22)}_{dice.of(ALNUM, 59)}",
        "slack": lambda: "xo" + f"xb-{dice.of('123456789', 12)}-{dice.of(ALNUM, 24)}",
        "stripe": lambda: dice.pick("sk", "rk") + "_live_" + dice.of(ALNUM, 24),
        "jwt": lambda: ".".join(
            [
                base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode(),
                base64.urlsafe_b64encode(json.dumps({"sub": dice.uuid()}).encode()).decode(),
                dice.of(ALNUM + "-_", 43),
            ]
        ).replace("=", ""),
    }
    kind = dice.pick(*kinds)
    return kind, kinds[kind]()


def guilty(dice: Dice) -> Document:
    """A document with one secret."""
    chance = dice.random.random()
    if chance < 0.4:
        label, secret = issued(dice)
        text = dice.pick(
            f"I ran it with {secret} and it worked.",
            f'  "value": "{secret}",',
            f"export APP_CREDENTIAL={secret}",
            f"curl -H 'x-api-key: {secret}' https://api.example.org/v1",
            f"2026-03-01T10:00:00Z ERROR auth failed for {secret} (attempt 2)",
            f"- name: KEY\n  value: {secret}\n",
        )
    elif chance < 0.5:
        label, secret = "connection-string", dice.of(ALNUM + "-_.", 14)
        scheme = dice.pick("postgresql", "mysql", "mongodb+srv", "redis", "amqp", "https")
        text = f"url: {scheme}://app:{secret}@db-{dice.hex(4)}.internal:5432/main?ssl=true"
    elif chance < 0.55:
        body = dice.base64(600)
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        kind = dice.pick("RSA ", "EC ", "OPENSSH ", "")
        label, secret = "private-key", body[:64]
        text = f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----\n"
    elif chance < 0.75:
        label, secret = "password", dice.password()
        text = in_context(dice, dice.pick("password", "passwd", "db_password", "PASSWORD"), secret)
    else:
        label, secret = "secret-value", dice.opaque()
        key = dice.pick("api_key", "apiKey", "client_secret", "SECRET_KEY", "access_token")
        text = in_context(
            dice, dice.pick(key, key, "auth_token", "X-Api-Key", "app.secret"), secret
        )
    return Document(f"{filling(dice)}{text}{filling(dice)}", label, (secret,))


def in_context(dice: Dice, key: str, value: str) -> str:
    """A value beside a key that says that it is secret."""
    return dice.pick(
        f"{key}={value}\n",
        f"{key}: {value}\n",
        f'{key} = "{value}"\n',
        f"{key}: '{value}'\n",
        f'{{"user": "ann", "{key}": "{value}", "n": 3}}\n',
        f"export {key.upper()}={value}\n",
        f'config["{key}"] = "{value}"\n',
        f"<{key}>{value}</{key}>\n",
        f"./run --{key.replace('_', '-').lower()} {value} --verbose\n",
        f'os.environ.setdefault("{key}", "{value}")\n',
        f"The {key.replace('_', ' ')} is {value} and nobody else knows it.\n",
        f'- name: {key}\n  value: "{value}"\n',
        f'{{\\"{key}\\": \\"{value}\\"}}\n',
        f"https://api.example.org/v1/list?{key}={value}&page=2\n",
    )


def innocent(dice: Dice) -> Document:
    """A document that only looks as if it held a secret."""
    word = dice.pick("billing", "report", "search", "mailer")
    text = dice.pick(
        f"request_id: {dice.uuid()}\ntrace: {dice.hex(32)}\n",
        f"commit {dice.hex(40)}\nAuthor: Ann <ann@example.org>\n",
        f"index {dice.hex(7)}..{dice.hex(7)} 100644\n",
        f'"integrity": "sha512-{dice.base64(64)}"\n',
        f"pip install --hash=sha256:{dice.hex(64)}\n",
        f'<img src="data:image/png;base64,{dice.base64(200)}">\n',
        "password: ********\n",
        "api_key: YOUR_API_KEY\n",
        'client = Client(api_key="your-api-key-here")\n',
        "export TOKEN=<token>\nexport SECRET=changeme\n",
        f"{word}_token: ${{{word.upper()}_TOKEN}}\n",
        f'token = os.environ["{word.upper()}_TOKEN"]\n',
        f"password = config.{word}.password\n",
        f"max_tokens: 4096\ntoken_type: bearer\ntokenizer: {word}-base-v2\n",
        f"secretName: {word}-tls\nkey: {word}.crt\n",
        f"secret_arn: arn:aws:secretsmanager:eu-west-1:123456789012:secret:{word}-AbCdEf\n",
        f"-----BEGIN PUBLIC KEY-----\n{dice.base64(48)}\n-----END PUBLIC KEY-----\n",
        f"ssh-ed25519 {dice.base64(51)} ann@host\n",
        f'ETag: W/"{dice.hex(32)}"\nX-Request-Id: {dice.uuid()}\n',
        f"postgres://localhost:5432/{word} and redis://cache:6379/0\n",
        "DATABASE_URL=postgres://user:password@localhost:5432/db\n",
        "The password must have at least 12 characters, one of them a digit.\n",
        f'"token_id": "{dice.uuid()}", "key_name": "{word}-primary-2"\n',
        f"docker pull registry.example.org/{word}@sha256:{dice.hex(64)}\n",
        f"def {word}(token: str, secret_key: bytes) -> Password: ...\n",
        f"cache_key = '{word}:user:{dice.of(string.digits, 6)}:v2'\n",
        f"public_key: {dice.base64(32)}\n",
        f"csrf_token_header: X-{word.title()}-Token\nauth: oauth2\n",
    )
    return Document(f"{filling(dice)}{text}{filling(dice)}", "clean", ())


def filling(dice: Dice) -> str:
    """Text around it."""
    return "".join(
        dice.pick(
            "The quick brown fox jumps over the lazy dog while the board reviews its numbers.\n",
            "def total(rows: list[int]) -> int:\n    return sum(row for row in rows if row > 0)\n",
            "2026-03-01T10:00:00Z INFO worker 7 took 12.5 ms for GET /v1/orders/4711 (200)\n",
            '{"id": 4711, "name": "Ann", "tags": ["a", "b"], "total": 12.50}\n',
            "See https://docs.example.org/guide#setup for the next steps.\n",
        )
        for _ in range(dice.random.randint(0, 6))
    )


def generated(seed: int, size: int) -> Iterator[Document]:
    """A corpus of our own, half of it with a secret."""
    dice = Dice(seed)
    for index in range(size):
        yield guilty(dice) if index % 2 else innocent(dice)


def placeholder(kind: str, secret: str) -> str:
    """A placeholder like the vault's."""
    mac = hmac.new(b"benchmark", secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"[secret:{kind}:{mac.hexdigest()[:24]}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="JSON Lines; generated when it is missing")
    parser.add_argument("--size", type=int, default=4000, help="documents of a generated corpus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--missed", action="store_true", help="say what went wrong, to stderr")
    options = parser.parse_args()
    corpus = list(read(options.corpus) if options.corpus else generated(options.seed, options.size))
    redactor = Redactor(placeholder)
    redactor.clean("warm up: api_key")
    count: Counter[str] = Counter()
    by_label: dict[str, list[int]] = {}
    spent = 0.0
    for document in corpus:
        began = time.perf_counter()
        cleaned = redactor.clean(document.text)
        spent += time.perf_counter() - began
        count["bytes"] += len(document.text.encode("utf-8", "surrogatepass"))
        count["flagged"] += bool(cleaned.found)
        if not document.secrets:
            count["clean"] += 1
            count["false_alarms"] += bool(cleaned.found)
            if cleaned.found and options.missed:
                print("FALSE", [(x.kind, x.secret[:80]) for x in cleaned.found], file=sys.stderr)
        for secret in document.secrets:
            gone = secret not in cleaned.text
            count["secrets"] += 1
            count["gone"] += gone
            share = by_label.setdefault(document.label, [0, 0])
            share[0] += gone
            share[1] += 1
            if not gone and options.missed:
                print("MISSED", document.label, repr(document.text[:300]), file=sys.stderr)
    guilty_flagged = count["flagged"] - count["false_alarms"]
    print(
        json.dumps(
            {
                "benchmark": "redact",
                "corpus": options.corpus.name if options.corpus else f"generated:{options.seed}",
                "documents": len(corpus),
                "recall": round(count["gone"] / max(1, count["secrets"]), 4),
                "precision": round(guilty_flagged / max(1, count["flagged"]), 4),
                "false_alarm_rate": round(count["false_alarms"] / max(1, count["clean"]), 4),
                "recall_by_label": {
                    label: round(gone / all_, 4) for label, (gone, all_) in sorted(by_label.items())
                },
                "mb_per_s": round(count["bytes"] / 1e6 / spent, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
