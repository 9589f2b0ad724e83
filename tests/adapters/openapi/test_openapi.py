"""An API's operations as tools: only those that were named, each to one place, bounded."""

import inspect
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult

from remit import openapi_tools
from remit.adapters.openapi.tools import Choices, make_openapi_tools
from remit.errors import OutcomeUnknown, OutsideError, SpecError, ToolError
from remit.machine.tools import AnyTool
from tests.adapters.openapi.api import DOCUMENT, Api, a_call

ALLOWED = ("getTicket", "putTicket", "deleteTicket", "POST /tickets", "search")
SECRET = "Sv7xQ2mN" + "9pLw4kRt"


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    async with api.served() as address:
        yield address


@pytest.fixture
async def tools(url: str) -> AsyncIterator[dict[str, AnyTool]]:
    made = openapi_tools("crm", DOCUMENT, allow=ALLOWED, base_url=url, private=True)
    yield {each.name: each for each in made}
    source = made[0].source
    assert source is not None
    await source.close()


async def use(tool: AnyTool, arguments: str, credential: str | None = None) -> str:
    result = tool.function(**tool.bind(tool.parse(arguments), a_call(credential)))
    assert inspect.isawaitable(result)
    return cast("str", await result)


# ---------------------------------------------------------------- what becomes a tool


@pytest.mark.requirement("TOOL-8")
def test_only_what_is_named_is_a_tool() -> None:
    made = openapi_tools("crm", DOCUMENT, allow=["getTicket", "POST /tickets"])
    assert [each.name for each in made] == ["crm_get_ticket", "crm_post_tickets"]
    assert [each.spec.access for each in made] == ["read", "write"]
    assert [each.spec.on_crash for each in made] == ["repeat", "ask"]
    assert made[0].spec.description == "Read a ticket."
    assert {each.spec.server for each in made} == {"crm"}
    assert {each.spec.version for each in made} == {"7"}


@pytest.mark.requirement("TOOL-8")
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"allow": []}, "name in `allow`"),
        ({"allow": ["getTickets"]}, "there is not one operation 'getTickets'; there are"),
        ({"allow": ["GET /nothing"]}, "there is not one operation"),
        ({"access": {"putTicket": "read"}}, "access: 'putTicket' is not in `allow`"),
        ({"idempotent": ["putTicket"]}, "idempotent: 'putTicket' is not in `allow`"),
        ({"base_url": "http://tickets.example.com"}, "plain http"),
        ({"base_url": "https://10.0.0.1"}, "lies in a private network"),
        ({"base_url": "https://localhost"}, "lies in a private network"),
        ({"base_url": "https://169.254.169.254", "private": True}, "no tool reaches it"),
        ({"base_url": "https://ann:pw@example.com"}, "names a host"),
        ({"base_url": "ftp://example.com"}, "begins with https"),
    ],
)
def test_a_declaration_that_will_not_do_is_refused(changes: dict[str, object], says: str) -> None:
    words: dict[str, object] = {"allow": ["getTicket"], **changes}
    with pytest.raises(SpecError, match=says) as caught:
        openapi_tools("crm", DOCUMENT, **words)  # type: ignore[arg-type]  # words of a declaration
    assert "pw" not in str(caught.value)


def test_what_the_method_does_not_tell_can_be_said() -> None:
    made = openapi_tools(
        "crm",
        DOCUMENT,
        allow=["POST /tickets", "deleteTicket", "putTicket"],
        access={"POST /tickets": "read"},
        risk={"putTicket": "high"},
        idempotent=["putTicket"],
        names={"deleteTicket": "remove_ticket"},
        credential="crm",
    )
    search, delete, put = (each.spec for each in made)
    assert (search.access, search.on_crash) == ("read", "repeat")
    assert (delete.name, delete.risk, delete.on_crash) == ("remove_ticket", "high", "ask")
    assert (put.risk, put.on_crash, put.credential) == ("high", "repeat", "crm")


def test_two_operations_with_one_name_are_refused() -> None:
    names = {"getTicket": "crm_ticket", "search": "crm_ticket"}
    with pytest.raises(SpecError, match="two operations would be the tool 'crm_ticket'"):
        openapi_tools("crm", DOCUMENT, allow=["getTicket", "search"], names=names)


