"""What users declare: `Agent` and its `Prompt`; its `Remit` stands beside it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, cast, get_args

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypeVar  # with the default of PEP 696: an agent answers with text

from remit.errors import ArgumentError, SpecError
from remit.machine.approvers import anyone, check_approvers, entries
from remit.machine.authority import without_authority
from remit.machine.hooks import hook_rule, hooks_by_name, with_hooks
from remit.machine.inputs import Inspection
from remit.machine.lexemes import brief_of, compact, unwrap, wrapped
from remit.machine.paging import read_result
from remit.machine.remit import Remit
from remit.machine.resorts import chain_of
from remit.machine.spec import FINAL_TOOL, AgentSpec, InputCount, ToolSpec
from remit.machine.tools import AnyTool, Tool, call_digest, problems
from remit.policy.permission import Rule
from remit.policy.phase import least
from remit.policy.routing import Candidate
from remit.values.ids import check_name
from remit.values.model import Effort

T_co = TypeVar("T_co", covariant=True, default=str)
EFFORTS: tuple[str, ...] = get_args(Effort)
# What every current model of the large providers can write at once.
_OUTPUT_CEILING = 16_384
_ASK_CHARS = 60  # with `ask_` the 64 characters that providers allow
_BRIEF = json.dumps(
    {
        "type": "object",
        "properties": {
            "brief": {
                "type": "string",
                "description": "Everything the agent must know: it sees nothing else.",
            }
        },
        "required": ["brief"],
        "additionalProperties": False,
    },
    sort_keys=True,
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Instructions with a name and a version, given as text or as a file read at start."""

    text: str = ""
    path: str = ""
    name: str = ""
    version: str = ""

    @staticmethod
    def file(path: str, *, version: str = "") -> "Prompt":
        """Instructions in a file, relative to the current directory; read when the app starts."""
        return Prompt(path=str(path), name=str(path), version=version)


