"""Built-in rules for secrets that are known by their own shape: issuers' tokens, keys, URLs."""

from remit.policy.secret_rule import SecretRule
from remit.policy.stand_ins import FILLERS

_LINE_BREAK = r"(?:\s|\\{1,4}[nrt]){1,8}"
_PEM_HEADER = r"[A-Z][A-Za-z-]{3,15}: [A-Za-z0-9 ,.:()/@+-]{1,99}"
_PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_LINE_BREAK}(?:[A-Za-z0-9+/=]{{16,}}|{_PEM_HEADER}))+"
    rf"(?:{_LINE_BREAK}[A-Za-z0-9+/=]{{1,15}})?"
    rf"(?:(?:{_LINE_BREAK})?-----END [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----)?"
)
_USERINFO = r"""[^\s/:@?#"'<>\\`]{0,128}:([^\s/?#"'<>\\`]{2,256})@"""

SHAPES = (
    SecretRule(
        "private-key",
        _PEM,
        ("PRIVATE KEY",),
        more=r"[A-Za-z0-9+/=\s\\]",
        hits=(
            "«-----BEGIN {D0}PRIVATE KEY-----\n{B64}\n{B64}\n{B23}=\n-----END PRIVATE KEY-----»\n",
            (
                "«-----BEGIN {D0}RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                "AES-256-CBC,{U32}\n\n{B64}\n{B12}\n-----END RSA PRIVATE KEY-----»"
            ),
            (
                "key: '«-----BEGIN {D0}OPENSSH PRIVATE KEY-----\\n{B70}\\n{B40}==\\n"
                "-----END OPENSSH PRIVATE KEY-----»\\n'"
            ),
            (
                "«-----BEGIN {D0}PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{B64}\n{B30}\n"
                "={B4}\n-----END PGP PRIVATE KEY BLOCK-----»"
            ),
            "cut off: «-----BEGIN {D0}EC PRIVATE KEY-----\r\n{B64}\r\n{B64}»\n[truncated]",
            "one line «-----BEGIN {D0}PRIVATE KEY----- {B64} {B64} -----END PRIVATE KEY-----»",
        ),
        misses=(
            "-----BEGIN {D0}CERTIFICATE-----\n{B64}\n{B30}\n-----END CERTIFICATE-----",
            "-----BEGIN {D0}PUBLIC KEY-----\n{B64}\n-----END PUBLIC KEY-----",
            "starts with -----BEGIN {D0}PRIVATE KEY----- and ends with -----END PRIVATE KEY-----",
            "-----BEGIN {D0}PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        ),
    ),
    SecretRule(
        "anthropic-key",
        r"sk-ant-[A-Za-z0-9_-]{24,}",
        ("sk-ant-",),
        allow=FILLERS,
        hits=("«sk-ant-api03-{W93}AA»", "x-api-key: «sk-ant-admin01-{W60}», next"),
        misses=("sk-ant-", "sk-ant-api03-{X24}"),
    ),
    SecretRule(
        "openai-key",
        r"\bsk-(?:(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,})",
        ("sk-",),
        entropy=3.0,
        allow=(*FILLERS, r"^sk-[a-z]+$"),
        hits=("«sk-{A20}T3BlbkFJ{A20}»", "'«sk-proj-{W120}»'", "«sk-svcacct-{W60}»"),
        misses=("risk-{A40}", "sk-{L8}", "sk-ab12-{L8}", "sk-{X32}"),
    ),
    SecretRule(
        "google-api-key",
        r"AIza[A-Za-z0-9_-]{35}",
        ("AIza",),
        hits=("«AIza{W35}»", "?key=«AIza{W35}»&q=1"),
        misses=("AIza{W20} ",),
    ),
    SecretRule(
        "github-token",
        r"(?:(?:ghp_|gho_|ghu_|ghs_|ghr_)[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        allow=FILLERS,
        hits=(
            "«ghp_{A36}»",
            "«gho_{A36}»",
            "«ghs_{A36}»",
            "https://x-access-token:«ghs_{A36}»@github.com/o/r",
            "«github_pat_{A22}_{A59}»",
        ),
        misses=("ghp_{A10}", "ghp_{X36}", "github_pat_token"),
    ),
    SecretRule(
        "slack-token",
        r"xox[abeoprs]-[A-Za-z0-9.-]{10,}"
        r"|xapp-[0-9]-[A-Z0-9]{8,32}-[0-9]{8,32}-[A-Za-z0-9]{20,}",
        ("xox", "xapp-"),
        entropy=2.5,
        allow=FILLERS,
        hits=(
            "«xoxb-{D12}-{D12}-{A24}»",
            "«xoxp-{D11}-{D11}-{D12}-{H32}»",
            "«xapp-1-{U11}-{D13}-{H64}»",
        ),
        misses=("xoxb-{D0}your-token-here", "xoxb-"),
    ),
    SecretRule(
        "slack-webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,})",
        ("hooks.slack.com",),
        allow=(*FILLERS, r"^T0+/B0+/"),
        hits=("https://hooks.slack.com/services/«T{U8}/B{U8}/{A24}»",),
        misses=(
            "https://hooks.slack.com/services/",
            "hooks.slack.com/services/T00000000/B00000000/",
        ),
    ),
    SecretRule(
        "stripe-key",
        r"\b(?:(?:[rs]k_live_|[rs]k_test_)[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/]{24,}={0,2})",
        ("k_live_", "k_test_", "whsec_"),
        entropy=2.5,
        allow=FILLERS,
        hits=("«sk_live_{A24}»", "«rk_test_{A99}»", "«whsec_{A32}»"),
        misses=("pk_live_{A24}", "sk_test_", "sk_test_{X12}", "task_live_{A24}"),
    ),
    SecretRule(
        "jwt",
        r"eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}",
        ("eyJ",),
        hits=("Bearer «eyJ{W33}.eyJ{W80}.{W43}»", "«eyJ{W33}.eyJ{W80}.»"),
        misses=("eyJ{W33}", "eyJ{W4}.com"),
    ),
    SecretRule(
        "aws-access-key",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        allow=(r"^.{21}",),
        hits=("«AKIA{T16}»", "id=«ASIA{T16}»,"),
        misses=("AKIA{T12}", "AKIA{T20}", "akia{L16}"),
    ),
    SecretRule(
        "connection-string",
        r"\b(?:(?i:postgres|postgresql|mysql|mariadb|mongodb|redis|rediss|amqp|amqps|mssql|oracle|"
        r"sqlserver|clickhouse|cockroachdb|kafka|nats|ldap|ldaps|ftp|ftps|sftp|smtp|smtps))"
        rf"(?:\+[a-z0-9]{{1,20}})?://{_USERINFO}",
        ("://",),
        allow=FILLERS,
        hits=(
            "postgres://app:«{A12}»@db.internal:5432/app?sslmode=require",
            "DATABASE_URL=postgresql+psycopg://app:«p%40{A9}»@localhost/app",
            "mysql://root:«{A10}!»@10.0.0.1:3306/x",
            "mongodb+srv://u:«{A16}»@cluster0.{L5}.mongodb.net/?w=1",
            "redis://:«{A30}»@cache:6379/0",
            "amqps://u:«a@b{A6}»@mq/vhost",
        ),
        misses=(
            "postgres://localhost:5432/db",
            "postgres://user:password@localhost/db",
            "mysql://user:${{DB_PASSWORD}}@db/x",
            "redis://user:<password>@host",
            "mongodb://u@h/x?mail=a@b.c",
        ),
    ),
    SecretRule(
        "basic-auth-url",
        rf"://{_USERINFO}",
        ("://",),
        allow=(*FILLERS, r"^[0-9]{2,5}$"),
        hits=("https://ann:«{A9}»@example.org/x", "curl 'http://u:«{A20}»@h:8080/'"),
        misses=(
            "http://localhost:8080/a@b",
            "https://user:pass@example.org",
            "git@github.com:o/r.git",
            "ssh://git@host:22/x",
            "https://$USER:$PASS@example.org",
        ),
    ),
)
"""Rules for secrets that need no key beside them."""
