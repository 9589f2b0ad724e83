"""Built-in rules for secrets that are known by what stands before them: headers and key names."""

from remit.policy.secret_kinds import SHAPES
from remit.policy.secret_rule import SecretRule
from remit.policy.stand_ins import FILLERS, NAMES, PLAIN

_CLOSE = r"""[\\"'`\])]{0,4}"""
_EQUALS = rf"{_CLOSE}\s{{0,8}}(?:=>|:=|==|[=:])\s{{0,8}}"
"""From the end of a key's name to its value: closing marks, a sign, perhaps a new line."""

_SIGN = (
    rf"(?:{_EQUALS}"
    r"""|\\{0,3}["']\s{0,3},\s{0,3}"""
    rf"|{_CLOSE},{{0,1}}\s{{1,20}}{_CLOSE}(?i:value|val){_EQUALS}"
    r"|>)"
)
"""An equals sign; or a comma between quotes; or a second key called value; or the end of a tag."""

_QUOTE = r"""[bruf]{0,1}\\{0,3}["'`]{1,3}"""
"""What opens a quoted value, in program text and in JSON within JSON."""


def _value(least: int, bare: str) -> str:
    """A value of at least so many characters: in quotes any but spaces, else those of a class."""
    return (
        rf"""(?:[bruf]{{0,1}}\\{{0,3}}"{{1,3}}((?:[^\s"\\]|\\[^\s"']){{{least},}})"""
        rf"""|[bruf]{{0,1}}\\{{0,3}}'{{1,3}}((?:[^\s'\\]|\\[^\s"']){{{least},}})"""
        rf"""|`([^\s`]{{{least},}})|({bare}{{{least},}}))"""
    )


_LOGIN = r"(?i:pass(?:word|wd|phrase|code)|passwort|pwd)"
_KEY = (
    r"(?i:secret|token|credential|auth|(?:api|access|auth|private|secret|encryption|signing|"
    r"account|shared|master|service|subscription|session|storage|app|client|license)[_. -]{0,1}key)"
)
_KEY_IN_PROSE = r"(?i:secret|token|credential|(?:api|access|private|signing)[_ -]{0,1}key)"
_TAIL = r"[A-Za-z0-9_.-]{0,24}"
_ANY = r"""[^\s"'`\\<>,;&()\[\]{}]"""
_RUN = r"[A-Za-z0-9_.+/=~-]"

_NO_SECRET_KEY = (
    (
        r"(?i)(?:token|secret|key|password|auth|credential)s?[_. -]?(?:ids?|ur[li]s?|path|"
        r"file(?:name)?|dir|name|type|kind|count|limit|length|len|size|ttl|expir[a-z]*|policy|endpoint|version|"
        r"alg[a-z]*|prefix|format|field|label|hint|method|mode|provider|scope|status|server|host|page|"
        r"budget|usage|class|encryption|storage|strength|manager|arn|ref|reset|at|or|entication|enticated|orization)"
        r"[^A-Za-z0-9]"
    ),
)
"""Key names that hold a key word but name something else: token_type, key_path."""

_NO_SECRET_BEFORE = (
    r"(?i)(?:max|min|num|total|prompt|completion|input|output|next|page|csrf|public)[_-]?",
    r":[0-9]{12}:",
)
"""What makes something else of the key word behind it: max_tokens, the name of a stored secret."""

CONTEXTS = (
    SecretRule(
        "aws-secret-key",
        rf"(?i:aws[A-Za-z0-9_. -]{{0,24}}(?:secret|key)|secret[_. -]{{0,1}}access[_. -]{{0,1}}key)"
        rf"{_TAIL}{_EQUALS}(?:{_QUOTE}){{0,1}}([A-Za-z0-9/+]{{40,}})"
        r"|(?:AKIA|ASIA)[A-Z0-9]{16}[\s,;:|\"'\\]{1,8}([A-Za-z0-9/+]{40,})",
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
        rf"|(?i:\bauthorization){_EQUALS}(?:{_QUOTE}){{0,1}}(?i:basic|token|apikey|api-key|key|digest)\s{{1,4}}"
        r"([A-Za-z0-9._~+/=-]{8,})",
        ("bearer", "authorization"),
        entropy=2.5,
        allow=(*FILLERS, *PLAIN),
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
            "Authorization: Bearer YOUR_ACCESS_RUN_HERE",
        ),
    ),
    SecretRule(
        "password",
        rf"{_LOGIN}{_TAIL}{_SIGN}{_value(6, _ANY)}"
        rf"|--(?:[a-z]{{1,12}}[-.]){{0,3}}{_LOGIN}\s{{1,3}}{_value(6, _ANY)}",
        ("pass", "pwd"),
        allow=(*FILLERS, *PLAIN),
        allow_match=_NO_SECRET_KEY,
        allow_before=_NO_SECRET_BEFORE,
        hits=(
            "password=«{A4}7{A5}!x»",
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
        rf"{_KEY}{_TAIL}{_SIGN}{_value(12, _RUN)}"
        rf"|--(?:[a-z]{{1,12}}[-.]){{0,3}}{_KEY}\s{{1,3}}{_value(12, _RUN)}",
        ("secret", "token", "credential", "auth", "key"),
        entropy=3.0,
        allow=(*FILLERS, *NAMES),
        allow_match=_NO_SECRET_KEY,
        allow_before=_NO_SECRET_BEFORE,
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
    SecretRule(
        "secret-in-prose",
        rf"(?:{_LOGIN}|{_KEY_IN_PROSE})[A-Za-z0-9_-]{{0,16}}[\"'`]{{0,1}}(?: [a-z]{{1,12}}){{0,4}}"
        rf"[:=]{{0,1}} {_value(8, _ANY)}",
        ("pass", "pwd", "secret", "token", "credential", "key"),
        entropy=3.0,
        allow=(*FILLERS, *NAMES, r"^[^0-9]+$"),
        allow_match=(
            *_NO_SECRET_KEY,
            r"(?i)commit|sha|hash|digest|checksum|revision|version|\bids?\b|uuid",
        ),
        allow_before=_NO_SECRET_BEFORE,
        hits=(
            "The api key is «{A20}» and",
            "your new password for staging is: '«{A4}7{A8}»'",
            "use token «{H40}» please",
        ),
        misses=(
            "the password is base64-encoded",
            "the token is a UUID: 123e4567-e89b-12d3-a456-426614174000",
            "this secret is well kept",
        ),
    ),
)
"""Rules for secrets that look like any random text."""

BUILTIN: tuple[SecretRule, ...] = (*SHAPES, *CONTEXTS)
"""The rules that a redactor has unless it is given others; an earlier one gives the kind."""
