"""`@tool` turns a typed function into a tool with a contract; the function stays callable."""

import json
import re
from collections.abc import Callable, Iterable
from string import Formatter
from typing import Literal, ParamSpec, TypedDict, TypeVar, Unpack, overload

from pydantic import ValidationError

from remit.errors import ConfigError, SpecError
from remit.machine.confinement import confinement_of
from remit.machine.previewing import PreviewFunction, previews
from remit.machine.resorts import fallback_name, last_good_ms
from remit.machine.signature import Arguments, check_structured, describe, read_signature
from remit.machine.spec import OnCrash, OnFailure, ToolSpec
from remit.machine.tools import AnyTool, Depends, Probe, Resources, Tool, ToolCheck, problems
from remit.policy.delay import delay_ms_of
from remit.policy.permission import Access, Risk
from remit.policy.rate import Rate, rate_of
from remit.values.account import EVERYONE
from remit.values.duration import milliseconds
from remit.values.money import usd

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

_RESULT = "result"  # what a compensation is told of the call's answer
_NAME = re.compile(r"[a-z][a-z0-9_]{1,63}", re.ASCII)
# A name that says nothing lets the model, and whoever reads the audit, guess.
# fmt: off
_GENERIC = frozenset({
    "act", "action", "call", "command", "do", "dispatch", "exec", "execute", "func",
    "function", "go", "handle", "handler", "invoke", "main", "manage", "operate", "operation",
    "perform", "process", "request", "run", "submit", "task", "tool", "use", "work",
})
# fmt: on


class ToolOptions(TypedDict, total=False):
    """What may be said of a tool; each is one word of its contract."""

    access: Access
    """Does it change anything outside (`write`) or not (`read`, the bare `@tool`)."""
    risk: Risk
    """`high` for what cannot be taken back."""
    on_crash: OnCrash | Probe | None
    """What happens when a released write's outcome was lost: `repeat` (it is idempotent under
    `Call.idempotency_key`), `probe(function)`, or `ask` a human (the default for writes)."""
    name: str | None
    """Default: that of the function."""
    description: str | None
    """What the model is told; default: the docstring."""
    timeout: str
    """How long a call may take; default `60s`."""
    version: str
    """Default `1`."""
    systems: Iterable[str]
    """The names of what it touches."""
    resources: Resources | None
    """Keys of what it touches, a template such as `"file:{path}"` or a function of the arguments;
    writes to one key run in series, a write without keys alone."""
    depends: Depends | None
    """A function of the arguments giving a digest of what the call depends on; an approval holds
    only while it stays the same."""
    preview: PreviewFunction | None
    """A function of the arguments that it names, and of `call: HookedCall`, that tells what a call
    would do: a `Preview`, or text. People see it before they agree, and agree to exactly that; a
    call that must be agreed to is refused where it raises or takes longer than 30 seconds."""
    reveals: Iterable[str]
    """Kinds of secrets (`*` for all) whose real values it receives in place of placeholders."""
    price_usd: str | None
    """What each call costs, such as `"0.01"`, on the same budgets as the model's calls."""
    reports_price: bool
    """The tool says through `Call.charge` what a call cost; `price_usd` is the most."""
    personal_data: bool
    """It shows personal data, so a read too needs a rule or an approval."""
    check: ToolCheck | None
    """Looks when a process starts whether the tool can work, without changing anything: a function
    without arguments that raises, or returns words, where it cannot (`App.ready`)."""
    undo: AnyTool | None
    """A write tool that takes a call of this one back; it gets those of the call's arguments that
    it names, and what the call returned as `result`. See `App.undo`."""
    delay: str | None
    """How long a write that was let through waits before it leaves, such as `5m`; until then it can
    be called back (`App.recall`)."""
    rate: str | Rate | Iterable[str | Rate]
    """How often it may be called, such as `10/minute`, or several: `("2/second", "30/minute")`."""
    on_failure: OnFailure
    """`abort-peers`: the calls of the same turn make no sense without it; when it fails or is
    refused they are given up. Default: they go on."""
    credential: str | None
    """The name of what it shows to the system it calls; it finds it in `Call.credential`."""
    free_text: bool
    """Say so of a write that takes one free text, such as `command`, and nothing else: what it may
    do can then be told from no argument, so rules must look into the text."""
    fallback: AnyTool | None
    """A tool with the same arguments that stands in while this one does not work: its breaker is
    open, or a call failed through a fault without effect. It has its own rules and limits."""
    last_good: str | None
    """A read's last good answer to the same call serves while it does not work, up to this age,
    such as `1h`; model and journal are told how old it is."""
    critical: bool
    """Runs need it; without `fallback` and `last_good` it is warned of (`App.ready`)."""
    sends: bool
    """It sends messages to people outside; one without a hook is warned of (`App.ready`)."""
    sandbox: Literal["process"] | None
    """The function runs in an interpreter of its own, confined by the operating system: it is
    killed at its timeout, and sees `read`, `write` and `hosts` besides its own module. It is a
    plain function at the top of a module, without a `Call`."""
    read: Iterable[str]
    """Absolute paths that a function in the sandbox may read."""
    write: Iterable[str]
    """Absolute paths beneath which it may change files."""
    hosts: Iterable[str]
    """What it reaches through a proxy, such as `api.example.com`; without, it has no network."""


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"tool {name!r}: a name is 2 to 64 of a-z, 0-9 and '_', beginning with a letter"
        )
    if name in _GENERIC:
        raise SpecError(
            f"tool {name!r}: the name says nothing; name what it does, such as 'refund_order'"
        )


