"""`[credentials.NAME]` in remit.toml: where a tool's credential comes from, and who may have it."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class CredentialConfig(BaseModel):
    """Where one credential comes from and who may have it. The secret itself never stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["secret", "environment", "client-credentials", "token-exchange"] = "secret"
    secret: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_{}.-]*$")
    """Name of the key, or of the client's secret; `{tenant}` where each tenant has its own."""
    tools: tuple[str, ...] = ("*",)
    """Globs of the tools that may have it, of those that ask for it."""
    tenants: tuple[str, ...] = ("*",)
    token_url: str = ""
    client_id: str = ""
    scopes: tuple[str, ...] = ()
    tool_scopes: Mapping[str, tuple[str, ...]] = {}
    audience: str = ""
    send: Literal["basic", "post"] = "basic"
    subject: str = ""
    """For an exchange: the name of the secret that is exchanged."""
    plain_http: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        oauth = self.kind in ("client-credentials", "token-exchange")
        if oauth != bool(self.token_url and self.client_id):
            raise ValueError(
                "token_url and client_id are for client-credentials and token-exchange, and needed "
                "there"
            )
        if (self.kind == "token-exchange") != bool(self.subject):
            raise ValueError("subject is for token-exchange, and needed there")
        return self
