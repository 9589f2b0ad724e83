"""Bodies and searches of ticket queues."""

import json

import pytest

from remit.wire.notices.tickets import encode_ticket, search_path, ticket_path, was_found
from tests.wire.notices.specimens import APPROVAL

pytestmark = pytest.mark.requirement("APR-2")


def test_jira_takes_a_document_of_paragraphs() -> None:
    tree = json.loads(encode_ticket("jira", APPROVAL, project="OPS", issue_type="Task"))["fields"]
    assert (tree["project"], tree["issuetype"]) == ({"key": "OPS"}, {"name": "Task"})
    assert tree["labels"] == ["remit", "ntc_1"]
    assert tree["description"]["type"] == "doc"
    texts = [text["text"] for each in tree["description"]["content"] for text in each["content"]]
    assert all(texts), "an empty text may not stand"
    assert ticket_path("jira") == "/rest/api/3/issue"
    assert "ntc_1" in search_path("jira", APPROVAL)


def test_zendesk_takes_a_private_comment_and_an_id_of_ours() -> None:
    tree = json.loads(encode_ticket("zendesk", APPROVAL, project="", issue_type=""))["ticket"]
    assert tree["external_id"] == "ntc_1"
    assert tree["comment"]["public"] is False
    assert "refund" in tree["subject"]
    assert search_path("zendesk", APPROVAL).endswith("external_id=ntc_1")


def test_what_was_made_is_found_again() -> None:
    assert was_found("jira", b'{"issues":[{}]}')
    assert not was_found("zendesk", b'{"tickets":[]}')
    for wrong in (b"[]", b"{}", b'{"issues":7}', b"no"):
        with pytest.raises(ValueError, match=r".*"):
            was_found("jira", wrong)
