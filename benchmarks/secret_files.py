"""Pieces of real kinds of files, with a secret and without: settings, manifests, logs, code, mails.

`<H32>` is 32 characters of an alphabet: `H` hexadecimal, `A` letters and digits, `U` capitals and
digits, `W` also `-_`, `B` base64; `<b32>` is the base64 of 32 bytes, `<pw>` a password, `<key>` a
generated secret, `<uuid>` a UUID.
"""

import re
import string
from collections.abc import Callable

GUILTY = (
    "SECRET_KEY = 'django-insecure-<key!>'\nDEBUG = True\nALLOWED_HOSTS = []",
    (
        "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: app"
        "\n      POSTGRES_PASSWORD: <pw!>\n      POSTGRES_DB: app"
    ),
    "    environment:\n      - MYSQL_ROOT_PASSWORD=<pw!>\n      - MYSQL_DATABASE=x",
    "APP_ENV=production\nAPP_KEY=base64:<b32!>\nDB_HOST=127.0.0.1",
    'STRIPE_WEBHOOK=x\nDB_PASSWORD="<pw!>"\nREDIS_URL=redis://h',
    (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  username: "
        "YWRtaW4=\n  password: <b14!>\n"
    ),
    "stringData:\n  api-token: <key!>\n",
    'variable "db_password" {\n  type    = string\n  default = "<pw!>"\n}',
    'provider "aws" {\n  access_key = "AKIA<U16>"\n  secret_key = "<B40!>"\n}',
    "withEnv(['SONAR_TOKEN=<H40!>']) { sh 'mvn verify' }",
    (
        "spring.datasource.url=jdbc:postgresql://db/app\nspring.datasource.username=app\nsp"
        "ring.datasource.password=<pw!>\n"
    ),
    '{"ConnectionStrings": {"Default": "Server=db;Database=app;User Id=sa;Password=<pw!>;"}}',
    '"Jwt": { "Key": "<key!>", "Issuer": "acme" }',
    "  501  export OPENAI_KEY=<key!>\n  502  ls",
    "hey can you try again? login is admin / <pw!>",
    "the new wifi password is <pw!>, pls don't share",
    "Hi,\n\nyour temporary password: <pw!>\nPlease change it after first login.\n",
    (
        "POST /login HTTP/1.1\nHost: x\nContent-Type: application/x-www-form-urlencoded\n\nus"
        "ername=ann&password=<pw!>&remember=1"
    ),
    "GET /v1/me HTTP/1.1\nHost: api.x.com\nX-API-Key: <key!>\nAccept: */*",
    "Cookie: sessionid=<key!>; theme=dark",
    "Set-Cookie: auth_token=<key!>; Path=/; HttpOnly; Secure",
    "2026-01-02 10:00:00 DEBUG Authenticating with token <key!>",
    "[error] invalid credentials user=ann password=<pw!> ip=10.0.0.1",
    '{"status":"ok","access_token":"<key!>","expires_in":3600,"token_type":"Bearer"}',
    '{"client_id":"abc","client_secret":"<key!>"}',
    "-  password: changeme\n+  password: <pw!>\n",
    "INSERT INTO users (name, password) VALUES ('ann', '<pw!>');",
    "CREATE USER app WITH PASSWORD '<pw!>';",
    'proxy_set_header Authorization "Basic <b14!>";',
    "define( 'DB_PASSWORD', '<pw!>' );\ndefine( 'DB_HOST', 'localhost' );",
    "production:\n  secret_key_base: <H128!>\n",
    'client := NewClient(Config{APIKey: "<key!>", Region: "eu"})',
    'var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes("<key!>"));',
    "sonatypePassword=<pw!>\nsigning.keyId=24875D73",
    "db.acme.net:5432:app:appuser:<pw!>",
    "[default]\naws_access_key_id = AKIA<U16>\naws_secret_access_key = <B40!>\n",
    '{"auths": {"https://index.docker.io/v1/": {"auth": "<b14!>"}}}',
    "users:\n- name: admin\n  user:\n    token: <A48!>\n",
    "    client-key-data: <b200!>\n",
    'curl -X POST https://api.x.com/v1 -H "Authorization: Bearer <key!>" -d @f',
    "curl -u admin:<pw!> http://h:8080/api",
    "mysql -h db -u root -p<pw!> app < dump.sql",
    "name,email,password\nAnn,ann@x.org,<pw!>\n",
    "| user | password |\n|---|---|\n| admin | <pw!> |",
    (
        "<server>\n  <id>nexus</id>\n  <username>deploy</username>\n  <password><pw!></passw"
        "ord>\n</server>"
    ),
    "      - uses: x/y@v1\n        with:\n          token: <key!>\n",
    "db = psycopg2.connect(host='h', user='app', password='<pw!>')",
    "openai.api_key = '<key!>'",
    "headers = {'Authorization': 'Token <key!>'}",
    "auth = ('admin', '<pw!>')",
    "const firebaseConfig = { apiKey: '<key!>', authDomain: 'x' }",
    "mongoose.connect('mongodb+srv://app:<A14!>@cluster0.mongodb.net/app')",
    "jwt.sign(payload, '<key!>', { expiresIn: '1h' })",
    '$password = "<pw!>";\n$conn = new mysqli($h, $u, $password);',
    '$cred = ConvertTo-SecureString "<pw!>" -AsPlainText -Force',
    "net use Z: \\\\srv\\share /user:ann <pw!>",
    "[mail]\nsmtp_user = ann\nsmtp_pass = <pw!>\n",
    "wpa_passphrase=<pw!>\nssid=home",
    'WiFi.begin("home", "<pw!>");',
    'const char* password = "<pw!>";',
    "ansible_ssh_pass: <pw!>\nansible_become_password: the same",
    "sshpass -p <pw!> ssh root@h",
    "requirepass <pw!>\nmaxmemory 1gb",
    "bindpw <pw!>\nbinddn cn=admin,dc=x",
    "snmp-server community <A12!> RO",
    "https://hooks.slack.com/services/T<U8>/B<U8>/<A24!>",
    "https://api.x.com/v2/items?apikey=<key!>",
    "account_sid = 'AC<H32>'\nauth_token = '<H32!>'",
    'let token = "<key!>"',
    'const val API_SECRET = "<key!>"',
    "config.secret_token = '<key!>'",
    "datadog:\n  apiKey: <H32!>\n  site: datadoghq.eu",
    'let api_token = String::from("<key!>");',
    '<add name="Api" connectionString="x" apiKey="<key!>" />',
    "<key>ApiSecret</key>\n<string><key!></string>",
    "Use the following credentials: username ann, password <pw!>.",
    "API Key: <key!>\nAPI Secret: keep it",
    "I set the token to <key!> yesterday and it stopped working",
    "heroku config:set SENDGRID_API_KEY=<key!>",
    'setx AZURE_CLIENT_SECRET "<key!>"',
    '  password = "<pw!>"\n  username = "admin"',
    "PRIVATE_KEY=0x<H64!>",
)
"""Texts with one secret, the field with a `!`."""

