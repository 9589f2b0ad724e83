"""Every event is a frozen fact that is written, read back, and readable for ever."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from remit.journal.events import EVENT, RunStopping, ToolQueued
from tests.journal.specimens import EVENT_CLASSES, SPECIMENS

# What the first version of the format wrote, one event a line. Lines are added, never changed.
STORED = (Path(__file__).parent / "events_1.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.requirement("AUD-4")
@pytest.mark.parametrize("name", SPECIMENS)
def test_an_event_is_read_back_as_it_was(name: str) -> None:
    event = SPECIMENS[name]
    text = event.model_dump_json(exclude_defaults=True)
    assert EVENT.validate_json(text) == event
    assert f'"type":"{name}"' in text


@pytest.mark.requirement("AUD-5")
@pytest.mark.parametrize("line", STORED)
def test_what_an_older_version_wrote_is_still_read(line: str) -> None:
    assert EVENT.dump_json(EVENT.validate_json(line), exclude_defaults=True).decode() == line


def test_every_event_stands_in_the_stored_lines() -> None:
    assert {EVENT.validate_json(line).type for line in STORED} == set(SPECIMENS)


@pytest.mark.parametrize("cls", EVENT_CLASSES)
def test_an_event_is_named_in_the_past_and_frozen(cls: type[BaseModel]) -> None:
    event = SPECIMENS[cls.__name__]
    with pytest.raises(ValidationError, match="frozen"):
        event.type = "Other"  # type: ignore[attr-defined] # every event has it
    assert cls.__name__.endswith(("ed", "Given", "Set", "Unknown", "Stopping", "Said")), (
        "a fact is told in the past tense"
    )


def test_an_unknown_event_or_field_is_an_error() -> None:
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        EVENT.validate_json('{"type":"Nonsense"}')
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        EVENT.validate_json('{"type":"ToolQueued","call":"c1","surprise":1}')
    with pytest.raises(ValidationError, match="Field required"):
        EVENT.validate_json('{"type":"ToolQueued"}')


@pytest.mark.requirement("SEC-1", "SEC-3")
def test_text_that_was_not_cleaned_is_refused() -> None:
    with pytest.raises(ValidationError, match="should be an instance of Clean"):
        RunStopping(reason="cancel", detail="raw")  # type: ignore[arg-type] # what the test shows


def test_defaults_are_not_stored() -> None:
    assert ToolQueued(call="c1").model_dump_json(exclude_defaults=True) == (
        '{"type":"ToolQueued","call":"c1"}'
    )
