"""Which target an alert is about, by its labels. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address

from actions.kit.errors import UsageError
from actions.kit.topology import Address, Target
from bot.alerts.links import added, filled
from bot.fleet import Fleet
from bot.ledger.incident_records import Alert, Signal

NAMING = ("target", "redis_group", "group", "master_name", "replication_group_id", "release", "service", "job")
"""Labels that may hold a target's name, or the name of its master, the most telling first."""
PLACES = ("instance", "addr", "master_address", "address", "redis_instance", "host")
"""Labels that may hold the address of one of its servers. redis_exporter writes ``redis://host:port``."""
_SCHEME = re.compile(r"^(?:redis|valkey)s?://(?:[^@/]*@)?")


class Places:
    """Finds the targets and channels of alerts; made once for a fleet, and told which servers are found besides."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._named = dict(_names(fleet.targets))
        self._at: dict[Address, set[str]] = {}
        for name, target in fleet.targets.items():
            self.learn(name, (*target.sentinels, *target.nodes))

    def learn(self, target: str, servers: Iterable[Address]) -> None:
        """These are servers of the target too; what several targets have tells nothing of any."""
        for address in servers:
            self._at.setdefault(_spelled(address), set()).add(target)

    def forget(self, target: str, servers: Iterable[Address]) -> None:
        """They are no longer."""
        for address in servers:
            self._at.get(_spelled(address), set()).discard(target)

    def signal(self, alert: Alert) -> Signal:
        """The alert with its target, and the channels in which that is spoken of."""
        target = self._ruled(alert.labels) or self._by_name(alert.labels) or self._by_address(alert.labels)
        return self.of_target(alert, target)

    def of_target(self, alert: Alert, target: str | None) -> Signal:
        """The same where the target is known already."""
        bound = self._fleet.channels_of(target) if target else ()
        default = (self._fleet.alerts_channel,) if self._fleet.alerts_channel else ()
        templates = added(self._fleet.target_links.get(target or "", ()), self._fleet.alert_links)
        links = added(alert.links, filled(templates, target, alert.labels)) if templates else alert.links
        return Signal(replace(alert, links=links), target, bound or default)

    def _ruled(self, labels: Mapping[str, str]) -> str | None:
        """The first target whose own rule fits: every label that it names has that value."""
        for name, wanted in self._fleet.alert_labels.items():
            if all(labels.get(label) == value for label, value in wanted.items()):
                return name
        return None

    def _by_name(self, labels: Mapping[str, str]) -> str | None:
        return next((found for label in NAMING if (found := self._named.get(labels.get(label, "")))), None)

    def _by_address(self, labels: Mapping[str, str]) -> str | None:
        for label in PLACES:
            try:
                address = Address.parse(_SCHEME.sub("", labels.get(label, "")).partition("/")[0], 6379)
            except UsageError:
                continue
            if len(owners := self._at.get(_spelled(address), set())) == 1:
                return next(iter(owners))
        return None


def _names(targets: Mapping[str, Target]) -> Iterator[tuple[str, str]]:
    """A name of a master that several targets share tells nothing; a target's own name wins."""
    masters = [target.master_name for target in targets.values()]
    for name, target in targets.items():
        if target.master_name and masters.count(target.master_name) == 1:
            yield target.master_name, name
    for name in targets:
        yield name, name


def _spelled(address: Address) -> Address:
    """The same for each way to write it."""
    try:
        return Address(ip_address(address.host).compressed, address.port)
    except ValueError:
        return Address(address.host.lower(), address.port)
