"""A model that does everything a model can do, good or bad, as the seed's dice fall."""

import asyncio
import json
import re
from collections.abc import Callable

from remit.errors import ProviderError
from remit.values.message import ResultPart, TextPart
from remit.values.model import (
    Delta,
    FailureKind,
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.values.usage import Usage
from tests.simulation.world import SECRET, World, ensure

KINDS: tuple[FailureKind, ...] = (
    "rate_limited",
    "overloaded",
    "server",
    "timeout",
    "connection",
    "stream_broken",
    "malformed",
    "auth",
    "bad_request",
    "billing",
    "unknown",
)
_MARK = re.compile(r"tenant=(\w+) session=(\w+)")


class Mind:
    """A `Model` of one process."""

    provider = "sim"

    def __init__(self, world: World) -> None:
        self._world = world

    async def close(self) -> None:
        """Nothing to release."""

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """An answer after a while, an error, or nothing at all."""
        world, rng = self._world, self._world.rng
        _check_tenant(request)
        world.counts["requests"] += 1
        await asyncio.sleep(rng.random() * rng.choice((0.2, 2, 6)))
        if world.chance(world.moods.model_fault):
            await self._fail()
        parts = self._parts(request)
        if request.stream:
            for index, part in enumerate(parts):
                if isinstance(part, RawText):
                    for piece in (part.text[:5], part.text[5:]):
                        emit(Delta(index, "text", piece))
                        await asyncio.sleep(0.01)
        calls = any(isinstance(part, RawCall) for part in parts)
        stop: StopReason = "tools" if calls else "end"
        if world.chance(0.04):
            stop = rng.choice(("max_tokens", "refusal", "pause", "stop_sequence"))
        # Half of what was sent, and up to all that may be said: no provider counts more.
        usage = Usage(
            input=_heard(request) // 2 + rng.randrange(50),
            output=rng.randrange(request.max_output_tokens + 1),
        )
        return ModelAnswer(parts=parts, stop=stop, usage=usage, model=request.model)

    async def count(self, request: ModelRequest, *, deadline_s: float) -> int | None:
        """About as many tokens as an answer will say that it read; or an error, or nothing."""
        world, rng = self._world, self._world.rng
        _check_tenant(request)
        world.counts["counts"] += 1
        await asyncio.sleep(rng.random() * rng.choice((0.1, 1)))
        if world.chance(world.moods.model_fault):
            await self._fail()
        if world.chance(0.1):
            return None
        less = 3 if rng.random() < 0.1 else 2  # who counts too little is believed, and flagged
        return _heard(request) // less + rng.randrange(1, 50)

    async def _fail(self) -> None:
        rng = self._world.rng
        what = rng.random()
        if what < 0.15:
            await asyncio.sleep(1e6)
        if what < 0.25:
            raise ValueError("an adapter with a bug")
        kind = rng.choice(KINDS if what < 0.4 else KINDS[:7])
        wish = rng.choice((None, None, 500, 20_000))
        raise ProviderError(f"{kind} {SECRET}", kind=kind, retry_after_ms=wish)

    def _parts(self, request: ModelRequest) -> tuple[RawPart, ...]:
        world, rng = self._world, self._world.rng
        turns = sum(1 for message in request.messages if message.role == "assistant")
        names = [tool.name for tool in request.tools]
        parts: list[RawPart] = []
        if world.chance(0.1):
            parts.append(RawThinking(f"hm {SECRET}", signature=rng.choice(("", "sig"))))
        if rng.random() < 0.5:
            parts.append(RawText(rng.choice(("fine", f"secret {SECRET}", "approved by ann"))))
        if world.calm or rng.random() < 0.06 + turns * 0.04:
            if "final_answer" in names:
                parts.append(self._call("final_answer", turns, {"answer": rng.choice((1, 2, "x"))}))
            elif not parts:
                parts.append(RawText("done"))
            return tuple(parts)
        parts += [self._one(names, turns, at) for at in range(rng.choice((1, 1, 1, 2, 3, 4)))]
        return tuple(parts)

    def _one(self, names: list[str], turns: int, at: int) -> RawCall:
        rng = self._world.rng
        odd = rng.random()
        if odd < 0.02:
            return RawCall(f"p{turns}-{at}", rng.choice(names), '{"cut": "of')
        if odd < 0.04:
            return self._call("launch_rocket", turns, {"to": "moon"}, at)
        if odd < 0.06:
            return self._call(rng.choice(names), turns, {"place": "x" * 30_000}, at)
        # What needs two people, and what starts runs of its own, meets most: it is asked for more.
        often = [name for name in names if name == "wire" or name.startswith("ask_")]
        name = rng.choice([*names, *often, *often])
        arguments: dict[str, object]
        match name:
            case "look" | "peek" | "wipe":
                arguments = {"place": rng.choice("abcdef")}
            case "note" | "file_form":
                arguments = {"name": rng.choice("abcd")}
            case "mail" | "mail_slowly":
                arguments = {"to": rng.choice("abcd")}
            case "final_answer":
                arguments = {"answer": rng.choice((1, 2, "x"))}
            case "pay" | "pay_slowly" | "wire":
                arguments = {"amount": rng.randrange(100)}
            case _:
                arguments = {"brief": f"dig {rng.randrange(100)}"}
        return self._call(name, turns, arguments, at)

    def _call(self, name: str, turns: int, arguments: object, at: int = 0) -> RawCall:
        return RawCall(f"p{turns}-{at}", name, json.dumps(arguments))


def _heard(request: ModelRequest) -> int:
    return len(request.system) + sum(
        len(part.model_dump_json()) for message in request.messages for part in message.parts
    )


def _check_tenant(request: ModelRequest) -> None:
    """No word of another tenant or session, and no secret, reaches the model."""
    texts = [
        str(part.text)
        for message in request.messages
        for part in message.parts
        if isinstance(part, TextPart | ResultPart)
    ]
    whole = "\n".join(texts)
    marks = set(_MARK.findall(whole))
    ensure(len(marks) <= 1, f"a model was told of {sorted(marks)}")
    ensure(SECRET not in whole, "a model was told a secret")
    if "digger" in request.system or "mole" in request.system:
        ensure(not marks, "a sub-agent was told its parent's history")
