"""Asking hooks: what hangs, raises or answers wrongly refuses a call, and withholds a result."""

import asyncio
import hashlib
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, cast

import pytest

from remit import (
    AfterAnswer,
    BeforeAnswer,
    HookedCall,
    HookedResult,
    Remit,
    after_tool,
    before_tool,
    tool,
)
from remit.journal.events import HookAnswered
from remit.machine.agent import Agent
from remit.machine.hooks import Hook, hooks_by_name
from remit.machine.inputs import Inspection
from remit.machine.state import CallState, State
from remit.runtime.hooking import Heard, Hooking
from remit.values.clean import Clean
from tests.runtime.kit import THREADS, a_cleaner, an_inspector, released, state_of
from tests.runtime.stage import PATIENCE_S, an_agent, secret


@tool(access="write")
async def send_note(to: str, text: str = "") -> str:
    """Send."""
    return to + text


class Seen:
    calls: ClassVar[list[HookedCall]] = []
    results: ClassVar[list[HookedResult]] = []


@before_tool("send_*")
def to_us(call: HookedCall) -> BeforeAnswer:
    """Only to us."""
    Seen.calls.append(call)
    to = str(call.arguments["to"])
    return call.go_on() if to.endswith("@us") else call.refuse(f"{to} is not one of us")


@before_tool("send_*")
async def sign(call: HookedCall) -> BeforeAnswer:
    """Sign."""
    return call.change(text=f"{call.arguments.get('text', '')} -- us")


@before_tool("send_*", timeout="20ms")
async def hang(_call: HookedCall) -> BeforeAnswer:
    """Hang."""
    await asyncio.sleep(3600)
    raise AssertionError


@before_tool("send_*", timeout="20ms")
def hang_in_a_thread(_call: HookedCall) -> BeforeAnswer:
    """Hang where nobody can cut it."""
    GATE.wait(PATIENCE_S)
    raise AssertionError


GATE = threading.Event()


@before_tool("send_*")
def raise_late(_call: HookedCall) -> BeforeAnswer:
    """Raise what looks like our own timeout."""
    raise TimeoutError("the list is slow")


@before_tool("send_*")
async def leave(_call: HookedCall) -> BeforeAnswer:
    """Leave."""
    sys.exit(3)


@before_tool("send_*")
def say_nothing(_call: HookedCall) -> BeforeAnswer:
    """Forget the answer."""
    return cast("BeforeAnswer", None)


@before_tool("send_*")
def misspell(call: HookedCall) -> BeforeAnswer:
    """Change what is no argument."""
    return call.change(txt="x")


@before_tool("send_*")
def write_anything(call: HookedCall) -> BeforeAnswer:
    """Change to what JSON cannot say."""
    return call.change(text=object())


@before_tool("send_*")
def leak(call: HookedCall) -> BeforeAnswer:
    """Write a secret."""
    return call.change(text=secret("leak"))


@before_tool("send_*")
def hold_it(call: HookedCall) -> BeforeAnswer:
    """Hold."""
    return call.hold("somebody should look")


def clerk(*hooks: Hook) -> Agent[object]:
    return an_agent(tools=[send_note], remit=Remit(approvals={send_note: 0}, hooks=hooks))


async def looked(*hooks: Hook, arguments: str = '{"to":"a@us"}') -> Inspection:
    agent = clerk(*hooks)
    inspector = an_inspector(agent, hooks=hooks_by_name(hooks))
    return await inspector.look(state_of(agent), "c1-1", "send_note", arguments)


def words(found: Inspection) -> list[tuple[str, str]]:
    return [(each.hook, each.word) for each in found.hooked]


# ---------------------------------------------------------------- before


@pytest.mark.requirement("TOOL-11")
async def test_a_hook_sees_the_exact_call_and_lets_it_go() -> None:
    Seen.calls.clear()
    found = await looked(to_us)
    assert found == await looked()
    (call,) = Seen.calls
    assert (call.tool, call.arguments) == ("send_note", {"to": "a@us"})
    assert (call.tenant, call.user, call.session) == ("acme", "ann", "s1")
    assert (call.agent, call.call, call.access, call.risk) == ("worker", "c1-1", "write", "low")


