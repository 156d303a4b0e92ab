"""Wires what watches the targets by itself, beside the alerts that others send; all of it ends as alerts of ours."""

from __future__ import annotations

from collections.abc import Iterable

from actions.adapters.aws import AwsElastiCache
from actions.adapters.kubernetes.watching import pod_changes
from actions.adapters.redis.listening import sentinel_events
from actions.kit.kubernetes.place import Way
from actions.kit.topology import Address, Kind, Target
from bot.alerts.aws import AwsWatch
from bot.alerts.failovers import Failovers, Look
from bot.alerts.mapping import Places
from bot.alerts.nodes import NodeWatch
from bot.alerts.pods import PodWatch
from bot.alerts.sentinels import SentinelWatch
from bot.alerts.telling import Teller
from bot.alerts.watches import Watches
from bot.fleet import Fleet
from bot.ledger import Ledger


class Sources:
    """One for each process. Close with ``aclose``.

    Args:
        fleet: what is watched.
        places: finds the targets of alerts, and is told which nodes are found.
        ledger: where goes what is noticed.
        look: looks at a target, as a person's command does.
        watches: which of them are on.
    """

    def __init__(self, fleet: Fleet, places: Places, ledger: Ledger, look: Look, watches: Watches) -> None:
        dialled = tuple(filter(_is_dialled, fleet.targets.values()))
        self._teller = Teller(places, ledger.incidents, ledger.held)
        self._failovers = Failovers(look, self._teller)
        self._nodes = None
        if watches.nodes_s:
            self._nodes = NodeWatch(dialled, self._teller, self._failovers, watches.nodes_s, places)
        self._sentinels = None
        if watches.sentinels:
            self._sentinels = SentinelWatch(dialled, self._teller, self._failovers, sentinel_events, self._known)
        if self._nodes is not None:
            self._failovers.ask(self._nodes)
        everybody = fleet.targets.values() if watches.pods else ()
        self._pods = PodWatch(everybody, self._teller, pod_changes, self._found)
        asked = fleet.targets.values() if watches.aws_s else ()
        self._aws = AwsWatch(asked, self._teller, AwsElastiCache, self._known, watches.aws_s)

    def start(self) -> None:
        """Begin."""
        self._teller.start()
        for watch in (self._nodes, self._sentinels, self._pods, self._aws):
            if watch is not None:
                watch.start()

    async def aclose(self) -> None:
        """Stop; what was noticed is written down before."""
        for watch in (self._aws, self._pods, self._sentinels, self._nodes):
            if watch is not None:
                await watch.aclose()
        await self._failovers.aclose()
        await self._teller.aclose()

    def _known(self, target: str, nodes: Iterable[Address]) -> None:
        if self._nodes is not None:
            self._nodes.know(target, nodes)

    def _found(
        self, target: Target, nodes: Iterable[Address], sentinels: Iterable[Address], gone: Iterable[Address]
    ) -> None:
        if not _is_dialled(target):
            return
        if self._nodes is not None:
            self._nodes.forget(target.name, gone)
            self._nodes.know(target.name, nodes)
        if self._sentinels is not None and target.kind is Kind.SENTINEL:
            self._sentinels.know(target, sentinels)


def _is_dialled(target: Target) -> bool:
    """Through the Kubernetes API a connection is a tunnel: too dear to be kept for a question each second."""
    return target.kubernetes is None or target.kubernetes.reach is Way.DIRECT