def _check_resources(name: str, resources: Resources | None, arguments: Arguments) -> None:
    """A template that names no argument would fail at every call."""
    if not isinstance(resources, str):
        return
    known = {argument for _, argument in arguments.names}
    for _, field, _, _ in Formatter().parse(resources):
        if field is not None and re.split(r"[.\[]", field)[0] not in known:
            raise SpecError(f"tool {name!r}: resources={resources!r} names no argument {field!r}")


def _crash_policy(name: str, access: Access, given: OnCrash | Probe | None) -> OnCrash:
    if given == "probe":
        raise SpecError(f"tool {name!r}: say on_crash=probe(function), so that it can be asked")
    if access == "read" and given not in (None, "repeat"):
        raise SpecError(f"tool {name!r}: a read is repeated after a crash; drop on_crash")
    if given is None:
        return "repeat" if access == "read" else "ask"
    return "probe" if isinstance(given, Probe) else given


def _timeout_ms(name: str, timeout: str) -> int:
    try:
        return milliseconds(timeout)
    except ConfigError as exc:
        raise SpecError(f"tool {name!r}: timeout: {exc}") from exc


def _delay_ms(name: str, access: Access, delay: str | None) -> int:
    if delay is None:
        return 0
    if access != "write":
        raise SpecError(f"tool {name!r}: delay is for writes; a read leaves nothing to call back")
    try:
        return delay_ms_of(delay)
    except ConfigError as exc:
        raise SpecError(f"tool {name!r}: delay: {exc}") from exc


def _rates(name: str, given: str | Rate | Iterable[str | Rate]) -> tuple[Rate, ...]:
    several = (given,) if isinstance(given, str | Rate) else given
    try:
        rates = tuple(rate_of(each) for each in several)
    except ValidationError as exc:
        raise SpecError(f"tool {name!r}: rate: {problems(exc)}") from exc
    for rate in rates:
        if "tool" not in rate.per or rate.tool != EVERYONE:
            raise SpecError(
                f"tool {name!r}: rate {rate.rate!r} is that of this tool: leave 'tool' in per, "
                "and name no other"
            )
    return rates


def _price_nano(name: str, price_usd: str | None, *, reports: bool) -> int:
    if price_usd is None:
        if reports:
            raise SpecError(
                f"tool {name!r}: it reports its price; say with price_usd what a call costs at most"
            )
        return 0
    try:
        price = usd(price_usd)
    except ConfigError as exc:
        raise SpecError(f"tool {name!r}: price_usd: {exc}") from exc
    if price == 0:
        raise SpecError(f"tool {name!r}: a price of nothing is none; drop price_usd")
    return price


def _undo_name(name: str, access: Access, arguments: Arguments, undo: AnyTool | None) -> str:
    if undo is None:
        return ""
    if access != "write" or undo.spec.access != "write":
        raise SpecError(f"tool {name!r}: undo is for writes, and is a write itself")
    known = {argument for _, argument in arguments.names} | {_RESULT}
    strange = sorted({argument for _, argument in undo.arguments.names} - known)
    if strange:
        raise SpecError(
            f"tool {name!r}: its undo {undo.name!r} wants {', '.join(strange)}; it may have the "
            f"arguments of {name!r}, and {_RESULT!r}"
        )
    return undo.name


