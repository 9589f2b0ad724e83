"""What a tool declares for the time when it does not work is checked when it is declared."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from remit import Agent, Remit, tool
from remit.errors import SpecError
from remit.machine.resorts import MAX_CHAIN, chain_of
from remit.machine.tools import AnyTool
from tests.machine.bench import MODEL


@tool
def find_mirror(query: str, limit: int = 3) -> str:
    """Search the mirror.

    Args:
        query: the words
    """
    return query


@tool(fallback=find_mirror, last_good="1h", critical=True)
def find_page(query: str, limit: int = 3) -> str:
    """Search."""
    return query


@tool(access="write")
def write_page(query: str, limit: int = 3) -> str:
    """Write."""
    return query


@tool
def find_title(title: str, description: str = "") -> str:
    """Search by title: arguments may be called so."""
    return title


def reader(fallback: AnyTool | None = None, **options: object) -> Callable[[], AnyTool]:
    def declare() -> AnyTool:
        make: Callable[..., Callable[[Callable[..., str]], AnyTool]] = tool

        def read_page(query: str, limit: int = 3) -> str:
            """Read."""
            return query

        return make(fallback=fallback, **options)(read_page)

    return declare


def chained(length: int) -> AnyTool:
    found: AnyTool = find_mirror
    for number in range(length):
        made = replace(reader(found)(), fallback=found)
        spec = made.spec.model_copy(update={"name": f"read_{number}"})
        found = replace(made, spec=spec)
    return found


@pytest.mark.requirement("TOOL-18")
def test_a_chain_of_tools_is_declared_by_each_naming_the_next() -> None:
    spec = find_page.spec
    assert (spec.fallback, spec.last_good_ms, spec.critical) == ("find_mirror", 3_600_000, True)
    assert [each.name for each in chain_of(find_page)] == ["find_page", "find_mirror"]
    assert len(chain_of(chained(2))) == MAX_CHAIN
    assert reader(find_title) is not None


@pytest.mark.requirement("TOOL-18")
@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (reader(write_page), "is a write; a read stands in for a read"),
        (reader(find_title), "takes other arguments"),
        (reader(chained(3)), "4 tools stand in one after the other; 3 do"),
        (reader(find_mirror, name="find_mirror"), "lead in a circle: find_mirror, find_mirror"),
        (reader(last_good="soon"), "'soon' is not a duration"),
        (reader(last_good="31d"), "last_good is above 30 days"),
        (reader(access="write", last_good="1h"), "last_good is for reads"),
    ],
)
def test_what_cannot_serve_is_refused(declare: Callable[[], AnyTool], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        declare()


@pytest.mark.requirement("TOOL-18")
def test_what_only_stands_in_is_not_offered_to_the_model() -> None:
    agent = Agent("a", model=MODEL, instructions="x", tools=[find_page])
    spec = agent.spec(str)
    assert spec.unoffered == ("find_mirror",)
    assert spec.tool("find_mirror") is not None
    assert spec.offered("find_mirror") is None
    assert spec.offered("find_page") is not None
    both = Agent("a", model=MODEL, instructions="x", tools=[find_page, find_mirror])
    assert both.spec(str).unoffered == ()


@pytest.mark.requirement("TOOL-18")
def test_a_write_that_stands_in_needs_authority_of_its_own() -> None:
    @tool(access="write", fallback=write_page)
    def write_here(query: str, limit: int = 3) -> str:
        """Write."""
        return query

    with pytest.raises(SpecError, match="the write tool 'write_page' has no authority"):
        Agent(
            "a",
            model=MODEL,
            instructions="x",
            tools=[write_here],
            remit=Remit(approvals={write_here: 0}),
        )
