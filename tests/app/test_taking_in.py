"""What a run is given becomes parts and blobs: bounded, cleaned, and as the settings allow."""

from typing import cast

import pytest

from remit import Document, Image
from remit.app.taking_in import (
    MAX_ATTACHMENTS,
    MAX_HELD,
    MAX_HELD_BYTES,
    MAX_INPUT_BYTES,
    Given,
    check_room,
    check_taken,
    items_of,
    take_in,
)
from remit.errors import AttachmentRefused, NotAllowed
from remit.policy.redact import Redactor
from remit.ports import Vault
from remit.runtime.cleaning import Cleaner
from remit.values.clean import Clean
from remit.values.media import digest_of, image
from remit.values.message import DocumentPart, ImagePart, Message, Origin, TextPart
from tests.app.pictures import pdf, png
from tests.runtime.stage import opened, secret

ANN = Origin(kind="user", name="ann")


async def cleaner() -> Cleaner:
    """A cleaner with the rules of an app."""
    async with opened("memory:", ()) as app:
        services = app.engine.services
        redactor: Redactor = app.engine.redactor("local")
        vault: Vault = services.vault
        return Cleaner(redactor, vault, "local", "run_1")


def test_an_input_is_a_text_or_a_list() -> None:
    picture = Image(png())
    assert items_of("Hello") == ("Hello",)
    assert items_of(["Hello", picture]) == ("Hello", picture)
    with pytest.raises(NotAllowed, match="is an empty list"):
        items_of([])
    with pytest.raises(NotAllowed, match=r"holds a bytes: .* Image\.file\(path\)"):
        items_of(cast("Given", ["Hello", b"bytes"]))
    half = "ä" * (MAX_INPUT_BYTES // 4)
    assert items_of([half, half])
    with pytest.raises(NotAllowed, match="more than 1048576 bytes"):
        items_of([half, half, "."])


def test_a_run_takes_a_bounded_number() -> None:
    pictures = [Image(png(), f"{number}.png") for number in range(MAX_ATTACHMENTS + 1)]
    check_taken(pictures[1:], "all")
    with pytest.raises(AttachmentRefused, match="21 images and documents, and a run takes 20"):
        check_taken(pictures, "all")


def test_settings_say_what_is_taken() -> None:
    check_taken(["words", Document.text("a")], "text")
    check_taken(["words"], "none")
    with pytest.raises(AttachmentRefused, match=r"x is image/png.*no images and PDFs"):
        check_taken([Image(png(), "x")], "text")
    with pytest.raises(AttachmentRefused, match=r"the attachment is text/plain.*nothing but text"):
        check_taken([Document.text("a")], "none")


def test_a_conversation_holds_no_more_than_a_request_can() -> None:
    part = image(png(), "image/png", ANN)
    full = Message(role="user", parts=(part,) * (MAX_HELD - 1))
    words = TextPart(text=Clean("Go on."), origin=ANN)
    check_room([full], [part])
    check_room([full, full], [words])  # nothing new: what is there was let in
    with pytest.raises(AttachmentRefused, match="101 images and documents"):
        check_room([full], [part, words, part])
    large = part.model_copy(update={"size": MAX_HELD_BYTES - part.size})
    check_room([Message(role="user", parts=(large,))], [part])
    with pytest.raises(AttachmentRefused, match="or begin a new session"):
        check_room([Message(role="user", parts=(large,))], [part, part])


@pytest.mark.requirement("SEC-1")
async def test_texts_are_cleaned_and_bytes_kept_once() -> None:
    token = secret()
    given = (
        f"key {token}",
        Image(png(), "a.png"),
        Image(png(), "b.png"),
        Document(pdf(2), "reports/may\n.pdf"),
        Document.text(f"key {token}", f"{token}.txt"),
        Document.text("plain", "n" * 300),
    )
    taken = await take_in(given, ANN, await cleaner())
    text, first, second, paper, note, plain = taken.parts
    assert isinstance(text, TextPart)
    assert isinstance(first, ImagePart)
    assert isinstance(paper, DocumentPart)
    assert isinstance(note, DocumentPart)
    assert isinstance(plain, DocumentPart)
    assert first == second
    assert first.digest == digest_of(png())
    assert (paper.name, paper.pages) == ("may_.pdf", 2)
    assert plain.name == "n" * 200
    assert token not in repr(taken)
    cleaned = str(text.text).encode()
    assert note.digest == digest_of(cleaned)
    contents = {blob.digest: blob.content for blob in taken.blobs}
    assert contents[note.digest] == cleaned
    assert len(taken.blobs) == 4
    assert all(digest_of(content) == digest for digest, content in contents.items())
