"""What the events of Sentinels are to people, as alerts. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit.sentinel_events import Instance, SentinelEvent
from actions.kit.topology import Address
from bot.alerts.telling import own_alert
from bot.ledger.incident_records import Alert
from bot.render.words import plain

ABORT = "-failover-abort-"
"""How the names of all events begin by which a Sentinel gives its failover up."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What an event is to people: the alert's name, how bad it is, and a sentence with places for what it is about."""

    name: str
    severity: str
    sentence: str


_MEANINGS: Mapping[tuple[str, Instance | None], _Meaning] = {
    ("+odown", Instance.MASTER): _Meaning(
        "SentinelMasterDown", "critical", "Enough Sentinels hold the master {where} to be down ({why})."
    ),
    ("+sdown", Instance.MASTER): _Meaning(
        "SentinelMasterSilent", "warning", "A Sentinel has no answer from the master {where}."
    ),
    ("+sdown", Instance.REPLICA): _Meaning(
        "SentinelReplicaSilent", "warning", "A Sentinel has no answer from the replica {where}."
    ),
    ("+sdown", Instance.SENTINEL): _Meaning(
        "SentinelSilent", "warning", "A Sentinel has no answer from the Sentinel {where}."
    ),
    ("+switch-master", Instance.MASTER): _Meaning(
        "SentinelMasterChanged", "warning", "The Sentinels have moved the master from {where} to {new}."
    ),
    ("+reboot", Instance.MASTER): _Meaning("RedisRestarted", "warning", "The master {where} was restarted."),
    ("+reboot", Instance.REPLICA): _Meaning("RedisRestarted", "warning", "The replica {where} was restarted."),
    ("+convert-to-slave", Instance.REPLICA): _Meaning(
        "SentinelMasterDemoted", "warning", "{where} said that it is a master, and a Sentinel makes it a replica."
    ),
    ("+reset-master", Instance.MASTER): _Meaning(
        "SentinelReset", "warning", "Somebody has reset what a Sentinel knows of this master."
    ),
    ("+tilt", None): _Meaning("SentinelTilt", "warning", "A Sentinel is in TILT and acts on nothing for 30 s."),
}
_ABORTS: Mapping[str, str] = {
    "-failover-abort-no-good-slave": "no replica can be promoted",
    "-failover-abort-slave-timeout": "its replica was not promoted in time",
    "-failover-abort-not-elected": "the other Sentinels have not elected it",
}


def alert_of(sentinel: Address, event: SentinelEvent, target: str) -> Alert | None:
    """The alert about a target that an event of this Sentinel is; ``None`` where it is none."""
    meaning = _meaning(event)
    if meaning is None:
        return None
    where = str(event.address or sentinel)
    sentence = meaning.sentence.format(where=where, new=event.new_master, why=plain(event.details, 60) or "no details")
    about = where if event.instance is not Instance.MASTER or event.new_master else ""
    return own_alert(
        f"sentinel:{target}:{meaning.name}:{about}",
        meaning.name,
        meaning.severity,
        sentence,
        instance=where,
        heard_from=str(sentinel),
    )


def _meaning(event: SentinelEvent) -> _Meaning | None:
    if event.name.startswith(ABORT):
        why = _ABORTS.get(event.name, "it does not say more")
        return _Meaning("SentinelFailoverGivenUp", "critical", f"A Sentinel has given its failover up: {why}.")
    return _MEANINGS.get((event.name, event.instance))
