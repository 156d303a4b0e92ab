"""Reads what a Sentinel publishes: one event a message, its name the channel. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from actions.kit.errors import UsageError
from actions.kit.snapshot import SentinelView
from actions.kit.topology import Address

MYSELF = "myself"
"""No event of a Sentinel's: which one it is that we listen to, by its id in ``details``."""
LISTENING = "listening"
"""Nor is this: from here on everything is heard of this master, which is as the flags in ``details`` say."""
O_DOWN = "o_down"
"""The flag of a master that enough Sentinels hold to be down."""


class Instance(StrEnum):
    """What an event is about."""

    MASTER = "master"
    REPLICA = "slave"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class SentinelEvent:
    """One event. ``master_name`` is empty where it is about the Sentinel itself, as ``+tilt`` is.

    ``new_master``: of ``+switch-master`` alone. ``details``: what stands behind the ``#``, such as ``quorum 2/2``.
    """

    name: str
    master_name: str = ""
    instance: Instance | None = None
    address: Address | None = None
    new_master: Address | None = None
    details: str = ""


def parse_event(channel: str, payload: str) -> SentinelEvent | None:
    """Read ``<instance-type> <name> <ip> <port> @ <master-name> <master-ip> <master-port> #details``.

    Returns:
        ``None`` where it is none of a Sentinel's events: anybody may publish anything.
    """
    if channel[:1] not in {"+", "-"} or len(channel) > 60:
        return None
    said, _, details = payload.partition("#")
    words = said.split()
    try:
        if channel == "+switch-master":
            name, host, port, new_host, new_port = words
            old, new = Address.parse(f"[{host}]:{port}"), Address.parse(f"[{new_host}]:{new_port}")
            return SentinelEvent(channel, name, Instance.MASTER, old, new)
        if words and words[0] in tuple(Instance):
            return _about_instance(channel, words, details.strip())
    except (ValueError, UsageError):
        return None
    return SentinelEvent(channel, details=details.strip() or payload.strip())


def _about_instance(channel: str, words: list[str], details: str) -> SentinelEvent:
    kind, name, host, port, *rest = words
    if rest and (rest[0] != "@" or len(rest) < 2):
        raise ValueError(channel)
    instance = Instance(kind)
    master_name = name if instance is Instance.MASTER else rest[1]
    return SentinelEvent(channel, master_name, instance, Address.parse(f"[{host}]:{port}"), details=details)


def as_events(master_name: str, view: SentinelView) -> Iterator[SentinelEvent]:
    """What a Sentinel knows already when somebody begins to listen, as the events by which it would have told it."""
    if view.run_id:
        yield SentinelEvent(MYSELF, master_name, Instance.SENTINEL, details=view.run_id)
    if view.tilt:
        yield SentinelEvent("+tilt")
    master = view.master
    if master is None:
        return
    yield SentinelEvent("+monitor", master_name, Instance.MASTER, master.address)
    for replica in master.replicas:
        yield SentinelEvent("+slave", master_name, Instance.REPLICA, replica.address)
    for peer in master.peers:
        yield SentinelEvent("+sentinel", master_name, Instance.SENTINEL, peer)
    if O_DOWN in master.flags:
        yield SentinelEvent("+odown", master_name, Instance.MASTER, master.address, details="since before")
    elif "s_down" in master.flags:
        yield SentinelEvent("+sdown", master_name, Instance.MASTER, master.address)
