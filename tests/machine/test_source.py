"""Names of elsewhere become names that every provider takes."""

import pytest

from remit.errors import SpecError
from remit.machine.source import check_source, snake, tool_name


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("getTicket", "get_ticket"),
        ("HTTPServerError", "http_server_error"),
        ("issues/list-for-repo", "issues_list_for_repo"),
        ("GET /tickets/{id}", "get_tickets_id"),
        ("v2Users", "v_2_users"),
        ("ALL", "all"),
        ("éè", ""),
    ],
)
def test_names_are_in_small_letters(given: str, made: str) -> None:
    assert snake(given) == made


@pytest.mark.requirement("TOOL-8")
def test_a_tool_is_named_after_its_source() -> None:
    assert tool_name("crm", "getTicket") == "crm_get_ticket"
    for bad in ("éè", "x" * 70):
        with pytest.raises(SpecError, match="give it another in `names`"):
            tool_name("crm", bad)


def test_the_name_of_a_source_is_plain() -> None:
    assert check_source("the API", "crm") == "crm"
    with pytest.raises(SpecError, match="'git_hub'"):
        check_source("the API", "gitHub")
