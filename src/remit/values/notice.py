"""What a channel tells people: a call that waits for their word, or a question."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from remit.values.preview import Previewed

NoticeKind = Literal["approval", "question"]

MAX_TEXT = 2_000
"""Characters of arguments or of a question that a channel carries; the page shows all of it."""
MAX_PREVIEW = 1_500
"""Characters of what a call would do: some thirty lines, and within Slack's section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLinks:
    """Signed addresses at which the person named in them answers; empty where there are none."""

    approve: str = ""
    deny: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One request as one channel tells it. Texts are cleaned: no secret stands in them.

    key: the same however often it is told, another for each channel and person.
    ref: the approval's or question's id. text: the call's arguments as JSON, or the question.
    person: whom it is for; empty for a channel that several read. expires_ms: None where it waits
    for ever. token: what a button of the channel carries back; empty where it has none.
    """

    key: str
    kind: NoticeKind
    tenant: str
    run: str
    ref: str
    agent: str
    tool: str
    text: str
    user: str
    digest: str = ""
    needed: int = 0
    given: tuple[str, ...] = ()
    rule: str = ""
    reason: str = ""
    answer_schema: str = ""
    expires_ms: int | None = None
    preview: Previewed | None = None
    person: str = ""
    links: AnswerLinks = AnswerLinks()
    token: str = ""

    @property
    def shown(self) -> str:
        """The text within bounds, and whether something is missing."""
        if len(self.text) <= MAX_TEXT:
            return self.text
        return f"{self.text[:MAX_TEXT]}… ({len(self.text) - MAX_TEXT} more characters)"

    @property
    def would_do(self) -> str:
        """The beginning of what the call would do, in whole lines."""
        if self.preview is None:
            return ""
        lines: list[str] = []
        left = MAX_PREVIEW
        for line in self.preview.shown:
            left -= len(line) + 1
            if left < 0:
                break
            lines.append(line)
        return "\n".join(lines)

    @property
    def unshown(self) -> str:
        """What `would_do` leaves out, in words; empty where it is all."""
        if self.preview is None:
            return ""
        more = self.preview.lines - len(self.would_do.split("\n") if self.would_do else ())
        if not (more or self.preview.missing):
            return ""
        what = f"{more:,} more lines" if more else "the ends of long lines"
        return f"not all of it is here ({what}): look at the call before you agree"

    @property
    def title(self) -> str:
        """What is asked, in one line."""
        if self.kind == "question":
            return f"{self.agent} asks a question ({self.tool})"
        return f"{self.agent} wants to call {self.tool}"


def notice_key(channel: str, tenant: str, ref: str, person: str) -> str:
    """The key of a notice: letters and digits only, as ids of webhooks are."""
    names = [channel, tenant, ref, person]
    return "ntc_" + hashlib.sha256("\0".join(names).encode()).hexdigest()[:40]
