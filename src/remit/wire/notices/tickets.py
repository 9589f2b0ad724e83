"""A notice as a ticket: the body that Jira's and Zendesk's interfaces take, and how each dedupes.

Jira: developer.atlassian.com/cloud/jira/platform/rest/v3 (create issue; search by JQL).
Zendesk: developer.zendesk.com/api-reference/ticketing/tickets/tickets (create; external_id).
"""

import json
from typing import Literal
from urllib.parse import urlencode

from remit.values.notice import Notice
from remit.wire.notices.plain import lines_of

Shape = Literal["jira", "zendesk"]
_SUMMARY = 250  # characters; Jira takes 255


def ticket_path(shape: Shape) -> str:
    """Where a ticket is created."""
    return "/rest/api/3/issue" if shape == "jira" else "/api/v2/tickets.json"


def search_path(shape: Shape, notice: Notice) -> str:
    """Where a ticket that was made for this notice before is found."""
    if shape == "jira":
        query = {"jql": f'labels = "{notice.key}"', "fields": "summary", "maxResults": "1"}
        return "/rest/api/3/search/jql?" + urlencode(query)
    return "/api/v2/tickets.json?" + urlencode({"external_id": notice.key})


def was_found(shape: Shape, body: bytes) -> bool:
    """Whether the search's answer names a ticket. Raises `ValueError` for what is no answer."""
    tree = json.loads(body)
    found = tree.get("issues" if shape == "jira" else "tickets") if isinstance(tree, dict) else None
    if not isinstance(found, list):
        raise ValueError("the search's answer has no list of tickets")  # noqa: TRY004  # as documented
    return bool(found)


def encode_ticket(shape: Shape, notice: Notice, *, project: str, issue_type: str) -> bytes:
    """The body that creates the ticket. `project` and `issue_type` are Jira's."""
    title, lines = notice.title[:_SUMMARY], lines_of(notice)
    if shape == "jira":
        tree: dict[str, object] = {
            "fields": {
                "project": {"key": project},
                "issuetype": {"name": issue_type},
                "summary": title,
                "description": _document(lines),
                "labels": ["remit", notice.key],
            }
        }
    else:
        tree = {
            "ticket": {
                "subject": title,
                "comment": {"body": "\n".join(lines), "public": False},
                "external_id": notice.key,
                "tags": ["remit", notice.kind],
            }
        }
    return json.dumps(tree, ensure_ascii=False).encode()


def _document(lines: list[str]) -> dict[str, object]:
    """Text in the Atlassian Document Format, a paragraph a line; an empty one may not stand."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in lines
        ],
    }
