"""Who else reaches the master: what the Sentinels' flags and the replicas' links say of it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from actions.kit.diagnosis.facts import DOWN_FLAGS, Facts, flags_of, of_node, of_sentinel
from actions.kit.findings import Evidence
from actions.kit.snapshot import Link

HEARD_S = 2
"""A replica that heard from its master within this many seconds is reached by it now."""
SILENT_S = 12
"""A master pings its replicas every ten seconds by default: longer silence on an open link means that it is gone."""


class Reach(Enum):
    """Whether one vantage point reaches the master."""

    YES = auto()
    """A Sentinel flags it neither down nor disconnected; a replica's link is up, and something came within 2 s."""
    NO = auto()
    """A Sentinel flags it down or disconnected; a replica's link is down, or silent beyond the ping period."""
    UNSAID = auto()
    """A Sentinel in TILT; a replica whose open link is silent, but not for longer than the ping period."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One vantage point on the master."""

    is_sentinel: bool
    reach: Reach
    evidence: Evidence


def voices(facts: Facts) -> tuple[Voice, ...]:
    """What every Sentinel and every replica that answered says of the node that should be master."""
    return (*sentinels(facts), *_replicas(facts))


def majority_says_no(facts: Facts, said: Sequence[Voice]) -> bool:
    """More than half of all Sentinels do not reach the master."""
    nos = sum(voice.is_sentinel and voice.reach is Reach.NO for voice in said)
    return nos * 2 > facts.electorate > 0


def sentinels(facts: Facts) -> Iterator[Voice]:
    """What every Sentinel that answered says of the node that should be master."""
    for view, master in facts.opinions:
        if master.address != facts.master_address:
            continue
        if view.tilt:
            yield Voice(True, Reach.UNSAID, of_sentinel(view, "is in TILT"))
            continue
        reach = Reach.NO if master.flags & DOWN_FLAGS else Reach.YES
        yield Voice(True, reach, of_sentinel(view, flags_of(master.flags)))


def _replicas(facts: Facts) -> Iterator[Voice]:
    for node in facts.others:
        link = node.info.link if node.info else None
        if link is not None and link.master == facts.master_address:
            yield Voice(False, _heard(link), of_node(node, link_text(link)))


def _heard(link: Link) -> Reach:
    if not link.up:
        return Reach.YES if link.sync_in_progress else Reach.NO
    if link.last_io_s is None:
        return Reach.UNSAID
    if link.last_io_s <= HEARD_S:
        return Reach.YES
    return Reach.NO if link.last_io_s > SILENT_S else Reach.UNSAID


def link_text(link: Link) -> str:
    """A replica's link in a few words."""
    if link.up:
        heard = "" if link.last_io_s is None else f", last heard {link.last_io_s} s ago"
        return f"link to {link.master} up{heard}"
    if link.sync_in_progress:
        left = "" if link.sync_left_bytes is None else f", {link.sync_left_bytes:,} bytes left"
        return f"full sync from {link.master} in progress{left}"
    since = "" if link.down_since_s is None or link.down_since_s < 0 else f" for {link.down_since_s} s"
    return f"link to {link.master} down{since}"
