"""Where credentials come from: secrets per tenant, and a token server that is really asked."""

import base64
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from remit.adapters.credentials.oauth import OAuthClient, OAuthCredentials
from remit.adapters.credentials.secret import SecretCredentials, name_for
from remit.errors import ConfigError, NoCredential
from remit.values.credential import Wanted

WANTED = Wanted(name="crm", tenant="acme-west", tool="crm_refund", user="ann")
SECRET = "Cl1ent" + "S3cret+/="
TOKEN = "Tk9x" + "Qw8eRt7y"


class TokenServer:
    """A token endpoint: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.body: object = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 60}

    async def token(self, request: web.Request) -> web.Response:
        self.forms.append({k: v[0] for k, v in parse_qs(await request.text()).items()})
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        if isinstance(self.body, str):
            return web.Response(status=self.status, text=self.body, headers={"location": "/x"})
        return web.json_response(self.body, status=self.status)


@pytest.fixture
def server() -> TokenServer:
    return TokenServer()


@pytest.fixture
async def url(server: TokenServer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/token", server.token)
    async with TestServer(app) as running:
        yield str(running.make_url("/token"))


def a_client(url: str, **changes: object) -> OAuthCredentials:
    words: dict[str, object] = {
        "token_url": url,
        "client_id": "my app",
        "secret": lambda tenant: SECRET,
        "scopes": ("read",),
        **changes,
    }
    return OAuthCredentials(OAuthClient(**words))  # type: ignore[arg-type]  # words of a client


# ---------------------------------------------------------------- secrets


@pytest.mark.requirement("TOOL-9")
async def test_each_tenant_has_its_own_secret() -> None:
    kept = {"CRM_ACME_WEST": "of acme", "CRM_GLOBEX": "of globex", "SHARED": "of all"}
    own = SecretCredentials("CRM_{tenant}", kept.get, lambda name: name)
    assert (await own.get(WANTED)).reveal() == "of acme"
    shared = SecretCredentials("SHARED", kept.get, lambda name: name)
    assert (await shared.get(WANTED)).reveal() == "of all"
    missing = Wanted(name="crm", tenant="initech", tool="crm_refund")
    with pytest.raises(NoCredential, match="set CRM_INITECH"):
        await own.get(missing)
    with pytest.raises(ConfigError, match="secret = 'CRM_KEY'"):
        SecretCredentials("", kept.get, str)


@pytest.mark.requirement("TOOL-9", "TEN-1")
@pytest.mark.parametrize("tenant", ["Acme", "a_b", "a--b", "-a", "a.b", "../x", "é", ""])
def test_no_tenant_is_taken_for_another(tenant: str) -> None:
    with pytest.raises(NoCredential, match="no name of its own"):
        name_for("CRM_{tenant}", tenant)
    assert name_for("CRM", tenant) == "CRM"


# ---------------------------------------------------------------- tokens


@pytest.mark.requirement("TOOL-9")
async def test_client_credentials(server: TokenServer, url: str) -> None:
    found = await a_client(url, audience="crm").get(WANTED)
    assert found.reveal() == TOKEN
    assert found.expires_ms is not None
    assert server.forms == [
        {"grant_type": "client_credentials", "scope": "read", "audience": "crm"}
    ]
    kind, _, pair = server.headers[0]["authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(pair).decode() == "my%20app:Cl1entS3cret%2B%2F%3D"


@pytest.mark.requirement("TOOL-9")
async def test_each_tool_has_its_own_scopes(server: TokenServer, url: str) -> None:
    client = a_client(url, send="post", tool_scopes={"crm_re*": ("refund", "read")})
    await client.get(WANTED)
    assert server.forms[0]["scope"] == "refund read"
    assert (server.forms[0]["client_id"], server.forms[0]["client_secret"]) == ("my app", SECRET)
    assert "authorization" not in server.headers[0]


@pytest.mark.requirement("TOOL-9")
async def test_token_exchange(server: TokenServer, url: str) -> None:
    subject: Callable[[Wanted], str] = lambda wanted: f"subject of {wanted.user}"  # noqa: E731  # typed
    server.body = {"access_token": TOKEN, "token_type": "N_A", "issued_token_type": "x"}
    await a_client(url, subject=subject, audience="crm").get(WANTED)
    assert server.forms == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "subject of ann",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": "read",
            "audience": "crm",
        }
    ]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, {"error": "invalid_client"}, "refused with status 401: invalid_client"),
        (400, {"error": TOKEN}, "refused with status 400;"),
        (500, TOKEN, "refused with status 500;"),
        (302, "", "refused with status 302;"),
        (200, TOKEN, "gave no bearer token"),
        (200, {"access_token": TOKEN, "token_type": "mac"}, "gave no bearer token"),
        (200, {"token_type": "bearer"}, "gave no bearer token"),
        (200, [TOKEN], "gave no bearer token"),
        (200, "x" * 70_000, "gave no bearer token"),
    ],
)
@pytest.mark.requirement("TOOL-9")
async def test_a_refusal_tells_nothing_secret(
    server: TokenServer, url: str, status: int, body: object, says: str
) -> None:
    server.status, server.body = status, body
    with pytest.raises(NoCredential, match=says) as caught:
        await a_client(url).get(WANTED)
    assert TOKEN not in str(caught.value)
    assert SECRET not in repr(caught.getrepr())
    assert len(server.forms) == 1  # no redirect is followed


async def test_a_server_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(NoCredential, match="cannot be reached") as caught:
        await a_client("http://127.0.0.1:9/token").get(WANTED)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    ["http://example.com/t", "ftp://example.com", "https://a:b@example.com", "", "http:///token"],
)
def test_secrets_go_nowhere_in_clear(url: str) -> None:
    with pytest.raises(ConfigError, match="token_url"):
        a_client(url)
    a_client("http://example.com/t", plain_http=True)
    assert SECRET not in repr(OAuthClient(token_url="https://e.com", client_id="a", secret=str))


@pytest.mark.parametrize(
    ("told", "lives_s"),
    [(None, 300), ("120", 120), (10**9, 86_400), ("x", 300), ("9" * 5_000, 300), (True, 300)],
)
async def test_how_long_a_token_lives(
    server: TokenServer, url: str, told: object, lives_s: int
) -> None:
    server.body = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": told}
    first = (await a_client(url).get(WANTED)).expires_ms
    again = (await a_client(url).get(WANTED)).expires_ms
    server.body = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 0}
    now = (await a_client(url).get(WANTED)).expires_ms
    assert first is not None
    assert again is not None
    assert now is not None
    assert first <= again <= now + lives_s * 1_000
    assert first > now - 60_000 + lives_s * 1_000 - 60_000
