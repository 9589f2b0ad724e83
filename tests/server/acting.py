"""Programs and people of the journeys: keys and users with roles, and what they start."""

from typing import cast

from remit.values.role import Role
from tests.server.stage import Client, Served, Told

Json = dict[str, object]


def tree_of(value: object) -> Json:
    """A value that is an object."""
    assert isinstance(value, dict)
    return cast("Json", value)


def list_of(value: object) -> list[object]:
    """A value that is a list."""
    assert isinstance(value, list)
    return value


def tree(told: Told) -> Json:
    """The object of an answer."""
    assert isinstance(told.json, dict), told.text
    return cast("Json", told.json)


def rows(told: Told, name: str) -> list[Json]:
    """The list of that name in an answer."""
    found = tree(told)[name]
    assert isinstance(found, list)
    return cast("list[Json]", found)


def pick(value: object, *path: str | int) -> object:
    """What stands in a tree of JSON under these names and numbers."""
    for name in path:
        if isinstance(name, int):
            assert isinstance(value, list)
            value = value[name]
        else:
            assert isinstance(value, dict)
            value = value[name]
    return value


async def program(
    found: Served, tenant: str, *roles: Role, person: str = "", name: str = "ci"
) -> Client:
    """A program with a key."""
    made = await found.app.access.issue_key(
        tenant, name, roles=roles, principal="root", person=person
    )
    return found.client(authorization=f"Bearer {made.token}")


async def start(client: Client, text: str, *, user: str = "cust", wait_s: float = 30) -> Json:
    """Start the clerk and wait until it has ended or asks."""
    body = {"agent": "clerk", "input": text, "user": user, "wait_s": wait_s}
    told = await client.ask("POST", "/api/v1/runs", json=body)
    assert told.status == 201, told.text
    return tree(told)


def asked(run: Json) -> Json:
    """The one call of a run that waits for people."""
    found = run["approvals"]
    assert isinstance(found, list)
    assert len(found) == 1
    return cast("Json", found[0])


async def wait(client: Client, run: Json) -> Json:
    """The run once it has ended or asks again."""
    return tree(await client.get(f"/api/v1/runs/{run['run']}/wait?timeout_s=30"))
