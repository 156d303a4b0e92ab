"""Who else reaches the master: what the flags of those who vote and the replicas' links say of it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.diagnosis.facts import Facts, of_node
from actions.kit.diagnosis.voice import Reach, Voice
from actions.kit.snapshot import Link
from actions.kit.topology import Address

HEARD_S = 2
"""A replica that heard from its master within this many seconds is reached by it now."""
SILENT_S = 12
"""A master pings its replicas every ten seconds by default: longer silence on an open link means that it is gone."""


def voices(facts: Facts) -> tuple[Voice, ...]:
    """What everybody who votes and every replica that answered says of the node that should be master."""
    return (*facts.electors, *_replicas(facts))


def majority_says_no(facts: Facts, said: Sequence[Voice]) -> bool:
    """More than half of all who vote do not reach the master."""
    nos = sum(voice.votes for voice in said if voice.reach is Reach.NO)
    return nos * 2 > facts.electorate > 0


def followers_of(facts: Facts, address: Address) -> Iterator[Voice]:
    """What every node that follows this one says of its link to it."""
    for node in facts.followers.get(address, ()):
        if node.info is not None and node.info.link is not None:
            yield Voice(0, heard(node.info.link), of_node(node, link_text(node.info.link)))


def _replicas(facts: Facts) -> Iterator[Voice]:
    for node in facts.others:
        link = node.info.link if node.info else None
        if link is not None and link.master == facts.master_address:
            yield Voice(0, heard(link), of_node(node, link_text(link)))


def heard(link: Link) -> Reach:
    """Whether a replica hears from whom it follows."""
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
