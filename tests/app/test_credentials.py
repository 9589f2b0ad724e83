"""A tool's token, fetched and shown to its API, stands in no prompt, journal, log or result."""

import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from remit import App, Remit, openapi_tools
from remit.adapters.scripted import ScriptedModel
from remit.app.config import read_settings
from remit.app.credentials import declared_credentials
from remit.app.secrets import make_secrets
from remit.errors import ConfigError
from remit.ports import Credentials
from remit.values.credential import Credential, Wanted
from tests.adapters.openapi.api import DOCUMENT
from tests.runtime.stage import PRICES, an_agent, journal_at, written

CLIENT_SECRET = "Cl1ent" + "S3cret9x"
TOKEN = "Tk9xQw8e" + "Rt7yUi6o"
SETTINGS = """
[credentials.crm]
kind = "client-credentials"
token_url = "{url}/token"
client_id = "remit"
secret = "CRM_SECRET_{{tenant}}"
tools = ["crm_*"]
"""


class Crm:
    """A token endpoint and an API that tells everything it was sent."""

    def __init__(self) -> None:
        self.tokens = 0
        self.shown: list[str] = []

    async def token(self, request: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"access_token": TOKEN, "token_type": "bearer", "expires_in": 99})

    async def ticket(self, request: web.Request) -> web.Response:
        self.shown.append(request.headers.get("authorization", ""))
        status = 403 if request.match_info["id"] == "403" else 200
        return web.json_response({"echo": dict(request.headers), "token": TOKEN}, status=status)


@pytest.mark.requirement("TOOL-9", "TOOL-8")
async def test_the_token_is_nowhere_but_in_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    crm = Crm()
    routes = web.Application()
    routes.router.add_post("/token", crm.token)
    routes.router.add_get("/tickets/{id}", crm.ticket)
    model = ScriptedModel(
        [{"crm_get_ticket": {"id": "1"}}, {"crm_get_ticket": {"id": "403"}}],
        [{"crm_get_ticket": {"id": "2"}}],
        "done",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_SECRET_ACME", CLIENT_SECRET)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(routes))
        url = str(server.make_url("")).rstrip("/")
        Path("remit.toml").write_text(SETTINGS.format(url=url))
        tools = openapi_tools(
            "crm", DOCUMENT, allow=["getTicket"], base_url=url, private=True, credential="crm"
        )
        agent = an_agent(tools=tools, remit=Remit(tool_calls=10))
        app = await stack.enter_async_context(
            App(journal_at(tmp_path), agents=[agent], models={"scripted": model}, prices=PRICES)
        )
        run = await app.run(agent, "Look.", tenant="acme")
    assert run.status == "completed"
    assert crm.shown == [f"Bearer {TOKEN}"] * 3
    assert crm.tokens == 1
    prompts = repr(model.requests)
    assert "[credential crm]" in prompts
    sinks = [prompts, caplog.text, repr(run), written(tmp_path).decode("latin-1")]
    for secret in (TOKEN, CLIENT_SECRET):
        for sink in sinks:
            assert secret not in sink


class Own:
    """A source of the program's own."""

    async def get(self, wanted: Wanted) -> Credential:
        return Credential("own-secret", name=wanted.name)


def declared(folder: Path, text: str, given: dict[str, Credentials] | None = None) -> object:
    (folder / "remit.toml").write_text(text)
    settings = read_settings(variables={}, folder=folder)
    secrets = make_secrets(settings, {}, known={})
    return declared_credentials(settings.credentials, given or {}, secrets, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind = 'client-credentials'\nsecret = 'A'", "token_url and client_id"),
        ("secret = 'A'\ntoken_url = 'https://e.com'\nclient_id = 'a'", "token_url and client_id"),
        ("secret = 'A'\nsubject = 'B'", "subject is for token-exchange"),
        ("secret = 'not a name'", r"credentials\.crm\.secret"),
        ("secrets = 'A'", r"credentials\.crm\.secret"),
        (
            "kind = 'client-credentials'\nsecret = 'A'\nclient_id = 'a'\ntoken_url = 'http://e.com'",
            "token_url: it begins with https",
        ),
    ],
)
def test_what_is_declared_wrongly_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        declared(tmp_path, f"[credentials.crm]\n{text}\n")


async def test_the_kinds_of_the_settings(tmp_path: Path) -> None:
    text = """
[credentials.key]
secret = "KEY"
[credentials.variable]
kind = "environment"
secret = "KEY"
[credentials.exchanged]
kind = "token-exchange"
secret = "KEY"
subject = "SUBJECT"
token_url = "https://e.com"
client_id = "a"
"""
    found = declared(tmp_path, text, {"own": Own()})
    assert isinstance(found, dict)
    assert sorted(found) == ["exchanged", "key", "own", "variable"]
    assert (await found["own"].source.get(Wanted(name="own", tenant="a", tool="b"))).name == "own"
    for name in ("key", "variable", "exchanged"):
        with pytest.raises(Exception, match=r"set (KEY|SUBJECT)"):
            await found[name].source.get(Wanted(name=name, tenant="a", tool="b"))


def test_one_name_is_declared_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="declared in remit"):
        declared(tmp_path, "[credentials.crm]\nsecret = 'KEY'\n", {"crm": Own()})
