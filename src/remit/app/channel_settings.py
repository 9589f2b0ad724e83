"""Channels and people as `remit.toml` declares them: `[channels.NAME]`, `[people.NAME]`."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from remit.policy.hours import Hours

Kind = Literal["webhook", "slack", "jira", "zendesk"]
MAX_CHANNELS = 32
"""Each has a lane that follows the feed; more are one channel that forwards."""

_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

CHANNEL_KEYS = (
    "answer_url, people.NAME.{roles, also, quiet}, roles.NAME.quiet, channels.NAME.{kind, url, "
    "url_env, secret_env, token_env, login, project, issue_type, channel, people, roles, tenants, "
    "quiet, plain_http}"
)
# What a kind needs beside an address, and what else it takes.
_NEEDS = {
    "webhook": ("secret_env",),
    "slack": ("secret_env",),
    "jira": ("token_env", "project"),
    "zendesk": ("token_env",),
}
_TAKES = {
    "webhook": ("people", "roles"),
    "slack": ("token_env", "channel"),
    "jira": ("login", "issue_type", "people", "roles"),
    "zendesk": ("login", "people", "roles"),
}
_OWN = ("secret_env", "token_env", "login", "project", "issue_type", "channel", "people", "roles")


class ChannelConfig(BaseModel):
    """How to reach people. Secrets stand elsewhere; these are the names of them.

    url, url_env: the address, or the secret that holds it (Slack's incoming webhooks are one).
    secret_env: the key that webhooks are signed with; for Slack the signing secret that answers
    are verified with. token_env: of Slack's bot, or of the ticket queue. login: the e-mail that
    the queue's token belongs to. channel: the id of the channel that Slack's bot posts to.
    people, roles: each of these is told by a notice of their own, with links that are theirs;
    without any there is one notice, without links. tenants: of whose runs; without any, of all.
    quiet: when nothing is told here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    url: str = ""
    url_env: str = Field(default="", pattern=rf"^$|{_NAME}")
    secret_env: str = Field(default="", pattern=rf"^$|{_NAME}")
    token_env: str = Field(default="", pattern=rf"^$|{_NAME}")
    login: str = ""
    project: str = ""
    issue_type: str = ""
    channel: str = ""
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    quiet: tuple[Hours, ...] = ()
    plain_http: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs, takes = _NEEDS[self.kind], _TAKES[self.kind]
        missing = [name for name in needs if not getattr(self, name)]
        if missing:
            raise ValueError(f"a channel of kind {self.kind} needs {' and '.join(missing)}")
        strange = [name for name in _OWN if name not in (*needs, *takes) and getattr(self, name)]
        if strange:
            raise ValueError(f"a channel of kind {self.kind} knows no {' and no '.join(strange)}")
        bot = bool(self.token_env) and self.kind == "slack"
        if bot and not self.channel:
            raise ValueError("token_env posts as a bot of Slack: say the channel that it posts to")
        if bool(self.url) + bool(self.url_env) > 1:
            raise ValueError("say url or url_env, not both")
        if not (self.url or self.url_env or bot):
            raise ValueError("say url, or in url_env the name of the secret that holds it")
        return self
