"""Writes the events of one change into the log, or does with them what a mishap does."""

from sandbox.elasticache.events import Event
from sandbox.elasticache.faults import Mishap
from sandbox.elasticache.world import World


class Teller:
    """Tells what happens in one change."""

    def __init__(self, world: World, mishap: Mishap) -> None:
        self._world = world
        self._mishap = mishap
        self._held: list[Event] = []

    def recovery(self, cluster_id: str, message: str) -> None:
        """An event of a node that is replaced."""
        self._tell(Event(cluster_id, "cache-cluster", message, self._world.clock.now()))

    def completed(self, source_id: str, source_type: str, message: str) -> None:
        """An event that says that a change is complete."""
        event = Event(source_id, source_type, message, self._world.clock.now())
        if self._mishap is Mishap.EVENTS_OUT_OF_ORDER:
            self._held.append(event)
        elif self._mishap is not Mishap.WITHOUT_EVENTS:
            self._tell(event)

    def rest(self) -> None:
        """Tell what was held back, as if it had only just happened."""
        now = self._world.clock.now()
        for event in self._held:
            self._tell(Event(event.source_id, event.source_type, event.message, now))
        self._held.clear()

    def _tell(self, event: Event) -> None:
        if self._mishap is Mishap.LATE_EVENTS:
            self._world.start(self._later(event))
        else:
            self._world.events.events.append(event)

    async def _later(self, event: Event) -> None:
        await self._world.passes(self._world.timing.late)
        self._world.events.events.append(event)