class Agent(Generic[T_co]):
    """An agent: a model, instructions, tools, sub-agents and its remit.

    model: provider and pinned name, as `anthropic:claude-haiku-4-5-20251001`; or several with the
    share of conversations that each gets, `{"anthropic:…": 3, "openai:…": 1}`.
    fallbacks: models that are asked only where every one of those fails.
    output_ceiling: up to this many tokens an answer that was cut is asked for again, with a larger
    limit each time (default 16,384).
    output_type: `str`, or a Pydantic-readable type; then the agent answers through `final_answer`.
    effort: how much it is to reason, where a model can be told: none, minimal, low, medium, high …
    input_count: what a request's input is taken for before it is paid for: its bytes (`bound`), or
    the provider's own count, asked for where the bytes do not fit (`when-short`) or `always`.
    agents: sub-agents it may hand a brief to; each has its own tools and sees only the brief.

    Raises `SpecError` when a write tool has no authority, names clash, or a limit is wrong.
    """

    def __init__(  # noqa: PLR0913  # each is one word of the declaration
        self,
        name: str,
        *,
        model: str | Mapping[str, int],
        fallbacks: Sequence[str] = (),
        instructions: str | Prompt,
        tools: Iterable[AnyTool] = (),
        agents: Iterable["Agent[object]"] = (),
        output_type: type[T_co] = cast("type[T_co]", str),  # noqa: B008  # a cast, evaluated once
        remit: Remit | None = None,
        description: str = "",
        max_output_tokens: int = 4096,
        output_ceiling: int | None = None,
        thinking_tokens: int = 0,
        effort: Effort | None = None,
        input_count: InputCount = "bound",
    ) -> None:
        self.name = check_name("agent", name)
        weights = {model: 1} if isinstance(model, str) else dict(model)
        self.model = next(iter(weights), "")
        self.models = (*weights.items(), *((name, 0) for name in fallbacks))
        self.prompt = instructions if isinstance(instructions, Prompt) else Prompt(instructions)
        own = tuple(tools)
        stand_ins = (each for tool in own for each in chain_of(tool)[1:])
        others = {each.name: each for each in stand_ins if each not in own}
        self.tools: tuple[AnyTool, ...] = (*own, *others.values())
        self.unoffered = tuple(others)
        self.agents = tuple(agents)
        self.output_type = output_type
        self.remit = Remit() if remit is None else remit
        self.description = description
        self.max_output_tokens = max_output_tokens
        self.output_ceiling = (
            max(max_output_tokens, _OUTPUT_CEILING) if output_ceiling is None else output_ceiling
        )
        self.thinking_tokens = thinking_tokens
        self.effort: Effort | None = effort
        self.input_count = input_count
        self.acts_for: Mapping[str, tuple[str, ...]] = {}
        self._check()

    def _check(self) -> None:
        self._check_models()
        names = [spec.name for spec in self._tool_specs()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SpecError(f"agent {self.name!r}: two tools are named {', '.join(twice)}")
        for word, value, known in (
            ("input_count", self.input_count, get_args(InputCount)),
            ("effort", self.effort or EFFORTS[0], EFFORTS),
        ):
            if value not in known:
                raise SpecError(
                    f"agent {self.name!r}: {word} is {value!r}; it is one of {', '.join(known)}"
                )
        if not 0 <= self.thinking_tokens < self.max_output_tokens:
            raise SpecError(
                f"agent {self.name!r}: thinking_tokens is {self.thinking_tokens}, but it is a part "
                f"of max_output_tokens, which is {self.max_output_tokens}"
            )
        self.remit.limits()
        self.remit.all_delays()
        hooks_by_name(self.remit.hooks)
        self.remit.all_rates()
        self._check_authority(self.remit.all_rules())

    def _check_models(self) -> None:
        names = [name for name, _ in self.models]
        for name, weight in self.models:
            provider, _, model = name.partition(":")
            if not (provider and model):
                raise SpecError(
                    f"agent {self.name!r}: model {name!r} names no provider; "
                    "write it as 'anthropic:claude-haiku-4-5-20251001'"
                )
            if weight < 0 or names.count(name) > 1:
                what = "stands there twice" if names.count(name) > 1 else f"has weight {weight}"
                raise SpecError(
                    f"agent {self.name!r}: model {name!r} {what}; name each once, with a weight "
                    "of 0 (only where the others fail) or more"
                )
        if not names:
            raise SpecError(f"agent {self.name!r}: it has no model; name one")
        if self.output_ceiling < self.max_output_tokens:
            raise SpecError(
                f"agent {self.name!r}: output_ceiling is {self.output_ceiling}, below "
                f"max_output_tokens, which is {self.max_output_tokens}"
            )

    def _check_authority(self, rules: tuple[Rule, ...]) -> None:
        bare = without_authority((tool.spec for tool in self.tools), rules, self.remit.mode)
        for tool in () if self.remit.settings_rules else bare:
            kind = "write tool" if tool.access == "write" else "tool with personal data"
            # A rule that allows covers the tools of servers only where it names them so.
            called = f"{tool.server}/{tool.name}" if tool.server else tool.name
            raise SpecError(
                f"agent {self.name!r}: the {kind} {tool.name!r} has no authority; "
                f"say Remit(approvals={{'{called}': 0}}) to let it run unasked, 1 to ask "
                "one human, 2 to ask two"
            )
        names = [tool.name for tool in self.tools]
        names += [hook_rule(hook.name) for hook in self.remit.hooks]
        check_approvers(self.name, self.remit.approvers, names, rules)

    @cached_property
    def answer_type(self) -> TypeAdapter[T_co]:
        """Reads and checks answers."""
        return TypeAdapter(self.output_type)

    @property
    def _functions(self) -> tuple[AnyTool, ...]:
        """Its own tools, and the one that reads on where a result of theirs was cut."""
        return (*self.tools, read_result) if self.tools else ()

    def _tool_specs(self) -> tuple[ToolSpec, ...]:
        own = [tool.spec for tool in self._functions]
        for agent in self.agents:
            about = agent.description or f"Hands a task to the agent {agent.name}."
            # What every provider accepts as a tool's name.
            name = "ask_" + re.sub(r"[^a-z0-9_]", "_", agent.name.lower())[:_ASK_CHARS]
            own.append(
                ToolSpec(
                    name=name, description=about, parameters=_BRIEF, kind="agent", agent=agent.name
                )
            )
        if self.output_type is not str:
            schema = wrapped(self.answer_type.json_schema())
            text = "Gives the final answer and ends the task."
            own.append(ToolSpec(name=FINAL_TOOL, description=text, parameters=schema, kind="final"))
        return tuple(own)

    def spec(self, read: Callable[[str], str]) -> AgentSpec:
        """The declaration as data; `read` gives the text of a prompt file."""
        text = read(self.prompt.path) if self.prompt.path else self.prompt.text
        schema = None
        if self.output_type is not str:
            schema = json.dumps(self.answer_type.json_schema(), sort_keys=True)
        return AgentSpec(
            name=self.name,
            model=self.model,
            models=tuple(Candidate(model=name, weight=weight) for name, weight in self.models)
            if len(self.models) > 1
            else (),
            instructions=text,
            prompt=" ".join(part for part in (self.prompt.name, self.prompt.version) if part),
            tools=self._tool_specs(),
            agents=tuple(_beneath(agent.spec(read), self.remit) for agent in self.agents),
            rules=self.remit.all_rules(),
            limits=self.remit.limits(),
            budgets=tuple(self.remit.budgets),
            delays=self.remit.all_delays(),
            rates=self.remit.all_rates(),
            phase=self.remit.phase,
            mode=self.remit.mode,
            approvers=anyone(self.remit.approvers),
            approvers_of=entries(self.remit.approvers),
            self_approval=self.remit.self_approval,
            owner=self.remit.owner,
            systems=tuple(self.remit.systems),
            max_output_tokens=self.max_output_tokens,
            output_ceiling=self.output_ceiling,
            thinking_tokens=self.thinking_tokens,
            effort=self.effort,
            output_schema=schema,
            has_predicate=self.remit.success is not None,
            input_count=self.input_count,
            unoffered=self.unoffered,
            hooks=with_hooks((hook.spec for hook in self.remit.hooks), ()),
            acts_for=tuple(self.acts_for.items()),
        )

    def tool(self, name: str) -> AnyTool | None:
        """The function tool of that name."""
        return next((tool for tool in self._functions if tool.name == name), None)

    def agent(self, name: str) -> "Agent[object] | None":
        """The direct sub-agent of that name."""
        return next((agent for agent in self.agents if agent.name == name), None)

    def read_answer(self, text: str) -> T_co:
        """The answer from its JSON text. Raises `ArgumentError` when it does not fit the type."""
        try:
            return self.answer_type.validate_json(text)
        except ValidationError as exc:
            raise ArgumentError(f"the answer does not fit its type: {problems(exc)}") from exc

    async def inspect(self, call: str, tool: str, text: str) -> Inspection:
        """What the named tool says about one exact call."""
        function = self.tool(tool)
        if function is not None:
            return await function.inspect(call, text)
        spec = next((spec for spec in self._tool_specs() if spec.name == tool), None)
        if spec is None:
            return Inspection(call=call, error=f"there is no tool {tool!r}")
        try:
            arguments = compact(text or "{}")
            if spec.kind == "final":
                self.read_answer(unwrap(arguments))
            else:
                brief_of(arguments)
            digest = call_digest(spec.contract, arguments, "")
        except (ArgumentError, UnicodeEncodeError) as exc:
            return Inspection(call=call, error=f"the arguments are not valid: {exc}")
        return Inspection(call=call, arguments=arguments, digest=digest)


def _beneath(spec: AgentSpec, above: Remit) -> AgentSpec:
    """A sub-agent is trusted no further, and nests no deeper, than the agent that uses it."""
    depth = min(spec.limits.depth, above.depth)
    changed = {
        "phase": least(spec.phase, above.phase),
        "limits": spec.limits.model_copy(update={"depth": depth}),
        "agents": tuple(_beneath(agent, above) for agent in spec.agents),
        "hooks": with_hooks(spec.hooks, (hook.spec for hook in above.hooks)),
    }
    return spec.model_copy(update=changed)


__all__ = ["Agent", "Prompt", "Remit", "Tool"]
