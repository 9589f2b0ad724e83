"""A decision in the making: events so far, and the state they lead to."""

from remit.journal.events import Event
from remit.machine.evolve import evolve
from remit.machine.inputs import World
from remit.machine.state import State


class Draft:
    """Collects the events of one decision; `state` always is the fold of all of them."""

    def __init__(self, state: State, world: World) -> None:
        self.state = state
        self.world = world
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        """Decide `event`."""
        self.state = evolve(self.state, event, self.world.now_ms)
        self.events.append(event)
