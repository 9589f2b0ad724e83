"""What a call's outcome says besides its text: where it came from, and what was kept from it."""

from collections.abc import Iterable, Mapping

from remit.machine.tools import AnyTool
from remit.runtime.cleaning import Cleaner

UNTRUSTED = "untrusted"
"""The label of what somebody else's system said."""
MAX_REFUSED = 32  # different hosts of one call
_LABELS = 64


class Marks:
    """Collected while a call is carried out."""

    def __init__(self) -> None:
        self._labels: dict[str, None] = {}
        self._refused: dict[str, None] = {}

    def came_from(self, tool: AnyTool) -> None:
        """A tool of a server says what that server says."""
        if tool.spec.server:
            self.label((f"server:{tool.spec.server}", UNTRUSTED))

    def label(self, labels: Iterable[str]) -> None:
        """What was read carries these."""
        for each in labels:
            if len(self._labels) < _LABELS:
                self._labels[each] = None

    def refuse(self, host: str) -> None:
        """A confined program was kept from reaching a host, with the reason."""
        if len(self._refused) < MAX_REFUSED:
            self._refused[host] = None

    def fields(self, cleaner: Cleaner) -> Mapping[str, object]:
        """The fields of the outcome."""
        return {
            "labels": tuple(self._labels),
            "refused_hosts": tuple(cleaner.error(each) for each in self._refused),
        }
