"""The bytes of images and documents for a model's request, read from the journal's store."""

from collections import OrderedDict
from collections.abc import Iterable

from remit.errors import ProviderError, RemitError, StoreCorrupt, StoreError
from remit.ports import Store
from remit.values.media import described, digest_of
from remit.values.message import DocumentPart, ImagePart, MediaPart, Message

# Four conversations with as much in them as one may hold (`app.taking_in.MAX_HELD_BYTES`): a turn
# follows the other within seconds, and what is forgotten is only read again.
MAX_CACHED_BYTES = 64 * 1024 * 1024


class MediaCache:
    """What the runs of one process showed to models lately, by tenant and digest."""

    def __init__(self, limit: int = MAX_CACHED_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    async def of(self, store: Store, tenant: str, messages: Iterable[Message]) -> dict[str, bytes]:
        """The bytes of all images and documents in these messages, by digest.

        Raises `ProviderError`: `bad_request` for what is gone or was changed, `connection` when
        the store fails; nothing was sent then.
        """
        found: dict[str, bytes] = {}
        for message in messages:
            for part in message.parts:
                if isinstance(part, ImagePart | DocumentPart) and part.digest not in found:
                    found[part.digest] = await self._content(store, tenant, part)
        return found

    async def _content(self, store: Store, tenant: str, part: MediaPart) -> bytes:
        key = (tenant, part.digest)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        content = await _read(store, tenant, part)
        self._keep(key, content)
        return content

    def _keep(self, key: tuple[str, str], content: bytes) -> None:
        if key not in self._kept:  # another run may have read it meanwhile
            self._kept[key] = content
            self._bytes += len(content)
        while self._bytes > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


async def _read(store: Store, tenant: str, part: MediaPart) -> bytes:
    """The content of a part as it was given."""
    try:
        content = await store.blob(tenant, part.digest)
    except RemitError as exc:
        transient = isinstance(exc, StoreError) and not isinstance(exc, StoreCorrupt)
        kind = "connection" if transient else "bad_request"
        raise ProviderError(f"{described(part)} cannot be read: {exc}", kind=kind) from exc
    if content is None:
        state = "is not in the journal any more"
    elif digest_of(content) != part.digest:
        state = "was changed in the journal; see `remit verify`"
    else:
        return content
    raise ProviderError(
        f"{described(part)} {state}: begin a new session without it", kind="bad_request"
    )
