"""A rule as data: which calls it is about, what it says of them, and the examples that test it."""

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from remit.policy.hours import Hours
from remit.policy.linear import compiled
from remit.policy.mode import Mode
from remit.policy.phase import Phase
from remit.policy.where import Texts, Where, is_nothing
from remit.values.windows import UTC, Calendar

Effect = Literal["allow", "ask", "deny"]
Access = Literal["read", "write"]
Risk = Literal["low", "high"]
_MAX_EXAMPLE = 100_000  # characters of the arguments of one example


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ArgumentPattern(_Frozen):
    """An RE2 pattern searched in one argument; `name` is a dotted path, `*` means each of them.

    A rule that denies or asks needs one value there that matches; a rule that allows needs all of
    them to match, so that nothing slips through beside a harmless value. Numbers are matched as
    plain digits (`5e2` is 500).
    """

    name: str
    pattern: str

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        compiled(self.pattern)
        return self


def _as_json(value: object) -> object:
    """Arguments of an example as JSON text; decimals of TOML keep their digits."""
    return value if isinstance(value, str) else write_json(value)


def write_json(value: object) -> str:
    """JSON text of plain values, `Decimal` as it is written. Raises `ValueError` for others."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(str(key))}:{write_json(each)}" for key, each in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(write_json(each) for each in value) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return json.dumps(value)
    raise ValueError(f"{value!r} is nothing that JSON can say")


class Example(_Frozen):
    """A call that a rule must, or must not, match; what is not said is taken as fitting.

    `arguments` is a table, or JSON text. `at` is a local day and time, such as `sat 23:30`.
    """

    arguments: Annotated[str, BeforeValidator(_as_json)] = Field(
        default="{}", max_length=_MAX_EXAMPLE
    )
    tool: str | None = None
    agent: str | None = None
    tenant: str | None = None
    user: str | None = None
    roles: tuple[str, ...] | None = None
    origins: tuple[str, ...] | None = None
    at: str | None = Field(default=None, pattern=r"^(mon|tue|wed|thu|fri|sat|sun) [0-2]\d:[0-5]\d$")

    @field_validator("arguments")
    @classmethod
    def _is_object(cls, text: str) -> str:
        try:
            tree: object = json.loads(text)
        except ValueError as exc:
            raise ValueError(f"{text[:80]!r} is not JSON: {exc}") from exc
        if not isinstance(tree, dict):
            raise ValueError(f"{text[:80]!r} is no JSON object")  # noqa: TRY004  # as Pydantic wants
        return text


class Rule(_Frozen):
    """Allow, ask or deny calls that fit everything the rule says.

    tool: a glob, `server/tool` for the tools of a server; a rule that allows covers the tools of
    servers only where it names them so. arguments, where: what the arguments must be, all of it.
    agents, tenants, users, roles: globs of whose calls; one must fit. phases: of the agent.
    What denies or asks about an agent holds for taking its calls back; what allows does not.
    modes: of the run. hours: in the tenant's local time. origins: globs of what the run has read,
    as `tool:fetch_*`, `user:*`, `agent:writer` or `label:secret`; a rule that denies or asks
    needs one such text in the conversation, one that allows needs all of it to be such.
    `needed` is how many different humans must agree when `effect` is `ask`.
    must_match, must_not_match: examples that are tried when a file of rules is read.
    """

    id: str
    effect: Effect
    tool: str
    arguments: tuple[ArgumentPattern, ...] = ()
    reason: str = ""
    needed: int = Field(default=1, ge=1, le=2)
    # A rule without these has the text, and the digest, that it had before there were any.
    where: tuple[Where, ...] = Field(default=(), exclude_if=is_nothing)
    agents: Texts = Field(
        default=(), exclude_if=is_nothing, validation_alias=AliasChoices("agent", "agents")
    )
    tenants: Texts = Field(
        default=(), exclude_if=is_nothing, validation_alias=AliasChoices("tenant", "tenants")
    )
    users: Texts = Field(
        default=(), exclude_if=is_nothing, validation_alias=AliasChoices("user", "users")
    )
    roles: Texts = Field(
        default=(), exclude_if=is_nothing, validation_alias=AliasChoices("role", "roles")
    )
    phases: tuple[Phase, ...] = Field(default=(), exclude_if=is_nothing)
    modes: tuple[Mode, ...] = Field(default=(), exclude_if=is_nothing)
    hours: tuple[Hours, ...] = Field(default=(), exclude_if=is_nothing)
    origins: Texts = Field(
        default=(), exclude_if=is_nothing, validation_alias=AliasChoices("origin", "origins")
    )
    source: str = Field(default="", exclude_if=is_nothing)
    """The file it stands in; empty for a rule of a program."""
    must_match: tuple[Example, ...] = Field(default=(), exclude_if=is_nothing)
    must_not_match: tuple[Example, ...] = Field(default=(), exclude_if=is_nothing)

    @property
    def looks_at_arguments(self) -> bool:
        """It is a rule about a pattern, not about a tool as such."""
        return bool(self.arguments or self.where)

    @property
    def bare(self) -> "Rule":
        """The rule without its examples, as a run keeps it."""
        if not (self.must_match or self.must_not_match):
            return self
        return self.model_copy(update={"must_match": (), "must_not_match": ()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call as the rules see it; `arguments` is the validated JSON text."""

    tool: str
    access: Access
    risk: Risk
    arguments: str
    left_out: str = ""
    """JSON text of what the tool fills in where the call says nothing; allows nothing."""
    server: str = ""
    personal_data: bool = False
    """A read of personal data is an action, as a write is."""
    agent: str = ""
    acts_for: tuple[str, ...] = ()
    """Agents whose calls this one takes back: what is denied or asked of them is of it too."""
    tenant: str = ""
    user: str = ""
    roles: tuple[str, ...] = ()
    mode: Mode = "default"
    killed: frozenset[Mode] = frozenset()
    """Modes that are switched off."""
    environment: str = "dev"
    now_ms: int = 0
    calendar: Calendar = UTC
    origins: tuple[str, ...] = ()
    """Where what the run has read came from, as `kind:name` and `label:name`."""

    @property
    def acts(self) -> bool:
        """It needs authority: a write, or a read of personal data."""
        return self.access == "write" or self.personal_data


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, by which rule and why. `record_only`: shadow, nothing is carried out."""

    effect: Effect
    rule: str
    reason: str
    needed: int = 0
    record_only: bool = False


def is_glob(text: str) -> bool:
    """It may mean more than one name."""
    return any(char in text for char in "*?[")


def covers(rule: Rule, tool: str, server: str = "") -> bool:
    """Whether a rule is about a tool; see `Rule.tool`."""
    if "/" in rule.tool:
        return fnmatch.fnmatchcase(f"{server}/{tool}", rule.tool)
    if server and rule.effect == "allow":
        return False
    return fnmatch.fnmatchcase(tool, rule.tool)
