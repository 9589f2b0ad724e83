"""A reader's cursor: the last event it has of each run of a tree, as one short line of text.

Version and index of the followed run's event, then those of its sub-runs under way, each by the
rest of its id. `!` marks a run that has ended. As in `12.0` and `31.2,c4-1:7.0,c4-2!9.1`.
"""

import re
from dataclasses import dataclass, field

from remit.errors import UsageError
from remit.journal.events import Event, RunEnded, SubrunRequested

# A driver may write down what came last just after a run's end: so long ended sub-runs are kept
# in mind. More than this many never end within that time.
_RECENT = 8
# A cursor comes back in a header line; servers take 64 KiB of headers at most.
MAX_CURSOR_CHARS = 16 * 1024
_WHOLE = re.compile(r"(\d{1,15})\.(\d{1,9})(!?)", re.ASCII)
_SUBRUN = re.compile(r"([A-Za-z0-9._-]{1,512})([:!])(\d{1,15})\.(\d{1,9})", re.ASCII)


@dataclass(slots=True)
class Place:
    """The last event of one run that the reader has."""

    version: int = 0
    index: int = 0
    whole: bool = False
    """It has all events of that record."""
    ended: bool = False

    @property
    def after(self) -> int:
        """The version above which there may be something new."""
        return self.version if self.whole else max(0, self.version - 1)


@dataclass(slots=True)
class Cursor:
    """Where a reader stands in the run `run` and its sub-runs."""

    run: str
    places: dict[str, Place] = field(default_factory=dict)
    """Parents before their sub-runs."""

    @property
    def ended(self) -> bool:
        """The reader has the end of the run."""
        return self.places[self.run].ended

    def concerns(self, run: str) -> bool:
        """It is the followed run, or below it."""
        return run == self.run or run.startswith(f"{self.run}.")

    def has(self, run: str, version: int, index: int) -> bool:
        """The reader has this event."""
        place = self.places.get(run)
        return place is not None and (version, index) <= (place.version, place.index)

    def follows(self, run: str, version: int, index: int) -> bool:
        """This event is the next one of its run."""
        place = self.places.get(run)
        if place is None:
            return False
        if version == place.version:
            return index == place.index + 1
        return version == place.version + 1 and index == 0

    def take(self, run: str, version: int, index: int, event: Event) -> None:
        """The reader gets this event now."""
        place = self.places.setdefault(run, Place(ended=True))  # forgotten, and it had a last word
        place.version, place.index, place.whole = version, index, False
        if isinstance(event, SubrunRequested):
            self.places.setdefault(event.child, Place())
        elif isinstance(event, RunEnded):
            place.ended = True
            self._forget_old()

    def pass_by(self, run: str, version: int) -> None:
        """The reader has all of this record, and of those before."""
        place = self.places.get(run)
        if place is not None:
            if place.version < version:
                place.version, place.index = version, 0
            place.whole = True

    def is_over(self, run: str) -> bool:
        """Nothing of this run is missing, as far as its end tells."""
        place = self.places.get(run)
        return place is None or place.ended

    def _forget_old(self) -> None:
        ended = [run for run, place in self.places.items() if place.ended and run != self.run]
        for run in ended[:-_RECENT]:
            del self.places[run]

    def text(self) -> str:
        """The cursor as text; empty where it would be too long to be given back."""
        own = self.places[self.run]
        found = [f"{own.version}.{own.index}{'!' if own.ended else ''}"]
        for run, place in self.places.items():
            if run != self.run:
                mark = "!" if place.ended else ":"
                rest = run[len(self.run) + 1 :]
                found.append(f"{rest}{mark}{place.version}.{place.index}")
        line = ",".join(found)
        return line if len(line) <= MAX_CURSOR_CHARS else ""


def read_cursor(run: str, text: str) -> Cursor:
    """The cursor that `text` is; the beginning of the run for an empty one. Raises `UsageError`."""
    if not text:
        return Cursor(run, {run: Place()})
    own, *others = text.split(",") if len(text) <= MAX_CURSOR_CHARS else ["", ""]
    whole = _WHOLE.fullmatch(own)
    below = [_SUBRUN.fullmatch(each) for each in others]
    if whole is None or None in below:
        raise UsageError(
            f"{text[:40]!r} is no place in a stream: give back the id of the last event as it "
            "came, or none to begin at the start"
        )
    cursor = Cursor(run, {run: Place(int(whole[1]), int(whole[2]), ended=bool(whole[3]))})
    places = {
        f"{run}.{each[1]}": Place(int(each[3]), int(each[4]), ended=each[2] == "!")
        for each in below
        if each is not None
    }
    for name in sorted(
        places, key=lambda each: each.count(".")
    ):  # parents first, whatever the text says
        cursor.places[name] = places[name]
    return cursor
