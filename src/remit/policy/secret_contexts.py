"""Built-in rules for secrets that are known by what stands before them: headers and key names."""

from remit.policy.secret_kinds import SHAPES, STAND_INS
from remit.policy.secret_rule import SecretRule

_SIGN = r"""[\\"'`\])]{0,4}\s{0,8}(?:=>|:=|==|[=:])\s{0,8}"""
"""From the end of a key's name to its value: closing marks, a sign, perhaps a new line."""

_QUOTE = r"""[bruf]{0,1}\\{0,3}["'`]{1,3}"""
"""What opens a quoted value, in program text and in JSON within JSON."""

_LOGIN = r"(?i:pass(?:word|wd|phrase|code)|passwort|pwd)"
_KEY = (
    r"(?i:secret|token|credential|auth|(?:api|access|auth|private|secret|encryption|signing|account|"
    r"shared|master|service|subscription|session|storage|app|client|license)[_. -]{0,1}key)"
)
_TAIL = r"[A-Za-z0-9_.-]{0,24}"

_CODE = (
    r"^[A-Za-z_$][A-Za-z_0-9$]*(?:(?:\.|->|::)[A-Za-z_$][A-Za-z_0-9$]*)+$",
    r"^[a-z_]+$|^[A-Z_]+$|^_*[A-Za-z][a-z]+(?:[A-Z][a-z]{2,})*[A-Z]{0,2}$",
    r"^(?:\.{1,2}|~|)(?:/[A-Za-z.]?[a-z_.-]*[0-9]{0,4})+$|^[A-Za-z]:\\|^[a-z]{2,10}://",
)
"""What a program or a file name looks like: dotted names, plain words, paths, addresses."""

_WORD = (
    r"(?:[A-Z]{0,14}|[A-Za-z][a-z]{0,14}(?:[A-Z][a-z]{2,14}){0,4}[A-Z]{0,2}|[A-Za-z][a-z]{1,14}[0-9]{1,2}|"
    r"[0-9]{1,4}|[vV][0-9]{1,3})"
)
_WORDS = (
    rf"^{_WORD}(?:[-_./:@+,]+{_WORD})*$",
    r"^[0-9.,:TZ+_/-]+$",
    r"(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    r"^(?:sha(?:1|256|384|512)|md5)[:-]|^data:|^arn:|^urn:",
)
"""Names of many words, numbers, dates, UUIDs, digests, data URLs."""

_NO_SECRET_KEY = (
    (
        r"(?i)(?:token|secret|key|password|auth|credential)s?[_. -]?(?:ids?|ur[li]s?|path|"
        r"file(?:name)?|dir|name|type|kind|count|limit|length|len|size|ttl|expir[a-z]*|policy|endpoint|version|"
        r"alg[a-z]*|prefix|format|field|label|hint|method|mode|provider|scope|status|server|host|page|"
        r"budget|usage|class|manager|arn|ref|reset|at|or|entication|enticated|orization)"
        r"[^A-Za-z0-9]"
    ),
    (
        r"(?i)(?:max|min|num|total|prompt|completion|input|output|next|page|csrf|public)[_-]?"
        r"(?:token|key)"
    ),
)
"""Key names that hold a key word but name something else: token_type, key_path, max_tokens."""

CONTEXTS = (
    SecretRule(
        "aws-secret-key",
        rf"(?i:aws[A-Za-z0-9_. -]{{0,24}}(?:secret|key)|secret[_. -]{{0,1}}access[_. -]{{0,1}}key)"
        rf"{_TAIL}{_SIGN}(?:{_QUOTE}){{0,1}}([A-Za-z0-9/+]{{40,}})"
        r"|\b(?:AKIA|ASIA)[A-Z2-7]{16}[\s,;:|\"'\\]{1,8}([A-Za-z0-9/+]{40,})",
        ("aws", "access", "AKIA", "ASIA"),
        entropy=4.0,
        allow=(r"^.{41}", r"^[0-9a-f]{40}$"),
        hits=(
            "aws_secret_access_key = «{B40}»",
            '"SecretAccessKey": "«{B40}»"',
            "AKIA{T16},«{B40}»\n",
        ),
        misses=("aws_secret_access_key = {H40}", "aws_secret_access_key=$SECRET", "aws {B40}"),
    ),
    SecretRule(
        "authorization",
        r"(?i:\bbearer\s{1,4})([A-Za-z0-9._~+/=-]{16,})"
        rf"|(?i:\bauthorization){_SIGN}(?:{_QUOTE}){{0,1}}(?i:basic|token|apikey|api-key|key|digest)\s{{1,4}}"
        r"([A-Za-z0-9._~+/=-]{8,})",
        ("bearer", "authorization"),
        entropy=2.5,
        allow=(*STAND_INS, *_CODE, _WORDS[0]),
        hits=(
            "Authorization: Bearer «{A32}»",
            "curl -H 'authorization: bearer «{W24}»'",
            '"Authorization": "Basic «{A20}»"',
            "Authorization: token «{H40}»",
        ),
        misses=(
            "Bearer authentication-scheme",
            "Authorization: Bearer <token>",
            "Authorization: Bearer $TOKEN",
            "the bearer of this letter",
            "Authorization: Bearer YOUR_ACCESS_TOKEN_HERE",
        ),
    ),
    SecretRule(
        "password",
        rf"{_LOGIN}{_TAIL}{_SIGN}"
        rf"(?:{_QUOTE}([^\s\"'`\\<>]{{6,}})|([^\s\"'`\\<>,;()\[\]{{}}]{{6,}}))",
        ("pass", "pwd"),
        allow=(*STAND_INS, *_CODE, *_WORDS),
        allow_match=_NO_SECRET_KEY,
        hits=(
            "password=«{A9}!x»",
            'DB_PASSWORD: "«{A4}7&{A5}»"',
            '\\"password\\": \\"«{A6}7{A8}»\\"',
            "pwd := '«{A6}7{A8}»'",
        ),
        misses=(
            "password=changeme",
            "password: ${{DB_PASSWORD}}",
            "password = os.environ['DB_PASSWORD']",
            "password: <your-password>",
            "password = get_password()",
            "Password: must have 8 characters",
            '"password": "string"',
        ),
    ),
    SecretRule(
        "secret-value",
        rf"{_KEY}{_TAIL}{_SIGN}"
        rf"(?:{_QUOTE}([^\s\"'`\\<>]{{12,}})|([A-Za-z0-9_.+/=~-]{{12,}}))",
        ("secret", "token", "credential", "auth", "key"),
        entropy=3.0,
        allow=(*STAND_INS, *_CODE, *_WORDS),
        allow_match=_NO_SECRET_KEY,
        hits=(
            "api_key: «{H32}»",
            'API-KEY="«{A24}»"',
            "client_secret='«{W34}»'",
            '{{"access_token": "«{A40}»"}}',
            "SECRET_KEY = '«{B50}»'",
        ),
        misses=(
            "api_key: your-api-key-here",
            "token: ${{TOKEN}}",
            "token = os.environ['TOKEN']",
            "secret_name: projects/my-app/secrets/db-2",
            "token_id: 123e4567-e89b-12d3-a456-426614174000",
            "max_tokens=4096",
            "commit {H40}",
            "key: value",
            "next_page_token: {A40}",
        ),
    ),
)
"""Rules for secrets that look like any random text."""

BUILTIN: tuple[SecretRule, ...] = (*SHAPES, *CONTEXTS)
"""The rules that a redactor has unless it is given others; an earlier one gives the kind."""
