"""Hooks: functions that look at a tool call before it is judged, or at a result before it is told.

They answer with a value and have no effects of their own: after a crash a hook may be asked twice,
and a replay asks none.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal, cast

from remit.errors import ConfigError, SpecError
from remit.machine.lexemes import exact
from remit.machine.paging import READ_RESULT
from remit.machine.spec import HOOK_NAME, HookSpec, HookTime, ToolSpec
from remit.machine.tools import Tool
from remit.policy.rule import write_json
from remit.values.duration import milliseconds

MAX_MS = 60_000
"""A hook looks at one call and asks nobody far away; longer means it hangs."""
MAX_HOOKS = 32  # each may take its time before every call
_TIMEOUT = "5s"  # what a look at one call takes at most, a query of a near database included


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAnswer:
    """What a hook says of a call; made by the methods of `HookedCall`."""

    word: Literal["go-on", "change", "refuse", "hold"]
    reason: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterAnswer:
    """What a hook says of a result; made by the methods of `HookedResult`."""

    word: Literal["keep", "change", "withhold"]
    reason: str = ""
    text: str = ""
    keep_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HookedCall:
    """A validated call as a hook sees it; nothing in it can be changed in place."""

    tool: str
    server: str
    access: Literal["read", "write"]
    risk: Literal["low", "high"]
    arguments: Mapping[str, object]
    """As JSON has them: texts, `int`, `Decimal`, tuples, read-only mappings. Secrets are
    placeholders."""
    agent: str
    tenant: str
    user: str
    roles: tuple[str, ...]
    session: str
    run: str
    call: str
    labels: tuple[str, ...]
    environment: str

    def go_on(self) -> BeforeAnswer:
        """Nothing to say against it; the rules decide."""
        return BeforeAnswer(word="go-on")

    def change(self, /, **arguments: object) -> BeforeAnswer:
        """The named arguments take these values; the whole is validated and judged anew."""
        return BeforeAnswer(word="change", arguments=arguments)

    def refuse(self, reason: str) -> BeforeAnswer:
        """It must not happen; the model is told why."""
        return BeforeAnswer(word="refuse", reason=reason)

    def hold(self, reason: str) -> BeforeAnswer:
        """A human must agree, also where the rules would let it happen unasked."""
        return BeforeAnswer(word="hold", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookedResult:
    """A call that was made and what came of it, cleaned and whole."""

    call: HookedCall
    text: str
    is_error: bool
    """The tool failed, and `text` is what it said."""

    def keep(self) -> AfterAnswer:
        """The model may read it as it is."""
        return AfterAnswer(word="keep")

    def change(self, text: str) -> AfterAnswer:
        """The model reads this instead."""
        return AfterAnswer(word="change", text=text)

    def withhold(self, reason: str, *, keep_whole: bool = False) -> AfterAnswer:
        """The model is told only that it is withheld, and why.

        `keep_whole`: people find the text as an artifact of the call; else it is kept nowhere.
        """
        return AfterAnswer(word="withhold", reason=reason, keep_whole=keep_whole)


BeforeFunction = Callable[[HookedCall], BeforeAnswer | Awaitable[BeforeAnswer]]
AfterFunction = Callable[[HookedResult], AfterAnswer | Awaitable[AfterAnswer]]


@dataclass(frozen=True, slots=True)
class Hook:
    """A function with the tools it looks at; made by `before_tool` and `after_tool`."""

    spec: HookSpec
    function: Callable[..., object]

    @property
    def name(self) -> str:
        """What it is called in the journal; its rule is `hook.NAME`."""
        return self.spec.name


def before_tool(
    *tools: "str | Tool[..., object]", name: str = "", timeout: str = _TIMEOUT
) -> Callable[[BeforeFunction], Hook]:
    """Declare a hook that looks at calls of these tools before they are judged.

    tools: tools or globs of names, `server/tool` for those of a server. It answers with
    `call.go_on()`, `.change(...)`, `.refuse(...)` or `.hold(...)`; one that raises, takes longer
    than `timeout` or answers anything else refuses the call. Raises `SpecError`.
    """

    def declare(function: BeforeFunction) -> Hook:
        return _declared("before", tools, name, timeout, function)

    return declare


def after_tool(
    *tools: "str | Tool[..., object]", name: str = "", timeout: str = _TIMEOUT
) -> Callable[[AfterFunction], Hook]:
    """Declare a hook that looks at what these tools returned before the model does.

    It answers with `result.keep()`, `.replace(...)` or `.withhold(...)`; where it raises, hangs or
    answers anything else the result is withheld. Raises `SpecError`.
    """

    def declare(function: AfterFunction) -> Hook:
        return _declared("after", tools, name, timeout, function)

    return declare


def _declared(
    when: HookTime,
    tools: Iterable[object],
    name: str,
    timeout: str,
    function: Callable[..., object],
) -> Hook:
    name = name or str(getattr(function, "__name__", ""))
    if not HOOK_NAME.fullmatch(name):
        raise SpecError(
            f"hook {name!r}: a name is 2 to 64 of a-z, 0-9 and '_', beginning with a letter"
        )
    globs = tuple(_glob(name, tool) for tool in tools)
    if not globs:
        raise SpecError(f"hook {name!r}: say which tools it looks at: @{when}_tool('send_*')")
    try:
        timeout_ms = milliseconds(timeout)
    except ConfigError as exc:
        raise SpecError(f"hook {name!r}: timeout: {exc}") from exc
    if timeout_ms > MAX_MS:
        raise SpecError(f"hook {name!r}: its timeout is above {MAX_MS // 1000} s")
    spec = HookSpec(name=name, when=when, tools=globs, timeout_ms=timeout_ms)
    return Hook(spec, function)


def _glob(name: str, tool: object) -> str:
    if isinstance(tool, Tool):
        return f"{tool.spec.server}/{tool.name}" if tool.spec.server else tool.name
    if isinstance(tool, str) and tool:
        return tool
    raise SpecError(f"hook {name!r}: {tool!r} is no tool and no glob of names")


def hook_rule(name: str) -> str:
    """The rule by which a verdict of a hook is known."""
    return f"hook.{name}"


def looks_at(hook: HookSpec, tool: ToolSpec) -> bool:
    """Whether a hook is about a tool; the final answer and reading on are no calls of its kind."""
    if tool.kind == "final" or tool.name == READ_RESULT:
        return False
    names = {True: f"{tool.server}/{tool.name}", False: tool.name}
    return any(fnmatchcase(names["/" in glob], glob) for glob in hook.tools)


def hooks_on(
    hooks: Iterable[HookSpec], when: HookTime, tool: ToolSpec | None
) -> tuple[HookSpec, ...]:
    """The hooks that look at a tool then, in their order."""
    if tool is None:
        return ()
    return tuple(hook for hook in hooks if hook.when == when and looks_at(hook, tool))


def with_hooks(own: Iterable[HookSpec], further: Iterable[HookSpec]) -> tuple[HookSpec, ...]:
    """Hooks and those of wider reach after them: these see what the others made of a call."""
    found = tuple(dict.fromkeys((*own, *further)))
    if len(found) > MAX_HOOKS:
        raise SpecError(f"{len(found)} hooks look at one agent's calls; {MAX_HOOKS} are too many")
    return found


def hooks_by_name(hooks: Iterable[Hook]) -> dict[str, Hook]:
    """The hooks of a process. Raises `SpecError` where two have one name."""
    found: dict[str, Hook] = {}
    for hook in hooks:
        if not isinstance(hook, Hook):
            raise SpecError(f"{hook!r} is no hook: declare it with @before_tool or @after_tool")
        if found.setdefault(hook.name, hook) != hook:
            raise SpecError(f"two hooks are named {hook.name!r}: say name=... for one of them")
    return found


def frozen(text: str) -> Mapping[str, object]:
    """The arguments of a call, as values that cannot be changed in place."""
    return cast("Mapping[str, object]", _frozen(exact(text or "{}")))


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        tree = cast("dict[str, object]", value)
        return MappingProxyType({name: _frozen(each) for name, each in tree.items()})
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    return value


def changed_text(arguments: Mapping[str, object], changes: Mapping[str, object]) -> str:
    """The arguments with some changed, as JSON. Raises `ValueError` for what JSON cannot say."""
    return write_json({**arguments, **changes})
