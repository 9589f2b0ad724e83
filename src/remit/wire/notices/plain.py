"""A notice as plain JSON and as plain text: for signed webhooks and for tickets."""

import json
from datetime import UTC, datetime

from remit.values.notice import Notice


def instant(at_ms: int) -> str:
    """An instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, tz=UTC).isoformat().replace("+00:00", "Z")


def encode_notice(notice: Notice) -> bytes:
    """The body of a webhook: `type` says what is asked, `data` what is known of it."""
    links = {
        name: link
        for name in ("approve", "deny", "answer")
        if (link := getattr(notice.links, name))
    }
    fields: dict[str, object] = {
        "id": notice.ref,
        "tenant": notice.tenant,
        "run": notice.run,
        "agent": notice.agent,
        "tool": notice.tool,
        "user": notice.user,
        "person": notice.person,
        "links": links,
    }
    if notice.expires_ms is not None:
        fields["expires"] = instant(notice.expires_ms)
    if notice.kind == "approval":
        fields |= {
            "arguments": notice.shown,
            "digest": notice.digest,
            "needed": notice.needed,
            "given": list(notice.given),
            "rule": notice.rule,
            "reason": notice.reason,
        }
        if notice.preview is not None:
            fields["preview"] = {
                "text": notice.would_do,
                "lines": notice.preview.lines,
                "added": notice.preview.added,
                "cut": notice.preview.cut,
                "missing": notice.unshown,
            }
    else:
        fields |= {"question": notice.shown, "answer_schema": notice.answer_schema}
    tree = {"type": f"{notice.kind}.requested", "data": fields}
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def lines_of(notice: Notice) -> list[str]:
    """What people read in a ticket, line by line."""
    found = [notice.title, ""]
    if notice.kind == "approval":
        found += ["Arguments:", notice.shown, ""]
        if notice.preview is not None:
            found.append(f"What it would do ({notice.preview.sums}):")
            found += [f"| {line}" for line in notice.would_do.split("\n")]
            found += [notice.unshown] if notice.unshown else []
            found.append("")
        found.append(f"Rule: {notice.rule} ({notice.reason})")
        found.append(
            f"People needed: {notice.needed}; agreed: {', '.join(notice.given) or 'nobody'}"
        )
    else:
        found += [notice.shown, "", f"The answer is JSON of: {notice.answer_schema}"]
    found.append(f"Run {notice.run} of {notice.user}, tenant {notice.tenant}")
    if notice.expires_ms is not None:
        found.append(f"Refused if nobody agrees before {instant(notice.expires_ms)}")
    for name in ("approve", "deny", "answer"):
        link = getattr(notice.links, name)
        if link:
            found.append(f"{name.capitalize()}: {link}")
    if not any((notice.links.approve, notice.links.answer)):
        verb = "approve" if notice.kind == "approval" else "answer"
        found.append(f"At the command line: remit {verb} {notice.ref}")
    return found