def test_documents_of_yaml_are_read(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text(json.dumps(DOCUMENT))  # JSON is YAML
    assert len(openapi_tools("crm", path, allow=ALLOWED)) == len(ALLOWED)


# ---------------------------------------------------------------- requests


@pytest.mark.requirement("TOOL-8", "TOOL-5")
async def test_arguments_stay_where_they_belong(api: Api, tools: dict[str, AnyTool]) -> None:
    assert await use(tools["crm_get_ticket"], '{"id": "a/b?c=d#e%2e"}') == '{"price":1.10}'
    await use(tools["crm_search"], '{"q": "a&b=c", "tags": ["x y", "z"], "X-Trace": "t1"}')
    (_, first, headers, _), (_, second, traced, _) = api.seen
    assert first == "/v1/tickets/a%2Fb%3Fc%3Dd%23e%252e"
    assert second == "/v1/search?q=a%26b%3Dc&tags=x%20y&tags=z"
    assert traced["x-trace"] == "t1"
    assert not {"authorization", "idempotency-key", "cookie"} & headers.keys()


@pytest.mark.requirement("TOOL-5")
@pytest.mark.parametrize(
    "given", ["..", ".", "../admin", "a/../../b", "%2e%2e", "..\\x", "", "a\n"]
)
async def test_no_argument_leads_to_another_place(
    api: Api, tools: dict[str, AnyTool], given: str
) -> None:
    with pytest.raises(ToolError):
        await use(tools["crm_delete_ticket"], json.dumps({"id": given}))
    assert api.seen == []


@pytest.mark.requirement("TOOL-5")
@pytest.mark.parametrize("given", ["a\r\nX-Admin: 1", "\u00e9", "a\x00"])
async def test_no_argument_makes_a_header(api: Api, tools: dict[str, AnyTool], given: str) -> None:
    with pytest.raises(ToolError, match="printable ASCII"):
        await use(tools["crm_search"], json.dumps({"X-Trace": given}))
    assert api.seen == []


@pytest.mark.requirement("TOOL-12")
async def test_bodies_are_validated_and_keep_their_digits(
    api: Api, tools: dict[str, AnyTool]
) -> None:
    text = '{"body": {"title": "Broken", "price": 1.10, "parent": {"title": "\u00e9"}}}'
    await use(tools["crm_post_tickets"], text)
    ((method, path, headers, body),) = api.seen
    assert (method, path) == ("POST", "/v1/tickets")
    assert body == b'{"title":"Broken","price":1.10,"parent":{"title":"\\u00e9"}}'
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == "key-of-the-call"
    bad = await tools["crm_post_tickets"].inspect("c", '{"body": {"parent": {"x": 1}}}')
    assert "body.title: is missing" in (bad.error or "")
    assert "body.parent.x: there is no such argument" in (bad.error or "")


@pytest.mark.requirement("TOOL-9")
async def test_a_credential_goes_to_the_api_alone(api: Api, url: str) -> None:
    for header, scheme, shown in (
        ("Authorization", "Bearer", f"Bearer {SECRET}"),
        ("X-API-Key", "", SECRET),
    ):
        (tool,) = openapi_tools(
            "crm",
            DOCUMENT,
            allow=["getTicket"],
            base_url=url,
            private=True,
            credential="crm",
            header=header,
            scheme=scheme,
        )
        assert SECRET not in await use(tool, '{"id": "1"}', SECRET)
        assert api.seen[-1][2][header.lower()] == shown
        assert SECRET not in api.seen[-1][1]
        assert tool.source is not None
        await tool.source.close()


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (web.Response(status=204), "done (204)"),
        (web.Response(text="hello"), "hello"),
        (web.Response(body=b"12", content_type="image/png"), "2 bytes of image/png, which are not"),
        (web.Response(body=b"{", content_type="application/json"), "done (200), but its answer is"),
        (web.Response(text='{"b":1e2,"a":0.10}', content_type="a/b+json"), '{"a":0.10,"b":1e2}'),
    ],
)
async def test_answers_are_shown(
    api: Api, tools: dict[str, AnyTool], answer: web.Response, shown: str
) -> None:
    api.answer = answer
    assert shown in await use(tools["crm_get_ticket"], '{"id": "1"}')


async def test_a_refusal_is_told_to_the_model(api: Api, tools: dict[str, AnyTool]) -> None:
    api.answer = web.Response(status=404, text="no ticket 1")
    with pytest.raises(ToolError, match="crm answered 404: no ticket 1"):
        await use(tools["crm_get_ticket"], '{"id": "1"}')


