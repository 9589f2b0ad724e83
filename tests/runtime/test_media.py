"""Bytes for requests: read once, kept within a bound, by tenant, never other than they were."""

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.errors import ProviderError, StoreBusy, StoreCorrupt
from remit.journal.rows import Blob
from remit.runtime.media import MediaCache
from remit.values.clean import Clean
from remit.values.media import digest_of, document
from remit.values.message import DocumentPart, Message, Origin, TextPart

ANN = Origin(kind="user", name="ann")


class Counting(MemoryStore):
    """A store that tells what was read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[tuple[str, str]] = []
        self.error: Exception | None = None

    @override
    async def blob(self, tenant: str, digest: str) -> bytes | None:
        self.read.append((tenant, digest))
        if self.error is not None:
            raise self.error
        return await super().blob(tenant, digest)


def paper(content: bytes) -> DocumentPart:
    return document(content, "text/plain", ANN, Clean("a.txt"))


def said(*contents: bytes) -> list[Message]:
    words = TextPart(text=Clean("Look."), origin=ANN)
    return [Message(role="user", parts=(words, *map(paper, contents)))]


async def holding(*contents: bytes, tenant: str = "acme") -> Counting:
    store = Counting()
    await store.open()
    for content in contents:
        await store.put_blob(tenant, Blob(digest_of(content), content))
    return store


async def test_what_was_read_is_kept() -> None:
    store, cache = await holding(b"one", b"two"), MediaCache()
    for _ in range(2):
        found = await cache.of(store, "acme", said(b"one", b"two", b"one"))
        assert found == {digest_of(b"one"): b"one", digest_of(b"two"): b"two"}
    assert len(store.read) == 2
    assert await cache.of(store, "acme", said()) == {}


@pytest.mark.requirement("TEN-1")
async def test_another_tenant_gets_nothing_of_it() -> None:
    store, cache = await holding(b"one"), MediaCache()
    assert await cache.of(store, "acme", said(b"one"))
    with pytest.raises(ProviderError, match="is not in the journal any more"):
        await cache.of(store, "other", said(b"one"))


@pytest.mark.requirement("BUD-9")
async def test_no_more_is_kept_than_the_bound() -> None:
    store, cache = await holding(b"one", b"two", b"six", b"large one"), MediaCache(limit=6)
    await cache.of(store, "acme", said(b"one", b"two"))
    await cache.of(store, "acme", said(b"one"))
    await cache.of(store, "acme", said(b"six"))  # two, used longest ago, is dropped
    assert len(store.read) == 3
    await cache.of(store, "acme", said(b"one", b"six"))
    assert len(store.read) == 3
    found = await cache.of(store, "acme", said(b"large one"))
    assert found == {digest_of(b"large one"): b"large one"}
    await cache.of(store, "acme", said(b"one"))
    assert len(store.read) == 5


@pytest.mark.requirement("AUD-3")
async def test_what_was_changed_is_not_shown() -> None:
    store = await holding()
    await store.put_blob("acme", Blob(digest_of(b"one"), b"other"))
    with pytest.raises(ProviderError, match=r"document a\.txt.*was changed") as caught:
        await MediaCache().of(store, "acme", said(b"one"))
    assert caught.value.kind == "bad_request"


@pytest.mark.parametrize(
    ("error", "kind"),
    [(StoreBusy("locked"), "connection"), (StoreCorrupt("damaged"), "bad_request")],
)
async def test_a_store_that_fails(error: Exception, kind: str) -> None:
    store = await holding(b"one")
    store.error = error
    with pytest.raises(ProviderError, match=f"cannot be read: {error}") as caught:
        await MediaCache().of(store, "acme", said(b"one"))
    assert caught.value.kind == kind
