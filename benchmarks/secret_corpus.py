"""A corpus of texts with and without secrets: many kinds of files, values and look-alikes.

Half of the documents hold one secret. Both halves use the same templates and key names, so that
only the value tells them apart; further innocent ones hold hashes, ids, images and lock files.
"""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.secret_files import GUILTY, INNOCENT, written

ALNUM = string.ascii_letters + string.digits
LOWNUM = string.ascii_lowercase + string.digits
WORDS = (
    "falcon", "river", "summer", "dragon", "coffee", "berlin", "winter", "monkey", "orange",
    "silver", "planet", "garden", "tiger", "ocean", "rocket", "marble", "candle", "forest",
    "castle", "pepper", "violet", "breeze", "thunder", "pocket", "lantern", "anchor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A text and the secrets in it."""

    text: str
    label: str
    secrets: tuple[str, ...]


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

    def word(self) -> str:
        """A word of everyday language."""
        return self.pick(*WORDS)

    def number(self, low: int, high: int) -> int:
        """A whole number."""
        return self.random.randint(low, high)

    def password(self) -> str:
        """A password as people and programs make them."""
        word, other = self.word(), self.word()
        return self.pick(
            f"{word.title()}{self.number(1960, 2026)}{self.pick('!', '#', '$', '')}",
            f"{word[:3]}@{word[3:]}{self.number(1, 99)}",
            f"{word}{self.number(10, 9999)}",
            f"{word.title()}{other.title()}{self.number(1, 99)}!",
            word.replace("a", "4").replace("e", "3").replace("o", "0") + str(self.number(0, 99)),
            f"{self.of(ALNUM, 5)}-{self.of(ALNUM, 4)}_{self.number(10, 99)}",
            self.of(ALNUM + "!#%*+-_@^", self.number(9, 18)) + "7",
            self.of(LOWNUM, self.number(8, 14)) + "3",
            self.of(string.ascii_lowercase, 16),
            self.of(ALNUM, self.number(10, 20)),
        )

    def opaque(self) -> str:
        """A generated secret of no known issuer."""
        size = self.random.choice((16, 20, 24, 32, 40, 48, 64))
        return self.pick(
            self.hex(max(size, 32)),
            self.of(ALNUM, size),
            self.base64(size),
            self.of(ALNUM + "-_", size),
            self.of(string.ascii_uppercase + string.digits, size),
            self.uuid() if self.random.random() < 0.3 else self.of(LOWNUM, size),
        )


def issued(dice: Dice) -> tuple[str, str]:
    """A token that shows its issuer."""
    upper = string.ascii_uppercase + string.digits
    kinds: dict[str, Callable[[], str]] = {
        "aws": lambda: "AKIA" + dice.of(string.ascii_uppercase + "234567", 16),
        "anthropic": lambda: "sk-ant-" + "api03-" + dice.of(ALNUM + "-_", 93) + "AA",
        "openai": lambda: "sk-" + dice.of(ALNUM, 20) + "T3Blbk" + "FJ" + dice.of(ALNUM, 20),
        "openai-project": lambda: "sk-" + "proj-" + dice.of(ALNUM + "-_", 124),
        "google": lambda: "AI" + "za" + dice.of(ALNUM + "-_", 35),
        "google-oauth": lambda: "GOC" + "SPX-" + dice.of(ALNUM + "-_", 28),
        "github": lambda: dice.pick("ghp", "gho", "ghs") + "_" + dice.of(ALNUM, 36),
        "github-pat": lambda: "github_" + f"pat_{dice.of(ALNUM, 22)}_{dice.of(ALNUM, 59)}",
        "gitlab": lambda: "glp" + "at-" + dice.of(ALNUM + "-_", 20),
        "slack": lambda: "xo" + f"xb-{dice.of('123456789', 12)}-{dice.of(ALNUM, 24)}",
        "stripe": lambda: dice.pick("sk", "rk") + "_live_" + dice.of(ALNUM, 24),
        "npm": lambda: "np" + "m_" + dice.of(ALNUM, 36),
        "pypi": lambda: "pyp" + "i-AgEIcHlwaS5vcmc" + dice.of(ALNUM + "-_", 130),
        "sendgrid": lambda: "S" + f"G.{dice.of(ALNUM, 22)}.{dice.of(ALNUM + '-_', 43)}",
        "twilio": lambda: "S" + "K" + dice.hex(32),
        "telegram": lambda: f"{dice.of('123456789', 10)}:A" + "A" + dice.of(ALNUM + "-_", 33),
        "hugging-face": lambda: "h" + "f_" + dice.of(string.ascii_letters, 34),
        "digital-ocean": lambda: "do" + "p_v1_" + dice.hex(64),
        "shopify": lambda: "shp" + "at_" + dice.hex(32),
        "azure-client": lambda: dice.of(ALNUM, 3) + "8Q" + "~" + dice.of(ALNUM + "-_.~", 34),
        "databricks": lambda: "dap" + "i" + dice.hex(32),
        "new-relic": lambda: "NR" + "AK-" + dice.of(upper, 27),
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


PASSWORD_KEYS = (
    "password", "passwd", "db_password", "PASSWORD", "dbPassword", "admin_password", "pwd",
    "DB_PASS", "SMTP_PASSWORD", "spring.datasource.password", "rootPassword", "POSTGRES_PASSWORD",
    "user_passwd", "ftp_pwd", "userPassword", "PGPASSWORD", "login_password",
)  # fmt: skip
SECRET_KEYS = (
    "api_key", "apiKey", "client_secret", "SECRET_KEY", "access_token", "auth_token", "X-Api-Key",
    "app.secret", "API_TOKEN", "clientSecret", "secretKey", "JWT_SECRET", "private_token",
    "consumer_secret", "encryption_key", "webhook_secret", "refresh_token", "ACCESS_KEY", "apikey",
    "authToken", "SESSION_SECRET", "bot_token", "secret", "token", "MAPS_API_KEY", "app_key",
)  # fmt: skip


def assigned(dice: Dice, key: str, value: str) -> str:
    """A key and a value in some kind of file."""
    return dice.pick(
        f"{key}={value}\n",
        f"{key}: {value}\n",
        f'{key} = "{value}"\n',
        f"{key}: '{value}'\n",
        f'  {key}: "{value}"\n',
        f'{{"user": "ann", "{key}": "{value}", "n": 3}}\n',
        f'{{"{key}":"{value}","retries":3}}',
        f"export {key.upper()}={value}\n",
        f'config["{key}"] = "{value}"\n',
        f"<{key}>{value}</{key}>\n",
        f'<add key="{key}" value="{value}" />\n',
        f"./run --{key.replace('_', '-').lower()} {value} --verbose\n",
        f'os.environ.setdefault("{key}", "{value}")\n',
        f"The {key.replace('_', ' ')} is {value} and nobody else knows it.\n",
        f'- name: {key}\n  value: "{value}"\n',
        f'{{\\"{key}\\": \\"{value}\\"}}\n',
        f"const {key.replace('.', '').replace('-', '')} = '{value}';\n",
        f'private static final String {key.upper()} = "{value}";\n',
        f'  {key} := "{value}"\n',
        f"$config['{key}'] = '{value}';\n",
        f'    {key.title()}:  "{value}",\n',
        f'define("{key.upper()}", "{value}");\n',
        f"ENV {key.upper()} {value}\n",
        f"2026-03-01T10:00:00Z DEBUG settings loaded {key}={value} region=eu\n",
        f"  {key}: {value}  # rotate me\n",
        f"let {key} = `{value}`\n",
        f":{key} => '{value}',\n",
    )


def stand_in(dice: Dice, key: str) -> str:
    """What stands where a secret would, and is none."""
    name = key.upper().replace(".", "_").replace("-", "_")
    word = dice.word()
    return dice.pick(
        f"${{{name}}}", f"${name}", f"os.environ['{name}']", f"process.env.{name}",
        f"getenv('{name}')", f"{{{{ .Values.{word}.{key} }}}}", f"<{key}>", f"<your-{key}>",
        f"your_{key}_here", "changeme", "xxxxxxxx", "********", "TODO", "REPLACE_ME", "null",
        "None", "string", "example", f"my-{key}", f"settings.{key}", f"self.{key}", f"args.{key}",
        f"config.get('{key}')", "", "test", "secret", "password", f"%({key})s", f"%{name}%",
        f"/run/secrets/{word}_{key}",
        f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{word}",
        f"vault:secret/data/{word}#{key}", "required", "undefined", f"{word}_{key}", "...",
        f"{{{key}}}", f"#{{{key}}}", f"req.body.{key}", f"get_{key}()", "redacted", "[REDACTED]",
        "dummy", "placeholder", f"{key}_value", "sk-" + "x" * 20, "insert-here",
        f"projects/{word}/secrets/{key}/versions/3", "ENC(...)", "String", "false", "12345678",
    )  # fmt: skip


def guilty(dice: Dice) -> Document:
    """A document with one secret."""
    chance = dice.random.random()
    if chance < 0.33:
        label, secret = issued(dice)
        text = dice.pick(
            f"I ran it with {secret} and it worked.",
            f'  "value": "{secret}",',
            f"export APP_CREDENTIAL={secret}",
            f"curl -H 'x-api-key: {secret}' https://api.example.org/v1",
            f"2026-03-01T10:00:00Z ERROR auth failed for {secret} (attempt 2)",
            f"- name: KEY\n  value: {secret}\n",
            f"Client('{secret}').connect()",
        )
    elif chance < 0.42:
        label, secret = "connection-string", dice.of(ALNUM + "-_.", 14)
        scheme = dice.pick("postgresql", "mysql", "mongodb+srv", "redis", "amqp", "https")
        text = dice.pick(
            f"url: {scheme}://app:{secret}@db-{dice.hex(4)}.internal:5432/main?ssl=true",
            f"Server=db.acme.net;Database=app;User Id=sa;Password={secret};Encrypt=True",
            f"AccountName=acme;AccountKey={(secret := dice.base64(64))};EndpointSuffix=core",
        )
    elif chance < 0.46:
        body = dice.base64(600)
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        kind = dice.pick("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ")
        label, secret = "private-key", body[:64]
        text = f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----\n"
    elif chance < 0.5:
        label, secret = "command", dice.password()
        text = dice.pick(
            f"curl -u ann:{secret} https://example.org/x",
            f"ALTER USER app IDENTIFIED BY '{secret}';",
            f"machine example.org login ann password {secret}\n",
            f'smtp.login("ann@example.org", "{secret}")',
            f"auth=HTTPBasicAuth('ann', '{secret}')",
            f"Authorization: Basic {(secret := dice.base64(24))}",
            f"Authorization: Bearer {(secret := dice.of(ALNUM, 40))}",
            f"GET /v1/x?api_key={(secret := dice.of(ALNUM, 32))}&page=2",
        )
    elif chance < 0.75:
        label, secret = "password", dice.password()
        text = assigned(dice, dice.pick(*PASSWORD_KEYS), secret)
    else:
        label, secret = "secret-value", dice.opaque()
        text = assigned(dice, dice.pick(*SECRET_KEYS), secret)
    return Document(f"{filling(dice)}{text}{filling(dice)}", label, (secret,))


def innocent(dice: Dice) -> Document:
    """A document that only looks as if it held a secret."""
    if dice.random.random() < 0.55:
        key = dice.pick(*PASSWORD_KEYS, *SECRET_KEYS)
        text = assigned(dice, key, stand_in(dice, key))
    else:
        text = decoy(dice)
    return Document(f"{filling(dice)}{text}{filling(dice)}", "clean", ())


def decoy(dice: Dice) -> str:
    """Random text that is no secret, and words about secrets."""
    word = dice.word()
    return dice.pick(
        f"request_id: {dice.uuid()}\ntrace: {dice.hex(32)}\n",
        f"commit {dice.hex(40)}\nAuthor: Ann <ann@example.org>\n",
        f"index {dice.hex(7)}..{dice.hex(7)} 100644\n",
        f'"integrity": "sha512-{dice.base64(64)}"\n',
        f"pip install --hash=sha256:{dice.hex(64)}\n",
        f'<img src="data:image/png;base64,{dice.base64(200)}">\n',
        f"max_tokens: 4096\ntoken_type: bearer\ntokenizer: {word}-base-v2\n",
        f"secretName: {word}-tls\nkey: {word}.crt\n",
        f"-----BEGIN PUBLIC KEY-----\n{dice.base64(48)}\n-----END PUBLIC KEY-----\n",
        f"-----BEGIN CERTIFICATE-----\n{dice.base64(48)}\n-----END CERTIFICATE-----\n",
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
        f"checksum: {dice.hex(64)}\nrevision = {dice.hex(40)}\n",
        f'"session_id": "{dice.uuid()}", "correlationId": "{dice.hex(32)}"\n',
        f"{word}-1.2.3.tar.gz md5={dice.hex(32)}\n",
        f'!function(e,t){{var n="{dice.of(ALNUM, 24)}",r=e.key||t.token;return r(n)}}(a,b);\n',
        f'"_id": {{"$oid": "{dice.hex(24)}"}}, "key": "{word}"\n',
        f'func Test{word.title()}(t *testing.T) {{ token := newToken(t, "{word}") }}\n',
        "if (password !== confirmPassword) { throw new Error('Passwords do not match') }\n",
        f'aws_access_key_id = AKIA{"IOSFODNN7"}EXAMPLE\n',
        f"Invalid token '{word}' at position {dice.number(1, 999)}\n",
        f'resource "aws_secretsmanager_secret" "{word}" {{ name = "{word}/api-key" }}\n',
        f"uuid = {dice.uuid()}\nhash = {dice.hex(64)}\nsignature verified\n",
        f"image: {word}:{dice.hex(12)}\nsecretKeyRef:\n  name: {word}\n  key: api-token\n",
        f'{{"kid": "{dice.of(ALNUM, 20)}", "kty": "RSA", "n": "{dice.base64(96)}", "e": "AQAB"}}\n',
        f"https://cdn.example.org/{dice.hex(16)}/{word}.{dice.hex(8)}.js\n",
        f'<input type="password" name="{word}Password" placeholder="Your password">\n',
        f"nonce-{dice.base64(16)} in the content policy; key exchange: x25519\n",
        f'"resolved": "https://registry.example.org/{word}/-/{word}-2.0.{dice.number(0, 9)}.tgz"\n',
    )  # fmt: skip


def filling(dice: Dice) -> str:
    """Text around it."""
    return "".join(
        dice.pick(
            "The quick brown fox jumps over the lazy dog while the board reviews its numbers.\n",
            "def total(rows: list[int]) -> int:\n    return sum(row for row in rows if row > 0)\n",
            "2026-03-01T10:00:00Z INFO worker 7 took 12.5 ms for GET /v1/orders/4711 (200)\n",
            '{"id": 4711, "name": "Ann", "tags": ["a", "b"], "total": 12.50}\n',
            "See https://docs.example.org/guide#setup for the next steps.\n",
            f"      value: {dice.hex(8)}-{dice.number(1, 9)}\n",
            "import os\nimport logging\n\nlog = logging.getLogger(__name__)\n",
            "  replicas: 3\n  image: registry.example.org/app:1.4.2\n",
        )
        for _ in range(dice.number(0, 6))
    )


def in_file(dice: Dice, templates: Sequence[str]) -> Document:
    """A piece of a file."""

    def named(name: str) -> str:
        made = {"uuid": dice.uuid, "pw": dice.password, "key": dice.opaque}
        return made[name]()

    template = dice.pick(*templates)
    text, secret = written(template, of=dice.of, base64=dice.base64, named=named)
    return Document(f"{text}\n", "in a file" if secret else "clean", (secret,) if secret else ())


def generated(seed: int, size: int) -> Iterator[Document]:
    """A corpus of our own, half of it with a secret, half of it pieces of files."""
    dice = Dice(seed)
    for index in range(size):
        match index % 4:
            case 0:
                yield innocent(dice)
            case 1:
                yield guilty(dice)
            case 2:
                yield in_file(dice, INNOCENT)
            case _:
                yield in_file(dice, GUILTY)