INNOCENT = (
    "SECRET_KEY = os.getenv('SECRET_KEY', 'change-me')",
    "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}",
    "      - MYSQL_ROOT_PASSWORD=root",
    (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: prod\nstringData:\n "
        " password: <REPLACE>"
    ),
    'variable "db_password" {\n  type = string\n  sensitive = true\n}',
    "spring.datasource.password=${DB_PASSWORD}",
    (
        "env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: db-c"
        "redentials\n        key: password"
    ),
    "const token = jwt.sign({ id: user.id }, process.env.JWT_SECRET)",
    "password = input('Enter password: ')",
    "hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())",
    "assert response.json()['token'] == token",
    '{"type": "string", "format": "password", "description": "The user password"}',
    "- [ ] rotate API key\n- [x] update password policy",
    "commit <H40>\nMerge: <H7> <H7>\nDate: today\n\n    Fix token refresh",
    '"integrity": "sha512-<B86>=="',
    "sha256:<H64>  python-3.11.tgz",
    'ETag: "<H32>"',
    "session_id=<uuid> user=ann action=view",
    "trace_id=<H32> span_id=<H16>",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg<B200>",
    "ssh-rsa AAAAB3NzaC1yc2E<B300> ann@host",
    "-----BEGIN CERTIFICATE-----\n<B64>\n<B64>\n-----END CERTIFICATE-----",
    '<script src="https://cdn.x/jquery.js" integrity="sha384-<B64>" crossorigin></script>',
    "docker pull x@sha256:<H64>",
    '"_resolved": "https://registry.x/pkg/-/pkg-1.0.0.tgz#<H40>"',
    "GOFLAGS=-mod=mod\ngolang.org/x/sys v0.1.0 h1:<B43>=",
    "password: '********'",
    "api_key: xxxxxxxxxxxxxxxxxxxxxxxx",
    "token: your_token_here",
    "Authorization: Bearer <access_token>",
    "curl -H 'Authorization: Bearer $TOKEN' https://x",
    "export AWS_SECRET_ACCESS_KEY=$(vault read -field=secret aws/creds)",
    'public_key = "<B88>"',
    "uuid: <uuid>",
    "id: <H24>\nname: token-service",
    "max_tokens: 4096\ntemperature: 0.7",
    "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
    "if not password or len(password) < 8:\n    raise ValueError('Password too short')",
    "password_hash VARCHAR(255) NOT NULL",
    "self.password = password",
    "private String password;",
    '<input type="password" id="password" placeholder="Enter your password">',
    "label: 'Password', name: 'password', rules: [{ required: true }]",
    "SELECT token, expires_at FROM tokens WHERE user_id = $1",
    "def verify_token(token: str) -> bool:",
    "PasswordAuthentication no\nPermitRootLogin no",
    "auth: oauth2\nscopes: [read, write]",
    "secret/data/myapp/config",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
    "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}",
    "key: ${{ runner.os }}-node-${{ hashFiles('**/package-lock.json') }}",
    "Please reset your password at https://x.com/reset",
    "The API key must be 32 characters long",
    "cache-key: v1-deps-<H40>",
    "password=password123",
    "user:pass@localhost",
    "postgres://postgres:postgres@localhost:5432/test",
    "redis://:@localhost:6379",
    "DB_PASSWORD=secret",
    "client_secret: 'test-client-secret'",
    "const TEST_TOKEN = 'test-token-123';",
    "mock_api_key = 'fake-api-key-for-testing'",
    "fingerprint SHA256:<B43>",
    "md5sum <H32> file.iso",
    'nonce="<B22>" style',
    "machine-id <H32>",
    "version: 1.2.3+<H7>",
    'csrf-token content="<B43>="',
    "color: #<H6>; token-color: primary",
    "0x<H64> block hash",
    "txid <H64> confirmed",
    "serial: <H40>\nissuer: CN=x",
    "kid=<W20> alg=RS256",
    "x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
    "SENTRY_DSN=https://<H32>@o1.ingest.sentry.io/2",
    "ga_tracking_id: UA-12345678-1",
    "pk_live_<A24>",
    "password: hunter2  # example, not used",
    "keystore.password=changeit",
    "storePassword 'android'\nkeyAlias 'androiddebugkey'",
    '"private": true,\n"token": null',
    "token_url: https://x.com/oauth/token\nsecret_name: my-secret",
    "id_rsa.pub known_hosts authorized_keys",
    "throw new Error('Invalid API key provided: sk-****abcd')",
    "licenseKey: 'XXXX-XXXX-XXXX-XXXX'",
    "s3_key = 'uploads/2026/01/<H32>.png'",
    "primary_key=True, unique=True",
    "storage_key = f'{user_id}:{H}'",
)
"""Texts of the same kinds of files that hold none."""

_ALPHABETS = {
    "H": "0123456789abcdef",
    "A": string.ascii_letters + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "W": string.ascii_letters + string.digits + "-_",
    "B": string.ascii_letters + string.digits + "+/",
}
_FIELD = re.compile(r"<(uuid|pw|key|[HAUWB](\d+)|b(\d+))(!?)>")


def written(
    template: str,
    *,
    of: Callable[[str, int], str],
    base64: Callable[[int], str],
    named: Callable[[str], str],
) -> tuple[str, str]:
    """The text of a template, and its secret; the functions draw what is random."""
    secret = ""

    def fill(field: re.Match[str]) -> str:
        nonlocal secret
        if field[2]:
            made = of(_ALPHABETS[field[1][0]], int(field[2]))
        else:
            made = base64(int(field[3])) if field[3] else named(field[1])
        secret = made if field[4] else secret
        return made

    return _FIELD.sub(fill, template), secret