@pytest.mark.requirement("TOOL-5")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(
    api: Api, tools: dict[str, AnyTool], url: str, status: int
) -> None:
    api.answer = web.Response(status=status, headers={"location": f"{url}/elsewhere"})
    with pytest.raises(OutsideError, match="redirects, which is not followed"):
        await use(tools["crm_get_ticket"], '{"id": "1"}')
    assert len(api.seen) == 1


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize("broken", [500, 503, 0])
async def test_a_write_that_broke_may_have_been_done(
    api: Api, tools: dict[str, AnyTool], broken: int
) -> None:
    api.answer, api.drop = web.Response(status=broken or 200), not broken
    for name, arguments in (
        ("crm_delete_ticket", '{"id": "1"}'),
        ("crm_put_ticket", '{"id": "1", "body": {"title": "a"}}'),
        ("crm_post_tickets", '{"body": {"title": "a"}}'),
    ):
        with pytest.raises(OutcomeUnknown, match="nobody knows whether it was done") as caught:
            await use(tools[name], arguments, SECRET)
        assert caught.value.__context__ is None
    assert len(api.seen) == 3  # none was sent again
    with pytest.raises(OutsideError) as read:
        await use(tools["crm_get_ticket"], '{"id": "1"}')
    assert not isinstance(read.value, OutcomeUnknown)


async def test_what_was_never_sent_was_not_done() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    (tool,) = openapi_tools("crm", DOCUMENT, allow=["deleteTicket"], base_url=url, private=True)
    with pytest.raises(OutsideError, match="cannot connect") as caught:
        await use(tool, '{"id": "1"}')
    assert not isinstance(caught.value, OutcomeUnknown)
    assert tool.source is not None
    await tool.source.close()


# ---------------------------------------------------------------- where it connects to


def with_names(url: str, leads_to: list[str], *, private: bool, max_bytes: int = 100) -> AnyTool:
    """A tool whose host the name service resolves to these addresses, one after the other."""
    turns = iter(leads_to)

    async def resolve(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        found: ResolveResult = {
            "hostname": host,
            "host": next(turns),
            "port": port,
            "family": socket.AF_INET,
            "proto": 0,
            "flags": socket.AI_NUMERICHOST,
        }
        return [found]

    (tool,) = make_openapi_tools(
        "crm",
        DOCUMENT,
        allow=["getTicket"],
        base_url=url,
        credential="",
        header="Authorization",
        scheme="Bearer",
        private=private,
        choices=Choices(),
        key_header="Idempotency-Key",
        timeout="5s",
        max_bytes=max_bytes,
        resolve=resolve,
    )
    return tool


@pytest.mark.requirement("TOOL-5")
async def test_a_name_that_leads_inside_leads_nowhere(api: Api, url: str) -> None:
    port = url.rpartition(":")[2].partition("/")[0]
    tool = with_names(f"https://crm.example.com:{port}", ["127.0.0.1"], private=False)
    with pytest.raises(OutsideError, match=r"leads to 127\.0\.0\.1: .*private network"):
        await use(tool, '{"id": "1"}')
    assert api.seen == []
    assert tool.source is not None
    await tool.source.close()


@pytest.mark.requirement("TOOL-5")
async def test_a_name_that_leads_elsewhere_the_next_moment_leads_nowhere(
    api: Api, url: str
) -> None:
    port = url.rpartition(":")[2].partition("/")[0]
    base = f"http://crm.internal:{port}"
    tool = with_names(base, ["127.0.0.1", "169.254.169.254"], private=True)
    assert await use(tool, '{"id": "1"}') == '{"price":1.10}'
    assert tool.source is not None
    await tool.source.close()  # the next call connects again
    with pytest.raises(OutsideError, match="no tool reaches it"):
        await use(tool, '{"id": "1"}')
    assert len(api.seen) == 1
    await tool.source.close()


async def test_a_long_answer_is_cut_off(api: Api, url: str) -> None:
    port = url.rpartition(":")[2].partition("/")[0]
    tool = with_names(f"http://crm.internal:{port}", ["127.0.0.1"], private=True)
    api.answer = web.Response(text="x" * 101)
    with pytest.raises(ToolError, match="larger than 100 bytes; ask for less"):
        await use(tool, '{"id": "1"}')
    assert tool.source is not None
    await tool.source.close()