@pytest.mark.requirement("TOOL-11")
async def test_a_refusal_ends_it_and_nobody_is_asked_after_it() -> None:
    Seen.calls.clear()
    found = await looked(hold_it, to_us, sign, arguments='{"to":"a@them"}')
    assert words(found) == [("hold_it", "held"), ("to_us", "refused")]
    assert found.hooked[-1].reason == "a@them is not one of us"
    assert found.arguments == '{"to":"a@them"}'


@pytest.mark.requirement("TOOL-11")
async def test_a_change_is_validated_digested_and_seen_by_those_after() -> None:
    Seen.calls.clear()
    plain = await looked()
    found = await looked(sign, to_us)
    assert found.arguments == '{"text":" -- us","to":"a@us"}'
    (word,) = found.hooked
    assert (word.word, word.before, word.after) == ("changed", plain.digest, found.digest)
    assert word.arguments == found.arguments
    assert plain.digest != found.digest
    assert Seen.calls[0].arguments["text"] == " -- us"


@pytest.mark.requirement("TOOL-11")
@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (hang, "it did not answer within 0.02 s"),
        (hang_in_a_thread, "it did not answer within 0.02 s"),
        (raise_late, "it raised TimeoutError: the list is slow"),
        (leave, "it raised SystemExit: 3"),
        (say_nothing, "it answered with NoneType, not BeforeAnswer"),
        (misspell, "what it made of the arguments does not fit: the arguments are not valid: txt"),
        (write_anything, "its arguments are no JSON"),
    ],
)
async def test_what_goes_wrong_in_a_hook_refuses_the_call(hook: Hook, why: str) -> None:
    GATE.clear()
    found = await looked(hook, sign)
    GATE.set()
    assert words(found) == [(hook.name, "refused")]
    assert found.hooked[0].reason.startswith(why)


@pytest.mark.requirement("TOOL-11")
async def test_a_hook_that_the_run_began_with_is_missed() -> None:
    agent = clerk(to_us)
    found = await an_inspector(agent).look(state_of(agent), "c1", "send_note", '{"to":"a@us"}')
    assert words(found) == [("to_us", "refused")]
    assert "the program has it no more" in found.hooked[0].reason
    known = {"to_us": replace(to_us, spec=to_us.spec.model_copy(update={"when": "after"}))}
    inspector = an_inspector(agent, hooks=known)
    found = await inspector.look(state_of(agent), "c1", "send_note", '{"to":"a@us"}')
    assert words(found) == [("to_us", "refused")]


@pytest.mark.requirement("SEC-3", "TOOL-11")
async def test_a_secret_that_a_hook_writes_is_not_journalled() -> None:
    agent, cleaner = clerk(leak), a_cleaner()
    inspector = an_inspector(agent, cleaner, hooks_by_name([leak]))
    found = await inspector.look(state_of(agent), "c1-1", "send_note", '{"to":"a@us"}')
    assert secret("leak") not in repr(found)
    assert "[secret:" in found.arguments
    assert cleaner.rows


@pytest.mark.requirement("TOOL-1", "TOOL-11")
async def test_no_hook_is_asked_about_what_is_not_valid() -> None:
    Seen.calls.clear()
    found = await looked(to_us, arguments='{"to":7}')
    assert (found.hooked, Seen.calls) == ((), [])
    agent = clerk(to_us)
    inspector = an_inspector(agent, hooks=hooks_by_name([to_us]))
    assert (await inspector.look(state_of(agent), "c1", "unheard_of", "{}")).hooked == ()


@before_tool("send_*")
def change_nothing(call: HookedCall) -> BeforeAnswer:
    """Change nothing."""
    return call.change(to=call.arguments["to"])


@pytest.mark.requirement("TOOL-11")
async def test_a_change_that_changes_nothing_is_none() -> None:
    assert await looked(change_nothing) == await looked()
    assert (await heard(shout, text="SENT")).hooks == ()


# ---------------------------------------------------------------- after


@after_tool("send_*")
def see(result: HookedResult) -> AfterAnswer:
    """See."""
    Seen.results.append(result)
    return result.keep()


@after_tool("send_*")
async def shout(result: HookedResult) -> AfterAnswer:
    """Shout."""
    return result.change(result.text.upper())


@after_tool("send_*")
def shut(result: HookedResult) -> AfterAnswer:
    """Withhold."""
    return result.withhold("it names customers")