def _sends(name: str, access: Access, *, sends: bool) -> bool:
    if sends and access == "read":
        raise SpecError(f"tool {name!r}: what sends messages is a write; say access='write'")
    return sends


def _spec(name: str, **fields: object) -> ToolSpec:
    try:
        return ToolSpec.model_validate({"name": name, **fields})
    except ValidationError as exc:
        raise SpecError(f"tool {name!r}: {problems(exc)}") from exc


@overload
def tool(function: Callable[P, R_co], /) -> Tool[P, R_co]: ...
@overload
def tool(
    **options: Unpack[ToolOptions],
) -> Callable[[Callable[P, R_co]], Tool[P, R_co]]: ...
def tool(
    function: Callable[P, R_co] | None = None, /, **options: Unpack[ToolOptions]
) -> Tool[P, R_co] | Callable[[Callable[P, R_co]], Tool[P, R_co]]:
    """Declare a tool; `ToolOptions` says what can be declared.

    Its schema comes from the signature, its description from the docstring. Raises `SpecError` for
    a generic name, an untyped argument, a missing description, an option that cannot work.
    """
    strange = sorted(set(options) - ToolOptions.__annotations__.keys())
    if strange:
        known = ", ".join(ToolOptions.__annotations__)
        raise SpecError(f"@tool has no option {', '.join(strange)}; it has {known}")

    def declare(inner: Callable[P, R_co]) -> Tool[P, R_co]:
        return _declared(inner, options)

    return declare if function is None else declare(function)


def _declared(function: Callable[P, R_co], options: ToolOptions) -> Tool[P, R_co]:
    name = options.get("name") or str(getattr(function, "__name__", ""))
    _check_name(name)
    arguments = read_signature(name, function)
    resources = options.get("resources")
    _check_resources(name, resources, arguments)
    on_crash = options.get("on_crash")
    return Tool(
        function=function,
        spec=_contract(name, function, arguments, options),
        arguments=arguments,
        resources=resources,
        depends=options.get("depends"),
        probe=on_crash if isinstance(on_crash, Probe) else None,
        preview=options.get("preview"),
        check=options.get("check"),
        undo=options.get("undo"),
        fallback=options.get("fallback"),
    )


def _contract(
    name: str, function: Callable[..., object], arguments: Arguments, options: ToolOptions
) -> ToolSpec:
    access = options.get("access", "read")
    reports = options.get("reports_price", False)
    return _spec(
        name,
        description=describe(name, function, options.get("description")),
        parameters=json.dumps(arguments.model.model_json_schema(), sort_keys=True),
        access=access,
        risk=options.get("risk", "low"),
        on_crash=_crash_policy(name, access, options.get("on_crash")),
        timeout_ms=_timeout_ms(name, options.get("timeout", "60s")),
        version=options.get("version", "1"),
        systems=tuple(options.get("systems", ())),
        reveals=tuple(options.get("reveals", ())),
        price_nano=_price_nano(name, options.get("price_usd"), reports=reports),
        reports_price=reports,
        personal_data=options.get("personal_data", False),
        credential=options.get("credential") or "",
        previews=previews(name, arguments, options.get("preview")),
        delay_ms=_delay_ms(name, access, options.get("delay")),
        rates=_rates(name, options.get("rate", ())),
        on_failure=options.get("on_failure", "go-on"),
        undo=_undo_name(name, access, arguments, options.get("undo")),
        free_text=check_structured(
            name, access, arguments, free_text=options.get("free_text", False)
        ),
        fallback=fallback_name(name, access, arguments, options.get("fallback")),
        last_good_ms=last_good_ms(name, access, options.get("last_good")),
        critical=options.get("critical", False),
        sends=_sends(name, access, sends=options.get("sends", False)),
        sandbox=confinement_of(
            name,
            function,
            arguments,
            options.get("sandbox"),
            read=options.get("read", ()),
            write=options.get("write", ()),
            hosts=options.get("hosts", ()),
        ),
    )