@after_tool("send_*")
def shut_and_keep(result: HookedResult) -> AfterAnswer:
    """Withhold from the model alone."""
    return result.withhold("", keep_whole=True)


@after_tool("send_*")
def break_down(_result: HookedResult) -> AfterAnswer:
    """Break."""
    raise ValueError("no list of customers")


@after_tool("send_*", timeout="20ms")
async def hang_after(_result: HookedResult) -> AfterAnswer:
    """Hang."""
    await asyncio.sleep(3600)
    raise AssertionError


def sent(*hooks: Hook) -> tuple[State, CallState]:
    state, call, _ = released(clerk(*hooks), "send_note", '{"to":"a@us"}')
    return state, call


def asking(hooks: Iterable[Hook], known: Mapping[str, Hook] | None = None) -> Hooking:
    return Hooking(hooks_by_name(hooks) if known is None else known, THREADS)


async def heard(*hooks: Hook, text: str = "sent to Ann", is_error: bool = False) -> Heard:
    state, call = sent(*hooks)
    raw = Clean.vouch(text)
    return await asking(hooks).after(state, call, raw, a_cleaner(), is_error=is_error)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@pytest.mark.requirement("TOOL-11")
async def test_a_result_is_kept_or_changed_and_the_change_is_told() -> None:
    Seen.results.clear()
    kept = await heard(see)
    assert (kept.text, kept.hooks) == ("sent to Ann", ())
    changed = await heard(shout, see, is_error=True)
    assert changed.text == "SENT TO ANN"
    (done,) = changed.hooks
    assert (done.hook, done.word) == ("shout", "changed")
    assert (done.before, done.after) == (digest("sent to Ann"), digest("SENT TO ANN"))
    assert [result.text for result in Seen.results] == ["sent to Ann", "SENT TO ANN"]
    assert [result.is_error for result in Seen.results] == [False, True]
    assert Seen.results[0].call.arguments == {"to": "a@us"}


@pytest.mark.requirement("TOOL-11")
async def test_what_is_withheld_is_kept_only_where_the_hook_says_so() -> None:
    Seen.results.clear()
    gone = await heard(shut, see)
    assert gone.text == "what came of this call is withheld: it names customers (hook.shut)"
    assert (gone.kept, Seen.results) == (None, [])
    kept = await heard(shut_and_keep)
    assert kept.text.endswith("it gives no reason (hook.shut_and_keep)")
    assert kept.kept is not None
    assert kept.kept.content == b"sent to Ann"


@pytest.mark.requirement("TOOL-11")
@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (break_down, "it raised ValueError: no list of customers"),
        (hang_after, "it did not answer within 0.02 s"),
    ],
)
async def test_what_goes_wrong_withholds_the_result(hook: Hook, why: str) -> None:
    found = await heard(hook)
    assert why in found.text
    assert "Ann" not in found.text
    state, call = sent(see)
    missing = await asking([], {}).after(
        state, call, Clean.vouch("sent to Ann"), a_cleaner(), is_error=False
    )
    assert missing.is_withheld


@pytest.mark.requirement("TOOL-11")
async def test_a_run_that_is_stopped_meanwhile_still_hears_that_it_happened() -> None:
    state, call = sent(hang_after)
    slow = replace(hang_after, spec=hang_after.spec.model_copy(update={"timeout_ms": 60_000}))
    state = replace_hooks(state, slow)
    task = asyncio.create_task(
        asking([slow]).after(state, call, Clean.vouch("sent"), a_cleaner(), is_error=False)
    )
    await asyncio.sleep(0)
    task.cancel()
    assert (await task).hooks[0].reason == "the run was stopped before the hook answered"


def replace_hooks(state: State, hook: Hook) -> State:
    spec = state.spec.model_copy(update={"hooks": (hook.spec,)})
    return replace(state, spec=spec)


@pytest.mark.requirement("SEC-3", "TOOL-11")
async def test_a_secret_in_what_a_hook_says_is_taken_out() -> None:
    @after_tool("send_*")
    def tell(result: HookedResult) -> AfterAnswer:
        return result.change(secret("told"))

    assert "[secret:" in (await heard(tell)).text
    assert isinstance((await looked(hold_it)).hooked[0], HookAnswered)
